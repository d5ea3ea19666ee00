import type { CheckpointSource } from "../checkpoint/safetensors/checkpoint.ts";
import { softmax } from "../engine/reference/softmax.ts";
import { FIRST_QUERY } from "../model/vocabulary.ts";
import { heatMapsSvg } from "../svg/heat_map.ts";
import { withDrawing } from "./display.ts";
import { look } from "./look.ts";
import { POSITION_NAMES, TOKEN_NAMES } from "./names.ts";

/** A step of a sum. */
export interface StepInspection {
  /** Step i writes digit i of the sum, ones first; step 11 writes the end. */
  readonly step: number;
  /** The token that it writes. */
  readonly token: number;
  /** The token's probability. */
  readonly probability: number;
  /** The logit of the token minus the next best logit. */
  readonly margin: number;
  /** The share of attention that each position gets, from position 0 to the step's own; the shares sum to 1. */
  readonly attention: readonly number[];
  /** The probability of each of the 14 tokens. */
  readonly probabilities: readonly number[];
}

/** A sum as the model adds it. */
export interface SumInspection {
  /** The first operand. */
  readonly a: number;
  /** The second operand. */
  readonly b: number;
  /** The answer of the model; null if it is not a number. */
  readonly sum: number | null;
  /** The prompt and the eleven tokens written after it. */
  readonly tokens: readonly number[];
  /** The twelve steps. */
  readonly steps: readonly StepInspection[];
}

/**
 * Adds two numbers with the reference engine, in float64, and records attention and probabilities of each step. A notebook draws the result.
 *
 * @example Usage
 * ```ts
 * import { shippedCheckpoint } from "@x/tiny-adder";
 * import { inspectSum } from "@x/tiny-adder/inspect";
 * import { assertEquals } from "@std/assert";
 *
 * const { sum, steps } = inspectSum(shippedCheckpoint(), 42, 7);
 * assertEquals(sum, 49);
 * console.log(steps[0].margin);
 * ```
 *
 * @throws {RangeError} If an operand is not a whole number in [0, 9999999999]
 */
export function inspectSum(checkpoint: CheckpointSource, a: number, b: number): SumInspection {
  const { tokens, predicted, sums, pattern, logits } = look(checkpoint, [{ a, b }], {
    answer: "written",
    only: ["pattern", "logits"],
  });
  const steps = Array.from(predicted.values, (token, step) => {
    const row = logits.row(0, step);
    const probabilities = Array.from(softmax(row));
    const attention = Array.from(pattern.row(0, step).subarray(0, FIRST_QUERY + 1 + step));
    return { step, token, probability: probabilities[token], margin: marginOf(row, token), attention, probabilities };
  });
  const inspection = { a, b, sum: sums[0], tokens: Array.from(tokens.values), steps };
  return withDrawing(inspection, () => sumSvg(inspection));
}

/** The logit of a token minus the best other logit: negative if the token is not the best. */
export function marginOf(logits: Float64Array, token: number): number {
  return logits[token] - Math.max(...logits.filter((_, other) => other !== token));
}

/**
 * Draws the attention of each step of a sum, with the token that it writes, as the text of an SVG file.
 *
 * @example Usage
 * ```ts
 * import { shippedCheckpoint } from "@x/tiny-adder";
 * import { inspectSum, sumSvg } from "@x/tiny-adder/inspect";
 *
 * console.log(sumSvg(inspectSum(shippedCheckpoint(), 42, 7)).length);
 * ```
 */
export function sumSvg({ a, b, sum, tokens, steps }: SumInspection): string {
  return heatMapsSvg(`${a} + ${b} = ${sum ?? "no number"}, ones first`, [{
    title: "Attention of each step by position; on the right its token, with probability p and margin",
    rows: steps.map(({ attention }) => attention),
    rowLabels: steps.map(({ step }) => `step ${step}`),
    columnLabels: tokens.map((token) => TOKEN_NAMES[token]),
    remarks: steps.map(({ token, probability, margin }) =>
      `${TOKEN_NAMES[token]}   p = ${probability.toFixed(4)}, margin ${margin.toFixed(2)}`
    ),
    full: 1,
  }]);
}

/** Marks a cell on a terminal; the identity if there is no terminal. */
export type Emphasis = (text: string, strength: number) => string;

/** A sum step by step: the attention, the token written, its probability and margin; at most 80 columns. */
export function sumText({ tokens, steps }: SumInspection, emphasis: Emphasis): string {
  const letters = tokens.map((token) => TOKEN_NAMES[token]).map((name) => name.length === 1 ? name : "?");
  const line = (step: number, ...columns: string[]) => [String(step).padStart(4), ...columns].join("  ");
  const rows = steps.map(({ step, token, probability, margin, attention }) => {
    const cells = attention.map((share) => emphasis("·123456789#"[Math.round(10 * share)], share));
    const row = spaced(tokens.map((_, position) => cells[position] ?? " "));
    const chance = percent(probability).padStart(6);
    return line(step, row, TOKEN_NAMES[token].padStart(6), chance, margin.toFixed(2).padStart(7));
  });
  return [
    "Attention of each step in tenths: · is less than 0.05, # is 0.95 or more",
    "",
    `step  ${"a".padEnd(11)}+ ${"b".padEnd(11)}= ${"sum".padEnd(11)}  writes  chance   margin`,
    `      ${spaced(letters)}`,
    ...rows,
    "",
    "step  looks at (a0 is the ones of a; s0 is the ones of the sum, written before)",
    ...steps.map(({ step, attention }) => line(step, namedShares(attention, tokens))),
  ].join("\n");
}

/** Joins 33 cells, with spaces that set off a, b and the sum. */
function spaced(cells: readonly string[]): string {
  return [0, 10, 11, 21, 22].map((from, i, starts) => cells.slice(from, starts[i + 1]).join("")).join(" ");
}

function namedShares(attention: readonly number[], tokens: readonly number[]): string {
  const largest = [...attention.entries()].filter(([, share]) => share >= 0.02).sort(([, x], [, y]) => y - x);
  const named = largest.slice(0, 5).map(([position, share]) => { // more do not fit into a line
    const name = POSITION_NAMES[position];
    return `${name.length === 1 ? name : `${name}=${TOKEN_NAMES[tokens[position]]}`} ${percent(share)}`.padEnd(13);
  });
  return named.join("").trimEnd();
}

/** A share in percent, printed as 100% only above 99.9995%. */
const percent = (share: number) => share > 0.999995 ? "100%" : `${Math.min(99.9, 100 * share).toFixed(1)}%`;
