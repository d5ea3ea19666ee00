import { dot } from "../engine/reference/linear.ts";

/** A point in the plane of the digits' embeddings. */
export type Point = readonly [x: number, y: number];

/** Two directions of length 1, at a right angle, in the space of the embeddings. */
export type Plane = readonly [x: Float64Array, y: Float64Array];

/** The sum of vectors, each times its weight. */
export function combine(vectors: readonly Float64Array[], weights: ArrayLike<number>): Float64Array {
  return vectors[0].map((_, k) => vectors.reduce((sum, vector, i) => sum + weights[i] * vector[k], 0));
}

function unit(vector: Float64Array): Float64Array {
  const length = Math.sqrt(dot(vector, vector)) || 1;
  return vector.map((value) => value / length);
}

export const pointIn = ([x, y]: Plane, vector: Float64Array): Point => [dot(vector, x), dot(vector, y)];

/** The share of the vectors' sum of squares that is in a plane, 0 to 1. */
export function shareIn(plane: Plane, vectors: readonly Float64Array[]): number {
  const inside = vectors.reduce((sum, vector) => sum + Math.hypot(...pointIn(plane, vector)) ** 2, 0);
  return inside / vectors.reduce((sum, vector) => sum + dot(vector, vector), 0);
}

/** The second moments of vectors, [W, W]. */
export function moments(vectors: readonly Float64Array[]): Float64Array[] {
  return Array.from(vectors[0], (_, k) => combine(vectors, vectors.map((vector) => vector[k])));
}

/**
 * The directions of the two largest eigenvalues of second moments, by orthogonal iteration (Golub and Van Loan, Matrix Computations, section 8.2.4):
 * each turn brings the plane at which it starts nearer to them.
 */
export function principalPlane(moments: readonly Float64Array[], [x, y]: Plane, turns: number): Plane {
  for (let turn = 0; turn < turns; turn++) {
    x = unit(combine(moments, x));
    const next = combine(moments, y);
    y = unit(combine([next, x], [1, -dot(next, x)]));
  }
  return [x, y];
}
