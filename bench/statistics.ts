import { Matrix, solve, SVD } from "ml-matrix";

type Rows = readonly (readonly number[])[];

/** Groups in the order of a whole number that each has. */
export function groupsBy<T>(items: Iterable<T>, key: (item: T) => number): [number, T[]][] {
  return [...Map.groupBy(items, key)].sort(([x], [y]) => x - y);
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
export function leastSquares(features: Rows, y: readonly number[]) {
  const [x, target] = [new Matrix(features as number[][]), Matrix.columnVector(y as number[])];
  const weights = solve(x, target, true);
  const errors = Matrix.sub(target, x.mmul(weights));
  const explained = 1 - (errors.norm("frobenius") / target.center("column").norm("frobenius")) ** 2;
  return { weights: weights.to1DArray(), explained, largest: Math.max(...errors.abs().to1DArray()) };
}

/** The sum of squared distances of rows from their mean. */
const spread = (rows: Rows) => new Matrix(rows as number[][]).center("column").norm("frobenius") ** 2;

/** The share of the variance of rows that their groups explain. */
export function betweenGroups(rows: Rows, group: readonly number[]): number {
  const groups = groupsBy(rows.keys(), (i) => group[i]);
  return 1 - groups.reduce((sum, [, members]) => sum + spread(members.map((i) => rows[i])), 0) / spread(rows);
}
