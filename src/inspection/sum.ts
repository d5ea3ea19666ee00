import type { CheckpointSource } from "../checkpoint/safetensors/checkpoint.ts";
import { softmax } from "../engine/reference/softmax.ts";
import { FIRST_QUERY, QUERIES } from "../model/vocabulary.ts";
import { heatMapsSvg } from "../svg/heat_map.ts";
import { withDrawing } from "./display.ts";
import { look } from "./look.ts";
import { TOKEN_NAMES } from "./names.ts";

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
  const steps = Array.from({ length: QUERIES }, (_, step) => {
    const token = predicted.values[step];
    const probabilities = Array.from(softmax(logits.row(0, step)));
    return {
      step,
      token,
      probability: probabilities[token],
      margin: marginOf(logits.row(0, step), token),
      attention: Array.from(pattern.row(0, step).subarray(0, FIRST_QUERY + 1 + step)),
      probabilities,
    };
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
