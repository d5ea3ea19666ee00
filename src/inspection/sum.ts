import type { Checkpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { decodeGreedily } from "../engine/reference/decode.ts";
import { forward, type QueryState, type Tensors, tensorsOf } from "../engine/reference/model.ts";
import { softmax } from "../engine/reference/softmax.ts";
import { type Variant, variantOf } from "../model/variant.ts";
import {
  FIRST_QUERY,
  OPERAND_DIGITS,
  PAD,
  POSITIONS_READ,
  promptTokens,
  readSum,
  VOCABULARY,
} from "../model/vocabulary.ts";

type Model = Pick<Checkpoint, "model" | "parameters">;

/** A model with its weights in float64, as the reference engine uses them. */
export interface ReferenceModel {
  readonly variant: Variant;
  readonly tensors: Tensors;
}

export function referenceModel({ model, parameters }: Model): ReferenceModel {
  const variant = variantOf(model);
  return { variant, tensors: tensorsOf(Float64Array.from(parameters), variant) };
}

/**
 * One forward pass over a sum and its answer. It equals twelve steps of decoding, because no position sees a later one.
 *
 * @param answer The tokens of the answer, at least eleven
 */
export function traceSum(
  { variant, tensors }: ReferenceModel,
  a: number,
  b: number,
  answer: readonly number[],
): { tokens: number[]; queries: readonly QueryState[] } {
  const tokens = [...promptTokens(a, b), ...answer].slice(0, POSITIONS_READ);
  return { tokens, queries: forward(tensors, variant, tokens, FIRST_QUERY).queries };
}

export interface StepInspection {
  /** Step i writes digit i of the sum, ones first; step 11 writes the end. */
  readonly step: number;
  /** The token that it writes. */
  readonly token: number;
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
  readonly a: number;
  readonly b: number;
  /** The answer of the model; null if it is not a number. */
  readonly sum: number | null;
  /** The prompt and the eleven tokens written after it. */
  readonly tokens: readonly number[];
  readonly steps: readonly StepInspection[];
}

/** Adds two numbers of at most ten digits with the reference engine, in float64, and records attention and probabilities of each step. */
export function inspectSum(model: Model, a: number, b: number): SumInspection {
  const reference = referenceModel(model);
  const written = decodeGreedily(reference.tensors, reference.variant, a, b);
  const { tokens, queries } = traceSum(reference, a, b, written);
  const steps = queries.map(({ attended, logits }, step) => {
    const token = written[step];
    const probabilities = Array.from(softmax(logits));
    const attention = Array.from(attended.weights);
    return {
      step,
      token,
      probability: probabilities[token],
      margin: marginOf(logits, token),
      attention,
      probabilities,
    };
  });
  const sum = readSum(written);
  return { a, b, sum: Number.isNaN(sum) ? null : sum, tokens, steps };
}

/** The logit of a token minus the best other logit: negative if the token is not the best. */
export function marginOf(logits: Float64Array, token: number): number {
  return logits[token] - Math.max(...logits.filter((_, other) => other !== token));
}

/** `a3`, `+`, `b0`, `=`, or `s2` for a digit of the sum; 0 is the ones. */
export function positionName(position: number): string {
  if (position < OPERAND_DIGITS) return `a${OPERAND_DIGITS - 1 - position}`;
  if (position === OPERAND_DIGITS) return "+";
  if (position < FIRST_QUERY) return `b${FIRST_QUERY - 1 - position}`;
  return position === FIRST_QUERY ? "=" : `s${position - FIRST_QUERY - 1}`;
}

export const TOKEN_NAMES: readonly string[] = [...VOCABULARY.slice(0, PAD), "pad", "end"];
