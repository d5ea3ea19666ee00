import { forward } from "../src/engine/reference/model.ts";
import { type Glass, lookAtSum } from "../src/inspection/glass.ts";
import { drawOperands } from "../src/model/sampler.ts";
import { TOKENS, WIDTH } from "../src/model/variant.ts";
import { EQUALS, FIRST_QUERY, PLUS, POSITIONS_READ, QUERIES, targetTokens } from "../src/model/vocabulary.ts";

/** The number of sums to average over, and how many to compute between two pauses: a few milliseconds. */
const SUMS = 48;
const AT_ONCE = 6;

/**
 * The mean attention over random sums of 10-digit numbers with their correct answers.
 *
 * @param pause Awaited now and then, so that the page can respond
 * @returns [12, 33]: one row for each step, 0 at positions that it cannot see
 */
export async function meanAttention(glass: Glass, pause: () => Promise<void>): Promise<Float64Array> {
  const operands = drawOperands({ seed: 1, stream: "evaluation", count: SUMS });
  const mean = new Float64Array(QUERIES * POSITIONS_READ);
  for (let i = 0; i < SUMS; i++) {
    if (i > 0 && i % AT_ONCE === 0) await pause();
    const [a, b] = operands.subarray(2 * i, 2 * i + 2);
    for (const [step, { attended }] of lookAtSum(glass, a, b, targetTokens(a, b)).queries.entries()) {
      attended.weights.forEach((weight, position) => mean[step * POSITIONS_READ + position] += weight / SUMS);
    }
  }
  return mean;
}

/** Whether a token can occur at a position that is read. */
export function canStand(token: number, position: number): boolean {
  if (position === 10) return token === PLUS;
  if (position === FIRST_QUERY) return token === EQUALS;
  return token < 10;
}

/**
 * The scores q . k / sqrt 7 of one step before the softmax, for each token at each position. The model has one layer, so they depend on nothing
 * else: these tables are all of its attention.
 *
 * @param step 0 … 11
 * @param asking The token at the query position: `=` at step 0, otherwise the digit written last
 * @returns [14, 33]: one row for each token, NaN where it cannot occur or is not visible
 */
export function attentionScores({ tensors, variant }: Glass, step: number, asking: number): Float64Array {
  const query = FIRST_QUERY + step;
  const table = new Float64Array(TOKENS * POSITIONS_READ).fill(NaN);
  for (let token = 0; token < TOKENS; token++) {
    // one sequence with the token wherever it can occur: a score depends on token and position alone
    const tokens = Array.from({ length: query }, (_, position) => canStand(token, position) ? token : 0);
    const { qkv } = forward(tensors, variant, [...tokens, asking], query);
    for (let position = 0; position <= query; position++) {
      const stands = position === query ? token === asking : canStand(token, position);
      if (stands) table[token * POSITIONS_READ + position] = score(qkv[query].query, qkv[position].key);
    }
  }
  return table;
}

function score(query: Float64Array, key: Float64Array): number {
  return query.reduce((sum, value, i) => sum + value * key[i], 0) / Math.sqrt(WIDTH);
}
