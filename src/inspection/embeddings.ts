import { checkpointFrom, type CheckpointSource } from "../checkpoint/safetensors/checkpoint.ts";
import { dot, linear, rowOf } from "../engine/reference/linear.ts";
import { COLOURS, svgFile, text } from "../svg/svg.ts";
import { withDrawing } from "./display.ts";
import { referenceModel } from "./reference_model.ts";

/** A point in the plane of the digits' embeddings. */
export type Point = readonly [x: number, y: number];

/** The plane that holds most of the digits' embeddings. A notebook draws it. */
export interface DigitPlane {
  /** Its two directions, of length 1 and as long as the model is wide. */
  readonly directions: readonly [Float64Array, Float64Array];
  /** The ten digits' embeddings in it. */
  readonly digits: readonly Point[];
  /** The share of the sum of squares of the embeddings that is in it, 0 to 1. */
  readonly share: number;
  /** Where a vector of the model's width is in it. */
  point(vector: ArrayLike<number>): Point;
}

/** Of the power method: the ratio of two sums of squares, to this power, is what is left of the smaller one. */
const ITERATIONS = 1000;

/**
 * Finds the plane in which the embeddings of the ten digits, which are their output weights as well, come closest to lying: the two directions with
 * the largest sums of squares, by power iteration. Digit 0 is at the left and above.
 *
 * @example Usage
 * ```ts
 * import { shippedCheckpoint } from "@x/tiny-adder";
 * import { digitPlane } from "@x/tiny-adder/inspect";
 *
 * const { digits } = digitPlane(shippedCheckpoint());
 * console.log(digits.map(([x, y]) => Math.round(Math.atan2(y, x) * 180 / Math.PI))); // along an arc, in order
 * ```
 */
export function digitPlane(checkpoint: CheckpointSource): DigitPlane {
  const { tensors: { tokenEmbedding }, variant: { width } } = referenceModel(
    checkpointFrom(checkpoint, "find a plane"),
  );
  const rows = Array.from({ length: 10 }, (_, digit) => rowOf(tokenEmbedding, digit, width));
  const columns = Float64Array.from({ length: 10 * width }, (_, i) => rows[i % 10][Math.floor(i / 10)]); // [W, 10]
  const directions: Float64Array[] = [];
  const orthonormal = (vector: Float64Array) => {
    const rest = directions.reduce((left, each) => {
      const along = dot(left, each);
      return left.map((value, i) => value - along * each[i]);
    }, vector);
    const length = Math.sqrt(dot(rest, rest)) || 1;
    return rest.map((value) => value / length);
  };
  const product = (x: Float64Array) => linear(Float64Array.from(rows, (row) => dot(row, x)), columns);
  for (let k = 0; k < 2; k++) {
    let direction = orthonormal(Float64Array.from({ length: width }, (_, i) => 1 + i * (k + 1)));
    for (let i = 0; i < ITERATIONS; i++) direction = orthonormal(product(direction));
    const isTurned = k === 0 ? dot(rows[0], direction) > 0 : dot(rows[0], direction) < 0;
    directions.push(isTurned ? direction.map((value) => -value) : direction);
  }
  const [x, y] = directions;
  const point = (vector: ArrayLike<number>): Point => {
    const values = Float64Array.from(vector);
    return [dot(values, x), dot(values, y)];
  };
  const digits = rows.map(point);
  const squares = (vectors: readonly ArrayLike<number>[]) =>
    vectors.reduce((sum, vector) => sum + Array.from(vector).reduce((all, value) => all + value ** 2, 0), 0);
  const plane: DigitPlane = { directions: [x, y], digits, share: squares(digits) / squares(rows), point };
  return withDrawing(plane, () => digitPlaneSvg(plane));
}

const SIZE = 320;

/**
 * Draws the ten digits' embeddings in their plane as the text of an SVG file.
 *
 * @example Usage
 * ```ts
 * import { shippedCheckpoint } from "@x/tiny-adder";
 * import { digitPlane, digitPlaneSvg } from "@x/tiny-adder/inspect";
 *
 * console.log(digitPlaneSvg(digitPlane(shippedCheckpoint())).length);
 * ```
 */
export function digitPlaneSvg({ digits, share }: Pick<DigitPlane, "digits" | "share">): string {
  const reach = 1.1 * Math.max(...digits.flat().map(Math.abs), 1e-9);
  const at = ([x, y]: Point) => [x / reach, -y / reach].map((value) => Math.round((1 + value) * SIZE / 2 * 10) / 10);
  const middle = SIZE / 2;
  const title = `The digits' plane (${(100 * share).toFixed(1)}%)`;
  return svgFile({ title, width: SIZE, height: SIZE + 30, left: 10 }, [
    `<g transform="translate(0 30)"><path d="M0 ${middle}H${SIZE}M${middle} 0V${SIZE}" stroke="#ddd"/>`,
    `<path d="M${digits.map((point) => at(point).join(" ")).join("L")}" fill="none" stroke="#bbb"/>`,
    ...digits.map((point, digit) => {
      const [x, y] = at(point);
      const name = text(x, y + 4, String(digit), 'text-anchor="middle" fill="#fff"');
      return `<circle cx="${x}" cy="${y}" r="9" fill="${COLOURS[0]}"/>${name}`;
    }),
    "</g>",
  ]);
}
