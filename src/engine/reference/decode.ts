import type { Variant } from "../../model/variant.ts";
import { FIRST_QUERY, POSITIONS_READ, promptTokens, QUERIES } from "../../model/vocabulary.ts";
import { argmax, forward, type Tensors } from "./model.ts";

/**
 * The 12 tokens that the model writes after `a + b =`.
 *
 * The prompt is all that is known of a and b: each token is the likeliest next one after the prompt and the tokens written
 * before it. With other weights the same code writes another answer.
 */
export function decodeGreedily(tensors: Tensors, variant: Variant, a: number, b: number): number[] {
  const { queries } = forward(tensors, variant, promptTokens(a, b), FIRST_QUERY, { length: POSITIONS_READ });
  return queries.map(({ logits }) => argmax(logits));
}

/** Token ids [n, 12] of many problems. @param operands a0 b0 a1 b1 … */
export function decodeAll(tensors: Tensors, variant: Variant, operands: Float64Array): Uint8Array {
  const tokens = new Uint8Array(QUERIES * operands.length / 2);
  for (let i = 0; i < operands.length; i += 2) {
    tokens.set(decodeGreedily(tensors, variant, operands[i], operands[i + 1]), QUERIES * i / 2);
  }
  return tokens;
}
