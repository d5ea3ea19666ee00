import { type Checkpoint, checkpointFrom, type CheckpointSource } from "../checkpoint/safetensors/checkpoint.ts";
import { rowOf } from "../engine/reference/linear.ts";
import { COLOURS, svgFile, text } from "../svg/svg.ts";
import { withDrawing } from "./display.ts";
import { moments, type Point, pointIn, principalPlane, shareIn } from "./plane.ts";
import { referenceModel } from "./reference_model.ts";

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

export function digitEmbeddings(checkpoint: Pick<Checkpoint, "model" | "parameters">): Float64Array[] {
  const { tensors: { tokenEmbedding }, variant: { width } } = referenceModel(checkpoint);
  return Array.from({ length: 10 }, (_, digit) => rowOf(tokenEmbedding, digit, width));
}

/**
 * Finds the plane in which the embeddings of the ten digits, which are their output weights as well, come closest to lying: the two directions with
 * the largest sums of squares. Digit 0 is at the left and above.
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
  const rows = digitEmbeddings(checkpointFrom(checkpoint, "find a plane"));
  const start = (slope: number) => rows[0].map((_, i) => 1 + slope * i);
  const found = principalPlane(moments(rows), [start(1), start(2)], 1000);
  const [x, y] = pointIn(found, rows[0]);
  const turned = (direction: Float64Array, turns: boolean) => direction.map((value) => turns ? -value : value);
  const directions = [turned(found[0], x > 0), turned(found[1], y < 0)] as const;
  const point = (vector: ArrayLike<number>) => pointIn(directions, Float64Array.from(vector));
  const plane: DigitPlane = { directions, digits: rows.map(point), share: shareIn(directions, rows), point };
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
  const middle = SIZE / 2;
  const rounded = (share: number) => Math.round((1 + share) * middle * 10) / 10;
  const places = digits.map(([x, y]) => [rounded(x / reach), rounded(-y / reach)]);
  const title = `The digits' plane (${(100 * share).toFixed(1)}%)`;
  return svgFile({ title, width: SIZE, height: SIZE + 30, left: 10 }, [
    `<g transform="translate(0 30)"><path d="M0 ${middle}H${SIZE}M${middle} 0V${SIZE}" stroke="#ddd"/>`,
    `<path d="M${places.map((place) => place.join(" ")).join("L")}" fill="none" stroke="#bbb"/>`,
    ...places.map(([x, y], digit) => {
      const name = text(x, y + 4, String(digit), 'text-anchor="middle" fill="#fff"');
      return `<circle cx="${x}" cy="${y}" r="9" fill="${COLOURS[0]}"/>${name}`;
    }),
    "</g>",
  ]);
}
