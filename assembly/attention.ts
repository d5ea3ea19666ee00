// Causal attention of the 12 queries over up to 33 keys, forward and backward. A key is also its value: see fold_weights.ts.
import { FIRST_QUERY, N, POSITIONS, PROMPT, QUERIES, ROW14, ROW6, ROW7 } from "./dimensions";
import { KEY_ROW, QUERY_ROW, Slice, Slot, Tile, TRAINING_QUERY_GROUP } from "./layout";
import { dotTiles, scoresBackward, sumsOverKeys, sumsOverQueries } from "./attention_sums";
import { ONE } from "./coefficients";
import { exp2Softmax, storeExp2Softmax } from "./elementary";
import { addTransposed, madd, storeTransposed } from "./simd";
import { firstSlot } from "./slots";

/** Reads the rows of four tokens, one per lane: one four and two vectors of keys, or three fours and two of queries and x. */
export function gather(table: usize, tokens: usize, stride: usize, fours: i32, to: usize): void { // inline
  for (let l = 0; l < 4; ++l) { // unroll
    const row$l = table + <usize> load<u32>(tokens, 4 * l) * stride;
  }
  for (let h = 0; h < 4; ++h) { // unroll
    if (h <= fours) {
      for (let l = 0; l < 4; ++l) { // unroll
        const part$l = v128.load(row$l, 16 * h);
      }
      storeTransposed(part0, part1, part2, part3, to + 64 * h, 16, h < fours ? 4 : 2);
    }
  }
}

/** The offset of a query position within a table of queries. */
function queryRows(i: i32): usize { // inline
  return (firstSlot(FIRST_QUERY + i) - TRAINING_QUERY_GROUP * 4) * QUERY_ROW;
}

/** Reads the keys of all positions and the queries and x of the 12 queries from the slot tables. */
export function gatherTile(w: usize): void {
  for (let p = 0; p < POSITIONS; ++p) {
    gather(Slot.KEYS + firstSlot(p) * KEY_ROW, w + Tile.TOKENS + p * 16, KEY_ROW, 1, w + Tile.KV + p * ROW6);
  }
  memory.fill(w + Tile.KV + POSITIONS * ROW6, 0, ROW6);
  for (let i = 0; i < QUERIES; ++i) {
    const tokens = w + Tile.TOKENS + (FIRST_QUERY + i) * 16;
    gather(Slot.QUERIES + queryRows(i), tokens, QUERY_ROW, 3, w + Tile.QX + i * ROW14);
  }
}

/** `count` scores of one query: out[j] = query . key[j]. */
function scoreRow(query: usize, keys: usize, count: i32, out: usize): void { // inline
  for (let c = 0; c < N; ++c) { // unroll
    const q$c = v128.load(query, 16 * c);
  }
  for (let j = 0; j < count; ++j) {
    let s = f32x4.mul(q0, v128.load(keys));
    for (let c = 1; c < N; ++c) { // unroll
      s = madd(q$c, v128.load(keys, 16 * c), s);
    }
    v128.store(out, s);
    keys += ROW6;
    out += 16;
  }
}

/** factor * sum_j weight[j] * key[j] over `count` keys; out: (7, lanes), six coordinates and 1. */
function sumRow(weights: usize, keys: usize, count: i32, factor: v128, out: usize): void { // inline
  for (let c = 0; c < N; ++c) { // unroll
    let sum$c = f32x4.splat(0);
  }
  for (let j = 0; j < count; ++j) {
    const weight = v128.load(weights);
    for (let c = 0; c < N; ++c) { // unroll
      sum$c = madd(weight, v128.load(keys, 16 * c), sum$c);
    }
    weights += 16;
    keys += ROW6;
  }
  for (let c = 0; c < N; ++c) { // unroll
    v128.store(out, f32x4.mul(sum$c, factor), 16 * c);
  }
  v128.store(out, f32x4.splat(1), 96);
}

/** The largest score up to `end`, in four chains: in one, each comparison waits for the one before (measured: 1.02 x). */
function largestScore(scores: usize, end: usize): v128 { // inline
  for (let m = 0; m < 4; ++m) { // unroll
    let n$m = v128.load(scores, 16 * m);
  }
  for (let j = 1; j < 5; ++j) { // unroll
    for (let m = 0; m < 4; ++m) { // unroll
      n$m = f32x4.pmax(n$m, v128.load(scores, 64 * j + 16 * m));
    }
  }
  n0 = f32x4.pmax(n0, v128.load(scores, 16 * 20));
  n1 = f32x4.pmax(n1, v128.load(scores, 16 * 21));
  for (let at = scores + PROMPT * 16; at < end; at += 16) n2 = f32x4.pmax(n2, v128.load(at));
  return f32x4.pmax(f32x4.pmax(n0, n1), f32x4.pmax(n2, n3));
}

