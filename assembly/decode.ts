// Greedy decoding: from the prompt alone, one token at a time, each fed back. There is no arithmetic on the operands: with other weights the same code
// gives another answer.
import {
  DECODE_GROUPS,
  DECODE_KEYS,
  DECODE_KV,
  DECODE_QUERIES,
  DECODE_QUERY_GROUP,
  DECODE_SLOTS,
  DECODE_TILES,
  DECODE_TOKENS,
  EQUALS,
  FIRST_QUERY,
  INVERSE_SUM,
  KEY_ROW,
  LOGITS,
  O,
  PLUS,
  POSITIONS,
  QUERIES,
  QUERY_ROW,
  QX,
  ROW14,
  ROW6,
  ROW7,
  T,
  TILE_TOKENS,
  WEIGHTS,
  WEIGHTS_ROW,
} from "./layout";
import { attentionForward, gatherKeys, gatherQueries } from "./attention";
import { geluInference, hiddenForward, logitsForward, projectionForward } from "./feed_forward";
import { slotsForward } from "./slots";
import { layOutPrompt, readTile } from "./tile";

/** Fills the tables of all tokens at all positions; call it once for each set of weights. */
export function prepareDecoding(w: usize): void {
  slotsForward(w, DECODE_SLOTS, DECODE_GROUPS, DECODE_QUERY_GROUP, DECODE_KEYS, DECODE_QUERIES);
}

// inline
export function keyRow(position: i32, token: i32): usize {
  return DECODE_KEYS + (position * T + token) * KEY_ROW;
}

/** The row of query i, whose own token is `token`, in the table of queries and x. */
// inline
export function queryRow(i: i32, token: i32): usize {
  return DECODE_QUERIES + ((FIRST_QUERY + i) * T + token - DECODE_QUERY_GROUP * 4) * QUERY_ROW;
}

/** The token with the largest logit, or the first of them if several are equal. logits: (14, lanes). */
// inline
export function argmax(logits: usize): v128 {
  let best = v128.load(logits);
  let token = i32x4.splat(0);
  for (let t = 1; t < T; ++t) {
    const logit = v128.load(logits + t * 16);
    const larger = f32x4.gt(logit, best);
    token = v128.bitselect(i32x4.splat(t), token, larger);
    best = f32x4.pmax(best, logit);
  }
  return token;
}

/** Decodes `count` problems into tokens (count, 12), one byte each. The tables must belong to the current weights. */
export function decode(w: usize, problems: usize, count: i32, out: usize): void {
  for (let first = 0; first < count; first += 4 * DECODE_TILES) {
    const tiles = min(DECODE_TILES, (count - first + 3) / 4);
    for (let t = 0; t < tiles; ++t) {
      readTile(w, problems, first + 4 * t, count);
      layOutPrompt(w);
      v128.store(w + TILE_TOKENS + 10 * 16, i32x4.splat(PLUS));
      const keys = w + DECODE_KV + t * POSITIONS * ROW6;
      for (let p = 0; p < FIRST_QUERY; ++p) gatherKeys(keyRow(p, 0), w + TILE_TOKENS + p * 16, keys + p * ROW6);
      v128.store(w + DECODE_TOKENS + t * 16, i32x4.splat(EQUALS));
    }
    for (let i = 0; i < QUERIES; ++i) {
      const position = FIRST_QUERY + i;
      for (let t = 0; t < tiles; ++t) {
        const tokens = w + DECODE_TOKENS + t * 16;
        const keys = w + DECODE_KV + t * POSITIONS * ROW6;
        const query = w + QX + t * ROW14;
        // this writes two vectors past the query's fourteen; the next tile's query is written later
        gatherQueries(queryRow(i, 0), tokens, query);
        gatherKeys(keyRow(position, 0), tokens, keys + position * ROW6);
        attentionForward(
          query,
          keys,
          position + 1,
          w + WEIGHTS + t * WEIGHTS_ROW,
          w + INVERSE_SUM + t * 16,
          w + O + t * ROW7,
        );
      }
      projectionForward(w, tiles);
      hiddenForward(w, tiles);
      geluInference(w, tiles);
      logitsForward(w, tiles);
      for (let t = 0; t < tiles; ++t) {
        const token = argmax(w + LOGITS + t * ROW14);
        v128.store(w + DECODE_TOKENS + t * 16, token);
        for (let lane = 0; lane < 4; ++lane) {
          const problem = first + 4 * t + lane;
          if (problem < count) store<u8>(out + problem * QUERIES + i, load<i32>(w + DECODE_TOKENS + t * 16 + lane * 4));
        }
      }
    }
  }
}
