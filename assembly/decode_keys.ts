// Attention for decoding, key by key, from tables of all tokens at all positions.
import { FIRST_QUERY, PLUS, POSITIONS, ROW14, ROW6, ROW7, T } from "./dimensions";
import { DECODE_GROUPS, DECODE_QUERY_GROUP, KEY_ROW, QUERY_ROW, Slot, Tile } from "./layout";
import { attend, gather } from "./attention";
import { slotsForward } from "./slots";
import { layOutPrompt } from "./tile";

/** Fills the tables; call it once for each set of weights. */
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

/** Gathers the key of four tokens for tile t. */
function gatherKey(w: usize, t: i32, position: i32, tokens: usize): void { // inline
  gather(keyRow(position, 0), tokens, KEY_ROW, 1, w + Tile.DECODE_KV + (t * POSITIONS + position) * ROW6);
}

/** Gathers the keys of the prompt of tile t, but for that of `=`, the first query. */
export function gatherPrompt(w: usize, t: i32): void { // inline
  layOutPrompt(w);
  v128.store(w + Tile.TOKENS + 10 * 16, i32x4.splat(PLUS));
  for (let p = 0; p < FIRST_QUERY; ++p) gatherKey(w, t, p, w + Tile.TOKENS + p * 16);
}

/** The attention of query i of tile t, whose tokens are in TARGETS: its output, and the residual stream. */
export function attendByKeys(w: usize, i: i32, t: i32): void { // inline
  const tokens = w + Tile.TARGETS + t * 16;
  gather(queryRow(i, 0), tokens, QUERY_ROW, 3, w + Tile.QX + t * ROW14);
  gatherKey(w, t, FIRST_QUERY + i, tokens);
  const keys = w + Tile.DECODE_KV + t * POSITIONS * ROW6;
  const weights = w + Tile.WEIGHTS + t * Tile.WEIGHTS_ROW;
  const inverseSum = w + Tile.INVERSE_SUM + t * 16;
  attend(w + Tile.QX + t * ROW14, keys, FIRST_QUERY + i + 1, weights, inverseSum, w + Tile.O + t * ROW7);
}