/** Replaces `count` scores by weights 2^(score - max), not divided by their sum; stores 1 / sum. */
function softmaxRow(weights: usize, count: i32, inverseSum: usize): void { // inline
  const end = weights + count * 16;
  const maximum = largestScore(weights, end);
  let sum = f32x4.splat(0);
  const lastPair = end - 16;
  let at = weights;
  for (; at < lastPair; at += 32) {
    const pair = storeExp2Softmax(f32x4.sub(v128.load(at), maximum), f32x4.sub(v128.load(at, 16), maximum), at);
    sum = f32x4.add(sum, pair);
  }
  if (at < end) {
    const e = exp2Softmax(f32x4.sub(v128.load(at), maximum));
    v128.store(at, e);
    sum = f32x4.add(sum, e);
  }
  v128.store(inverseSum, f32x4.div(f32x4.splat(1), sum));
}

// The queries are scaled so that weights are powers of two. Must equal `attention` of src/engine/reference, up to the matrices of
// fold_weights.ts.

/** A query, (6, lanes), over `count` keys, (count, 6, lanes): weights (count, lanes), not divided by their sum; 1 / sum; output (7, lanes). */
export function attend(query: usize, keys: usize, count: i32, weights: usize, inverseSum: usize, out: usize): void {
  scoreRow(query, keys, count, weights);
  softmaxRow(weights, count, inverseSum);
  sumRow(weights, keys, count, v128.load(inverseSum), out);
}

/** {@linkcode attend} for all 12 queries of a tile. Keys are taken in pairs: one that a query must not see gets weight 0. */
export function attentionForwardTile(w: usize): void {
  dotTiles(w, w + Tile.QX, false);
  const zero = f32x4.splat(0);
  for (let i = 0; i < QUERIES; ++i) {
    const weights = w + Tile.WEIGHTS + i * Tile.WEIGHTS_ROW;
    softmaxRow(weights, PROMPT + i, w + Tile.INVERSE_SUM + i * 16);
    v128.store(weights + (PROMPT + i) * 16, zero);
    if (i % 2 == 0) v128.store(weights + (PROMPT + i + 1) * 16, zero);
    v128.store(w + Tile.O + i * ROW7, f32x4.splat(1), 96);
  }
  sumsOverKeys(w, w + Tile.O, ROW7, w + Tile.INVERSE_SUM, 16);
}

/** The reverse of {@linkcode gather}: adds to the rows of four tokens. */
function scatter(table: usize, tokens: usize, stride: usize, fours: i32, vectors: usize): void { // inline
  for (let l = 0; l < 4; ++l) { // unroll
    const row$l = table + <usize> load<u32>(tokens, 4 * l) * stride;
  }
  for (let h = 0; h < 4; ++h) { // unroll
    if (h <= fours) {
      addTransposed(vectors + 64 * h, h < fours ? 4 : 2, row0 + 16 * h, row1 + 16 * h, row2 + 16 * h, row3 + 16 * h);
    }
  }
}

// Forward: o = sum_j p_j u_j with p = e / sum, e = 2^score and score = query . u_j. DO is already divided by the sum, so e
// replaces p: ds_ij = ln 2 e_ij (do_i . u_j - do_i . o_i); du_j = sum_i e_ij do_i + ds_ij query_i; dquery_i = sum_j ds_ij u_j.
/** Backward of {@linkcode attentionForwardTile} and {@linkcode gatherTile}: adds to the slot rows of a slice. */
export function attentionBackwardTile(w: usize, slice: usize): void {
  sumsOverQueries(w, w + Tile.DO, w + Tile.DKV, true);
  scoresBackward(w);
  sumsOverQueries(w, w + Tile.QX, w + Tile.DKV, false);
  for (let j = 0; j < POSITIONS; ++j) {
    const table = slice + Slice.DKEYS + firstSlot(j) * KEY_ROW;
    scatter(table, w + Tile.TOKENS + j * 16, KEY_ROW, 1, w + Tile.DKV + j * ROW6);
  }
  // the query is no longer needed and x holds its gradient already, so the rows of QX become (dquery, dx)
  sumsOverKeys(w, w + Tile.QX, ROW14, ONE, 0);
  for (let i = 0; i < QUERIES; ++i) {
    const table = slice + Slice.DQUERIES + queryRows(i);
    scatter(table, w + Tile.TOKENS + (FIRST_QUERY + i) * 16, QUERY_ROW, 3, w + Tile.QX + i * ROW14);
  }
}
