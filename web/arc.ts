import { dot } from "../src/engine/reference/linear.ts";
import { digitPlane, type Point } from "../src/inspection/embeddings.ts";
import { type ModelName, tensorView, variantOf } from "../src/model/variant.ts";

/** Two directions of length 1, at a right angle, in the space of the embeddings. */
export type Plane = readonly [x: Float64Array, y: Float64Array];

interface Weights {
  readonly model: ModelName;
  readonly parameters: Float32Array;
}

const DIGITS = 10;
/** Turns of the iteration: each brings the plane nearer to that of the largest variance. */
const TURNS = 60;

/** The embeddings of the ten digits. */
export function digitEmbeddings({ model, parameters }: Weights): Float64Array[] {
  const variant = variantOf(model);
  const rows = tensorView(parameters, variant, "tok_emb.weight");
  return Array.from(
    { length: DIGITS },
    (_, digit) => Float64Array.from(rows.subarray(variant.width * digit, variant.width * (digit + 1))),
  );
}

/** The sum of vectors, each times its weight. */
function combine(vectors: readonly Float64Array[], weights: readonly number[]): Float64Array {
  return vectors[0].map((_, k) => vectors.reduce((sum, vector, i) => sum + weights[i] * vector[k], 0));
}

function unit(vector: Float64Array): Float64Array {
  const length = Math.sqrt(dot(vector, vector)) || 1;
  return vector.map((value) => value / length);
}

/** Where a vector is in a plane. */
export function pointIn([x, y]: Plane, vector: Float64Array): Point {
  return [dot(vector, x), dot(vector, y)];
}

/** The second moments of vectors, [W, W]. */
export function moments(vectors: readonly Float64Array[]): Float64Array[] {
  return Array.from(vectors[0], (_, k) => combine(vectors, vectors.map((vector) => vector[k])));
}

/**
 * The plane of the two largest eigenvalues of second moments, by orthogonal iteration (Golub and Van Loan, Matrix Computations, section 8.2.4), and
 * in it the axes that are nearest to those of an earlier plane, so that they do not jump.
 */
export function planeOf(moments: readonly Float64Array[], [px, py]: Plane): Plane {
  let [x, y] = [px, py];
  const apply = (vector: Float64Array) => combine(moments, Array.from(vector));
  for (let turn = 0; turn < TURNS; turn++) {
    x = unit(apply(x));
    const next = apply(y);
    y = unit(combine([next, x], [1, -dot(next, x)]));
  }
  // the orthogonal 2 x 2 matrix nearest to [[a, b], [c, d]]: a rotation, or with the sign -1 a reflection
  const [a, b, c, d] = [dot(x, px), dot(x, py), dot(y, px), dot(y, py)];
  const sign = a * d - b * c < 0 ? -1 : 1;
  const angle = Math.atan2(c - sign * b, a + sign * d);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [combine([x, y], [cos, sin]), combine([x, y], [-sign * sin, sign * cos])];
}

const planes = new WeakMap<Float32Array, Plane>();

/** The plane in which a model's digits are drawn: that of its run, or the one that holds most of their embeddings. */
export function planeFor(lab: Weights & { readonly plane?: Plane }): Plane {
  const plane = lab.plane ?? planes.get(lab.parameters) ?? digitPlane(lab).directions;
  planes.set(lab.parameters, plane);
  return plane;
}
