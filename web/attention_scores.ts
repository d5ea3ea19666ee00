import { linear } from "../src/engine/reference/linear.ts";
import { forward } from "../src/engine/reference/model.ts";
import type { ReferenceModel } from "../src/inspection/reference_model.ts";
import { TOKENS } from "../src/model/variant.ts";
import { EQUALS, FIRST_QUERY, PLUS, POSITIONS_READ } from "../src/model/vocabulary.ts";

/** Whether a token can occur at a position that is read. */
export function canOccur(token: number, position: number): boolean {
  if (position === 10) return token === PLUS;
  if (position === FIRST_QUERY) return token === EQUALS;
  return token < 10;
}

/**
 * The scores q . k / sqrt(width) of one step before the softmax, for each token at each position. The model has one layer, so they depend on nothing
 * else: these tables are all of its attention.
 *
 * @param step 0 … 11
 * @param last The token at the query position: `=` at step 0, otherwise the digit written last
 * @returns [14][33]: one row for each token, NaN where it cannot occur or is not visible
 */
export function attentionScores({ tensors, variant }: ReferenceModel, step: number, last: number): Float64Array[] {
  const query = FIRST_QUERY + step;
  return Array.from({ length: TOKENS }, (_, token) => {
    // one sequence with the token wherever it can occur: a score depends on token and position alone
    const tokens = Array.from({ length: query }, (_, position) => canOccur(token, position) ? token : 0);
    const { qkv } = forward(tensors, variant, [...tokens, last], query);
    return Float64Array.from({ length: POSITIONS_READ }, (_, position) => {
      const occurs = position < query ? canOccur(token, position) : position === query && token === last;
      return occurs ? linear(qkv[query].query, qkv[position].key)[0] / Math.sqrt(variant.width) : NaN;
    });
  });
}
