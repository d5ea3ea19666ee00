import { EigenvalueDecomposition, Matrix, solve } from "ml-matrix";

/** Principal directions of rows that are not centered, by falling sum of squares along them. */
export function axes(rows: readonly (readonly number[])[]): { directions: number[][]; lengths: number[] } {
  const matrix = new Matrix(rows as number[][]);
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix.transpose().mmul(matrix), {
    assumeSymmetric: true,
  });
  const order = realEigenvalues.map((_, k) => k).sort((x, y) => realEigenvalues[y] - realEigenvalues[x]);
  return {
    directions: order.map((k) => eigenvectorMatrix.getColumn(k)),
    lengths: order.map((k) => realEigenvalues[k]),
  };
}

/** The mean of at least one number. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Principal components of rows, centered on their mean: shares of the variance by falling size, and the coordinates along component k. */
export function principal(rows: readonly (readonly number[])[]) {
  const center = rows[0].map((_, k) => mean(rows.map((row) => row[k])));
  const centered = rows.map((row) => row.map((value, k) => value - center[k]));
  const { directions, lengths } = axes(centered);
  const all = lengths.reduce((sum, value) => sum + value, 0);
  return {
    shares: lengths.map((length) => length / all),
    along: (k: number) => centered.map((row) => dot(row, directions[k])),
  };
}

/** The scalar product of two vectors of the same length. */
export function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

/** Least squares of y on features, which include a constant: weights, share of the variance explained, largest error. */
export function leastSquares(
  features: readonly (readonly number[])[],
  y: readonly number[],
): { weights: number[]; explained: number; largest: number } {
  const weights = solve(new Matrix(features as number[][]), Matrix.columnVector(y as number[]), true).to1DArray();
  const errors = y.map((value, i) => value - dot(features[i], weights));
  const center = mean(y);
  const explained = 1 - dot(errors, errors) / y.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return { weights, explained, largest: Math.max(...errors.map(Math.abs)) };
}

/** The monomials in x and y up to degree 5. */
export function polynomial(x: number, y: number): number[] {
  const terms = [];
  for (let i = 0; i <= 5; i++) for (let j = 0; i + j <= 5; j++) terms.push(x ** i * y ** j);
  return terms;
}

/** The share of the variance of rows that their groups explain. */
export function betweenGroups(rows: readonly ArrayLike<number>[], group: readonly number[]): number {
  const spread = (some: readonly ArrayLike<number>[]) => {
    let sum = 0;
    for (let k = 0; k < some[0].length; k++) {
      const values = some.map((row) => row[k]);
      const center = mean(values);
      for (const value of values) sum += (value - center) ** 2;
    }
    return sum;
  };
  const groups = Map.groupBy(rows.map((row, i) => ({ row, of: group[i] })), ({ of }) => of).values();
  const within = [...groups].reduce((sum, members) => sum + spread(members.map(({ row }) => row)), 0);
  return 1 - within / spread(rows);
}
