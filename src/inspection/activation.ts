import type { ActivationName } from "../engine/reference/attention.ts";
import { rowOf } from "../engine/reference/linear.ts";
import { FIRST_QUERY, POSITIONS_READ } from "../model/vocabulary.ts";
import { type HeatMap, heatMapsSvg } from "../svg/heat_map.ts";
import { withDrawing } from "./display.ts";
import { positionName, TOKEN_NAMES } from "./names.ts";

/** Numbers of every problem: an activation, or tokens. A notebook draws those of the first problem. */
export interface Activation {
  /** Its name, such as `pattern`. */
  readonly name: string;
  /** Problems; then positions, 33, or steps, 12; then what each of these has. Tokens lack the third. */
  readonly shape: readonly number[];
  /** All numbers, row-major. */
  readonly values: Float64Array;
  /** The numbers of one problem at a position, or at a step where there are 12 of them; a view. */
  row(problem: number, index: number): Float64Array;
}

/** An activation of zeros, to be filled. */
export function activation(name: string, shape: readonly number[]): Activation {
  const [, rows, width = 1] = shape;
  const values = new Float64Array(shape.reduce((size, extent) => size * extent));
  const row = (problem: number, index: number) => rowOf(values, problem * rows + index, width);
  const result: Activation = Object.defineProperty({ name, shape, values } as Activation, "row", { value: row });
  return withDrawing(result, () => heatMapsSvg(name, [heatMapOf(result)]));
}

/** The numbers of the first problem as a table to draw; where attention must not look there is none. */
export function heatMapOf({ name, shape: [, rows, width = 1], row }: Activation): HeatMap {
  const table = Array.from({ length: rows }, (_, i) => {
    const numbers = Array.from(row(0, i));
    const seen = width === POSITIONS_READ ? FIRST_QUERY + 1 + i : width;
    return numbers.map((value, j) => j < seen && Number.isFinite(value) ? value : NaN);
  });
  const full = Math.max(1e-9, ...table.flat().filter((value) => !Number.isNaN(value)).map(Math.abs));
  const isLogits = name === ("logits" satisfies ActivationName);
  const columnName = (column: number) =>
    width === POSITIONS_READ ? positionName(column) : isLogits ? TOKEN_NAMES[column] : String(column);
  return {
    title: `${name}, up to ${full.toPrecision(3)}: blue is above 0, orange below`,
    rows: table,
    rowLabels: table.map((_, i) => rows === POSITIONS_READ ? positionName(i) : `step ${i}`),
    columnLabels: Array.from({ length: width }, (_, column) => columnName(column)),
    full,
  };
}
