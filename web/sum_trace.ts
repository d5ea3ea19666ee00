/**
 * How a model writes a sum: each token with the probabilities that it was chosen by, and where its position looked.
 *
 * @module
 */
import { forward, type Tensors, tensorsOf } from "../src/engine/reference/model.ts";
import { softmax } from "../src/engine/reference/softmax.ts";
import { type ModelName, type Variant, variantOf } from "../src/model/variant.ts";
import { FIRST_QUERY, promptTokens, QUERIES, readSum } from "../src/model/vocabulary.ts";

/** One token of the answer. */
export interface TraceStep {
  /** The token written: the likeliest. */
  readonly token: number;
  /** The probability of each of the 14 tokens. */
  readonly probabilities: Float64Array;
  /** How much the position that asks reads from each position up to itself; 22 numbers at step 0, 33 at step 11. */
  readonly attention: Float64Array;
}

/** A sum as a model writes it. */
export interface SumTrace {
  readonly a: number;
  readonly b: number;
  /** The 33 tokens that are read: prompt and answer, without the token that ends it. */
  readonly tokens: readonly number[];
  /** The 12 steps. */
  readonly steps: readonly TraceStep[];
  /** The number that the answer spells; NaN where it spells none. */
  readonly sum: number;
}

/** A model made ready to be looked into: its weights in float64, as the reference engine has them. */
export interface Glass {
  readonly variant: Variant;
  readonly tensors: Tensors;
}

/** Makes a model ready to be looked into. */
export function glassOf(model: ModelName, parameters: Float32Array): Glass {
  const variant = variantOf(model);
  return { variant, tensors: tensorsOf(Float64Array.from(parameters), variant) };
}

/**
 * Adds by greedy decoding with the reference engine's forward pass, and keeps what was seen on the way. The prompt is all that is known of a and b.
 *
 * @param a A whole number in [0, 9999999999]
 * @param b The same
 */
export function traceSum({ tensors, variant }: Glass, a: number, b: number): SumTrace {
  const tokens = promptTokens(a, b);
  const steps: TraceStep[] = [];
  while (steps.length < QUERIES) {
    const { queries: [{ logits, attended }] } = forward(tensors, variant, tokens, FIRST_QUERY + steps.length);
    const token = logits.indexOf(Math.max(...logits));
    steps.push({ token, probabilities: softmax(logits), attention: attended.weights });
    if (steps.length < QUERIES) tokens.push(token);
  }
  return { a, b, tokens, steps, sum: readSum(steps.map(({ token }) => token)) };
}
