// Greedy decoding: from the prompt alone, one token at a time, each fed back. There is no arithmetic on the operands: with other
// weights the same code gives another answer.
import { EQUALS, FIRST_QUERY, PLUS, POSITIONS, QUERIES, ROW14, ROW6, ROW7, T } from "./dimensions";
import { DECODE_GROUPS, DECODE_QUERY_GROUP, DECODE_TILES, KEY_ROW, QUERY_ROW, Slot, Tile } from "./layout";
import { attentionForward, gatherKeys, gatherQueries } from "./attention";
import { inferLogits } from "./feed_forward";
import { slotsForward } from "./slots";
import { layOutPrompt, readTile } from "./tile";

/** Fills the tables of all tokens at all positions; call it once for each set of weights. */
export function prepareDecodingSlots(w: usize): void {
  slotsForward(w, Slot.DECODE, DECODE_GROUPS, DECODE_QUERY_GROUP, Slot.DECODE_KEYS, Slot.DECODE_QUERIES);
}

export function keyRow(position: i32, token: i32): usize { // inline
  return Slot.DECODE_KEYS + (position * T + token) * KEY_ROW;
}

/** The row of query i, whose own token is `token`, in the table of queries and x. */
export function queryRow(i: i32, token: i32): usize { // inline
  return Slot.DECODE_QUERIES + ((FIRST_QUERY + i) * T + token - DECODE_QUERY_GROUP * 4) * QUERY_ROW;
}

/** The token with the largest logit, or the first of them if several are equal. logits: (14, lanes). */
export function argmax(logits: usize): v128 { // inline
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

/** Writes token i of the four problems from `first` on that are below `count`; tokens: i32x4. */
export function storeTokens(tokens: usize, first: i32, count: i32, i: i32, out: usize): void { // inline
  for (let lane = 0; lane < 4 && first + lane < count; ++lane) {
    store<u8>(out + (first + lane) * QUERIES + i, load<i32>(tokens + lane * 4));
  }
}

/** Decodes `count` problems into tokens (count, 12), one byte each. The tables must belong to the current weights. */
export function decodeByKeys(w: usize, problems: usize, count: i32, out: usize): void {
  for (let first = 0; first < count; first += 4 * DECODE_TILES) {
    const tiles = min(DECODE_TILES, (count - first + 3) / 4);
    for (let t = 0; t < tiles; ++t) {
      readTile(w, problems, first + 4 * t, count);
      layOutPrompt(w);
      v128.store(w + Tile.TOKENS + 10 * 16, i32x4.splat(PLUS));
      const keys = w + Tile.DECODE_KV + t * POSITIONS * ROW6;
      for (let p = 0; p < FIRST_QUERY; ++p) gatherKeys(keyRow(p, 0), w + Tile.TOKENS + p * 16, keys + p * ROW6);
      v128.store(w + Tile.DECODE_TOKENS + t * 16, i32x4.splat(EQUALS));
    }
    for (let i = 0; i < QUERIES; ++i) {
      const position = FIRST_QUERY + i;
      for (let t = 0; t < tiles; ++t) {
        const tokens = w + Tile.DECODE_TOKENS + t * 16;
        const keys = w + Tile.DECODE_KV + t * POSITIONS * ROW6;
        const query = w + Tile.QX + t * ROW14;
        // this writes two vectors past the query's fourteen; the next tile's query is written later
        gatherQueries(queryRow(i, 0), tokens, query);
        gatherKeys(keyRow(position, 0), tokens, keys + position * ROW6);
        attentionForward(
          query,
          keys,
          position + 1,
          w + Tile.WEIGHTS + t * Tile.WEIGHTS_ROW,
          w + Tile.INVERSE_SUM + t * 16,
          w + Tile.O + t * ROW7,
        );
      }
      inferLogits(w, tiles);
      for (let t = 0; t < tiles; ++t) {
        const tokens = argmax(w + Tile.LOGITS + t * ROW14);
        v128.store(w + Tile.DECODE_TOKENS + t * 16, tokens);
        storeTokens(w + Tile.DECODE_TOKENS + t * 16, first + 4 * t, count, i, out);
      }
    }
  }
}
