/** The forward pass in the open: every activation of many sums, and edits of them. */
import { checkpointFrom, type CheckpointSource } from "../checkpoint/safetensors/checkpoint.ts";
import { writeSafetensors } from "../checkpoint/safetensors/safetensors.ts";
import { check, checkOneOf } from "../common/checks.ts";
import { formatValue } from "../common/format_value.ts";
import { checkOptions } from "../common/options.ts";
import { checkParameters } from "../engine/interface/checks.ts";
import { type ActivationName, ACTIVATIONS } from "../engine/reference/attention.ts";
import { rowOf } from "../engine/reference/linear.ts";
import { argmax, forward } from "../engine/reference/model.ts";
import { packOperands, type Problems } from "../model/problem.ts";
import { TOKENS, type Variant, variantOf } from "../model/variant.ts";
import { FIRST_QUERY, POSITIONS_READ, promptTokens, QUERIES, readSum, targetTokens } from "../model/vocabulary.ts";
import { type HeatMap, heatMapsSvg } from "../svg/heat_map.ts";
import { withDrawing } from "./display.ts";
import { POSITION_NAMES, TOKEN_NAMES } from "./names.ts";
import { referenceModel } from "./reference_model.ts";

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

/** Where an edited row is. */
export interface Place {
  /** Step i writes digit i of the sum, ones first, and step 11 the end: the position minus 21, so below 0 inside of the prompt. */
  readonly step: number;
  /** The index of the problem. */
  readonly problem: number;
  /** The position in the sequence, 0 to 32. */
  readonly position: number;
}

/** Gets a copy of a row of an activation, and returns the row with which the forward pass goes on. */
export type Edit = (row: Float64Array<ArrayBuffer>, place: Place) => ArrayLike<number>;

/** Options of {@linkcode look}. */
export interface LookOptions<Name extends ActivationName = ActivationName> {
  /** The digits that steps after the first read: the right ones, or those that the model writes under the edits. @default {"right"} */
  answer?: "right" | "written";
  /** Functions that replace activations, by name. @default {none} */
  edit?: Partial<Record<ActivationName, Edit>>;
  /** The activations to keep. @default {all} */
  only?: readonly Name[];
}

/** The activations of many sums, by name, and what the model answers. A notebook draws those of the first problem. */
export type Look<Name extends ActivationName = ActivationName> = Readonly<Record<Name, Activation>> & {
  /** The tokens that were read: [n, 33]. */
  readonly tokens: Activation;
  /** The token with the largest logit at each step: [n, 12]. Those that are written, with the answer `"written"`. */
  readonly predicted: Activation;
  /** The sums that `predicted` spells; null where one of the eleven tokens is not a digit. */
  readonly sums: readonly (number | null)[];
};

const ASKED = "look into a model";
/** Numbers that are kept at most: 1 GiB. */
const MOST_NUMBERS = 2 ** 27;
/** What attention gives positions that it must not look at. */
const UNSEEN: Readonly<Partial<Record<ActivationName, number>>> = { scores: -Infinity, pattern: 0 };
/** The columns that are not only numbered in a drawing. */
const COLUMN_NAMES: Readonly<Partial<Record<string, readonly string[]>>> = {
  ...{ scores: POSITION_NAMES, pattern: POSITION_NAMES, logits: TOKEN_NAMES },
};
/** Activations of every position; the others are of the twelve steps. */
const OF_POSITIONS: readonly ActivationName[] = ["embedded", "key", "value"];

