/**
 * One sum, seen from inside.
 *
 * @module
 */
import { decodeGreedily } from "../engine/reference/decode.ts";
import { softmax } from "../engine/reference/softmax.ts";
import type { ModelName } from "../model/variant.ts";
import { FIRST_QUERY, OPERAND_DIGITS, PAD, readSum, VOCABULARY } from "../model/vocabulary.ts";
import { glassOf, lookAtSum } from "./glass.ts";

/** One step of decoding. */
export interface StepInspection {
  /** Its number: step i writes digit i of the sum, ones first; step 11 writes the end. */
  readonly step: number;
  /** The token that it writes. */
  readonly token: number;
  /** The probability of that token, in [0, 1]. */
  readonly probability: number;
  /** How far the logit of that token is above the next best, in logits. */
  readonly margin: number;
  /** The share of its attention that each position gets, from position 0 to its own; they add up to 1. */
  readonly attention: readonly number[];
  /** The probability of each of the 14 tokens. */
  readonly probabilities: readonly number[];
}

/** A sum as the model computes it. */
export interface SumInspection {
  /** The first operand. */
  readonly a: number;
  /** The second operand. */
  readonly b: number;
  /** What the model says; null where that is no number. */
  readonly sum: number | null;
  /** The sequence: the prompt, and the eleven tokens that were written. */
  readonly tokens: readonly number[];
  /** The twelve steps. */
  readonly steps: readonly StepInspection[];
}

/**
 * Adds two numbers with the reference engine, in float64, and keeps what it saw on the way.
 *
 * @param model The variant and its weights
 * @param a A whole number in [0, 9999999999]
 * @param b The same
 */
export function inspectSum(
  model: { model: ModelName; parameters: Float32Array },
  a: number,
  b: number,
): SumInspection {
  const glass = glassOf(model);
  const written = decodeGreedily(glass.tensors, glass.variant, a, b);
  const { tokens, queries } = lookAtSum(glass, a, b, written);
  const steps = queries.map(({ attended, logits }, step) => {
    const token = written[step];
    const probabilities = softmax(logits);
    return {
      step,
      token,
      probability: probabilities[token],
      margin: marginOf(logits, token),
      attention: Array.from(attended.weights),
      probabilities: Array.from(probabilities),
    };
  });
  const sum = readSum(written);
  return { a, b, sum: Number.isNaN(sum) ? null : sum, tokens, steps };
}

/** How far the logit of a token is above the best other one; negative where it is not the best. */
export function marginOf(logits: Float64Array, token: number): number {
  return logits[token] - Math.max(...logits.filter((_, other) => other !== token));
}

/** What stands at a position, as a formula has it: `a3`, `+`, `b0`, `=`, or `s2` for a digit of the sum; place 0 is the ones. */
export function positionName(position: number): string {
  if (position < OPERAND_DIGITS) return `a${OPERAND_DIGITS - 1 - position}`;
  if (position === OPERAND_DIGITS) return "+";
  if (position < FIRST_QUERY) return `b${FIRST_QUERY - 1 - position}`;
  return position === FIRST_QUERY ? "=" : `s${position - FIRST_QUERY - 1}`;
}

/** The 14 tokens in a table: themselves where they are one letter, `end` for the end of the sequence. */
export const TOKEN_NAMES: readonly string[] = [...VOCABULARY.slice(0, PAD), "pad", "end"];

/** A token in a table. */
export function tokenName(token: number): string {
  return TOKEN_NAMES[token];
}
