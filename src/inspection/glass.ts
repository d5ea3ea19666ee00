import { forward, type QueryState, type Tensors, tensorsOf } from "../engine/reference/model.ts";
import { type ModelName, type Variant, variantOf } from "../model/variant.ts";
import { FIRST_QUERY, POSITIONS_READ, promptTokens } from "../model/vocabulary.ts";

/** A model prepared for inspection: its weights in float64, as the reference engine uses them. */
export interface Glass {
  readonly variant: Variant;
  readonly tensors: Tensors;
}

export function glassOf({ model, parameters }: { model: ModelName; parameters: Float32Array }): Glass {
  const variant = variantOf(model);
  return { variant, tensors: tensorsOf(Float64Array.from(parameters), variant) };
}

/**
 * One forward pass over a sum and its answer. It equals twelve steps of decoding, because no position sees a later one.
 *
 * @param answer The tokens of the answer, at least eleven
 */
export function lookAtSum({ variant, tensors }: Glass, a: number, b: number, answer: readonly number[]): {
  tokens: number[];
  queries: readonly QueryState[];
} {
  const tokens = [...promptTokens(a, b), ...answer].slice(0, POSITIONS_READ);
  return { tokens, queries: forward(tensors, variant, tokens, FIRST_QUERY).queries };
}
