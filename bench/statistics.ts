import { Matrix, solve, SVD } from "ml-matrix";

type Rows = readonly (readonly number[])[];

/** The mean of at least one number. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The scalar product of two vectors of the same length. */
export function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

/** Principal components of rows: shares of the variance by falling size, and the coordinates of the rows along component k. */
export function principal(rows: Rows) {
  const centered = new Matrix(rows as number[][]).center("column");
  const { rightSingularVectors, diagonal } = new SVD(centered);
  return {
    shares: diagonal.map((value) => value ** 2 / centered.norm("frobenius") ** 2),
    along: (k: number) => centered.mmul(rightSingularVectors).getColumn(k),
  };
}

/** Least squares of y on features, which include a constant: weights, share of the variance explained, largest error. */
export function leastSquares(
  features: Rows,
  y: readonly number[],
): { weights: number[]; explained: number; largest: number } {
  const weights = solve(new Matrix(features as number[][]), Matrix.columnVector(y as number[]), true).to1DArray();
  const errors = y.map((value, i) => value - dot(features[i], weights));
  const explained = 1 - dot(errors, errors) / spread(y.map((value) => [value]));
  return { weights, explained, largest: Math.max(...errors.map(Math.abs)) };
}

/** The monomials in x and y up to degree 5. */
export function polynomial(x: number, y: number): number[] {
  const terms = [];
  for (let i = 0; i <= 5; i++) for (let j = 0; i + j <= 5; j++) terms.push(x ** i * y ** j);
  return terms;
}

/** The sum of squared distances of rows from their mean. */
function spread(rows: Rows): number {
  return new Matrix(rows as number[][]).center("column").norm("frobenius") ** 2;
}

/** The share of the variance of rows that their groups explain. */
export function betweenGroups(rows: Rows, group: readonly number[]): number {
  const groups = [...Map.groupBy(rows.keys(), (i) => group[i]).values()];
  return 1 - groups.reduce((sum, members) => sum + spread(members.map((i) => rows[i])), 0) / spread(rows);
}
