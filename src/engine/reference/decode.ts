import type { Variant } from "../../model/variant.ts";
import { promptTokens, QUERIES } from "../../model/vocabulary.ts";
import { forward, type Tensors } from "./model.ts";

/** The index of the largest element, the first of several. */
function argmax(values: Float64Array): number {
  return values.indexOf(Math.max(...values));
}

/**
 * The 12 tokens that the model writes after `a + b =`.
 *
 * The prompt is all that is known of a and b: each token is the likeliest next one after the prompt and the tokens written
 * before it. With other weights the same code writes another answer.
 */
export function decodeGreedily(tensors: Tensors, variant: Variant, a: number, b: number): number[] {
  const prompt = promptTokens(a, b);
  const written: number[] = [];
  while (written.length < QUERIES) {
    const tokens = [...prompt, ...written];
    const { queries: [{ logits }] } = forward(tensors, variant, tokens, tokens.length - 1);
    written.push(argmax(logits));
  }
  return written;
}

/** Token ids [n, 12] of many problems. @param operands a0 b0 a1 b1 … */
export function decodeAll(tensors: Tensors, variant: Variant, operands: Float64Array): Uint8Array {
  const tokens = new Uint8Array(QUERIES * operands.length / 2);
  for (let i = 0; i < operands.length; i += 2) {
    tokens.set(decodeGreedily(tensors, variant, operands[i], operands[i + 1]), QUERIES * i / 2);
  }
  return tokens;
}