/**
 * Runs the reference engine, in float64, and returns every activation of every problem. `edit` replaces them on the way: by zeros, by a mean, or by
 * those of another sum.
 *
 * @example Activations, and an ablation: without attention to the digits of the column before, carries are lost
 * ```ts
 * import { shippedCheckpoint } from "@x/tiny-adder";
 * import { look } from "@x/tiny-adder/inspect";
 * import { assertEquals } from "@std/assert";
 *
 * const { pattern, sums } = look(shippedCheckpoint(), [{ a: 58, b: 67 }]);
 * assertEquals([pattern.shape, sums], [[1, 12, 33], [125]]);
 * console.log(pattern.row(0, 3)); // the attention of the step that writes digit 3
 *
 * const ablated = look(shippedCheckpoint(), [{ a: 58, b: 67 }], {
 *   answer: "written",
 *   only: ["logits"],
 *   edit: { pattern: (row, { step }) => step < 1 ? row : row.with(10 - step, 0).with(21 - step, 0) },
 * });
 * assertEquals(ablated.sums[0] === 125, false);
 * ```
 *
 * @param problems Pairs, or a0 b0 a1 b1 … in a `Float64Array`
 * @throws {CheckpointError} If the checkpoint cannot be read
 * @throws {TypeError} If there is no such option, or no such activation to edit
 * @throws {RangeError} If an operand is not a whole number in [0, 9999999999], an option has a wrong value, or an edit returns a row that does not fit
 */
export function look<Name extends ActivationName = ActivationName>(
  checkpoint: CheckpointSource,
  problems: Problems,
  options: LookOptions<Name> = {},
): Look<Name> {
  const source = checkpointFrom(checkpoint, ASKED);
  checkParameters(source.parameters, variantOf(source.model));
  const { variant, tensors } = referenceModel(source);
  checkOptions(ASKED, options, { answer: "anything", edit: "anything", only: "a list" });
  const { answer = "right", edit = {}, only = ACTIVATIONS as readonly ActivationName[] as readonly Name[] } = options;
  checkOneOf(ASKED, "answer", answer, ["right", "written"]);
  for (const name of only) checkOneOf(ASKED, "only", name, ACTIVATIONS);
  const editable = Object.fromEntries(ACTIVATIONS.map((name) => [name, "a function"]));
  checkOptions("edit activations", edit, editable as Record<ActivationName, "a function">);
  const operands = packOperands(problems);
  const count = operands.length / 2;
  const shapes = only.map((name) => [name, [count, ...rowShape(name, variant)]] as const);
  const numbers = shapes.reduce((sum, [, [rows, ...row]]) => sum + row.reduce((x, y) => x * y, rows), 0);
  check(numbers <= MOST_NUMBERS, ASKED, "the kept activations", `at most ${MOST_NUMBERS} numbers`, numbers);
  const kept = new Map<ActivationName, Activation>(shapes.map(([name, shape]) => [name, activation(name, shape)]));
  const tokens = activation("tokens", [count, POSITIONS_READ]);
  const predicted = activation("predicted", [count, QUERIES]);
  for (let problem = 0; problem < count; problem++) {
    const [a, b] = operands.subarray(2 * problem);
    const given = [...promptTokens(a, b), ...(answer === "right" ? targetTokens(a, b).slice(0, QUERIES - 1) : [])];
    const hook = (name: ActivationName, position: number, found: Float64Array) => {
      const own = kept.get(name);
      const edited = edit[name];
      if (own === undefined && edited === undefined) return found;
      const place = { step: position - FIRST_QUERY, problem, position };
      const row = edited === undefined ? found : editedRow(edited, name, found, place);
      own?.row(problem, OF_POSITIONS.includes(name) ? position : place.step).set(padded(name, row));
      return row;
    };
    const { tokens: read, queries } = forward(tensors, variant, given, FIRST_QUERY, { length: POSITIONS_READ, hook });
    tokens.values.set(read, problem * POSITIONS_READ);
    predicted.values.set(queries.map(({ logits }) => argmax(logits)), problem * QUERIES);
  }
  const sums = Array.from({ length: count }, (_, problem) => {
    const sum = readSum(predicted.values, problem * QUERIES);
    return Number.isNaN(sum) ? null : sum;
  });
  const result = { ...Object.fromEntries(kept) as Record<Name, Activation>, tokens, predicted, sums };
  return withDrawing(result, () => heatMapsSvg("The first problem", [...kept.values()].map(heatMapOf)));
}

/** An activation of zeros, to be filled. */
function activation(name: string, shape: readonly number[]): Activation {
  const [, rows, width = 1] = shape;
  const values = new Float64Array(shape.reduce((size, extent) => size * extent));
  const row = (problem: number, index: number) => rowOf(values, problem * rows + index, width);
  const result: Activation = Object.defineProperty({ name, shape, values } as Activation, "row", { value: row });
  return withDrawing(result, () => heatMapsSvg(name, [heatMapOf(result)]));
}

/** The numbers of the first problem as a table to draw; where attention must not look there is none. */
function heatMapOf({ name, shape: [, rows, width = 1], row }: Activation): HeatMap {
  const table = Array.from({ length: rows }, (_, i) => {
    const numbers = Array.from(row(0, i));
    const seen = width === POSITIONS_READ ? FIRST_QUERY + 1 + i : width;
    return numbers.map((value, j) => j < seen && Number.isFinite(value) ? value : NaN);
  });
  const full = Math.max(1e-9, ...table.flat().filter((value) => !Number.isNaN(value)).map(Math.abs));
  return {
    title: `${name}, up to ${full.toPrecision(3)}: blue is above 0, orange below`,
    rows: table,
    rowLabels: table.map((_, i) => rows === POSITIONS_READ ? POSITION_NAMES[i] : `step ${i}`),
    columnLabels: Array.from({ length: width }, (_, column) => COLUMN_NAMES[name]?.[column] ?? String(column)),
    full,
  };
}

/** The rows that a problem has of an activation, and the numbers of each. */
function rowShape(name: ActivationName, { width, hidden }: Variant): [rows: number, width: number] {
  const rows = OF_POSITIONS.includes(name) ? POSITIONS_READ : QUERIES;
  if (name in UNSEEN) return [rows, POSITIONS_READ];
  if (name === "hidden" || name === "activated") return [rows, hidden];
  return [rows, name === "logits" ? TOKENS : width];
}

/** A copy of a row, as long as its activation's rows. */
function padded(name: ActivationName, row: Float64Array): Float64Array<ArrayBuffer> {
  const unseen = UNSEEN[name];
  if (unseen === undefined) return row.slice();
  const whole = new Float64Array(POSITIONS_READ).fill(unseen);
  whole.set(row);
  return whole;
}

/** What an edit makes of a row, without the positions that attention must not look at. */
function editedRow(edit: Edit, name: ActivationName, found: Float64Array, place: Place): Float64Array {
  const row = padded(name, found);
  const expected = row.length;
  const fail = (must: string, value: unknown) => {
    const where = `${name} at step ${place.step} of problem ${place.problem}`;
    throw new RangeError(`Cannot edit ${where} as ${must}: current value is ${formatValue(value)}`);
  };
  const edited = edit(row, place);
  if (typeof edited !== "object" || edited === null || edited.length !== expected) {
    fail(`an edit must return ${expected} numbers`, typeof edited === "object" ? edited?.length : edited);
  }
  const result = Float64Array.from(edited);
  const nan = result.findIndex(Number.isNaN);
  if (nan >= 0) fail("an edit must return numbers", edited[nan]);
  const ahead = result.subarray(found.length).find((value) => value !== UNSEEN[name]);
  if (ahead !== undefined) fail(`positions after ${place.position} must keep ${UNSEEN[name]}`, ahead);
  return result.subarray(0, found.length);
}

/**
 * Writes what {@linkcode look} returned as a safetensors file of float64 tensors: the activations by their names, `tokens` and `predicted`. The
 * scores of positions that attention must not look at are -Infinity.
 *
 * @example Usage
 * ```ts
 * import { shippedCheckpoint } from "@x/tiny-adder";
 * import { encodeActivations, look } from "@x/tiny-adder/inspect";
 *
 * const seen = look(shippedCheckpoint(), [{ a: 42, b: 7 }], { only: ["pattern"] });
 * await Deno.writeFile(`${await Deno.makeTempDir()}/seen.safetensors`, encodeActivations(seen));
 * ```
 */
export function encodeActivations<Name extends ActivationName>(seen: Look<Name>): Uint8Array<ArrayBuffer> {
  const { sums: _, ...activations } = seen;
  return writeSafetensors(Object.values<Activation>(activations), "write activations");
}
