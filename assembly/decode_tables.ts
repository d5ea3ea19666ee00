// Greedy decoding of many problems. The attention weight of a key depends on four small numbers only: the step, the query's token,
// the key's position and its token. All are tabulated once, as rows (e u, e) with e = 2^score and the key u. The attention of a
// query is then a sum of rows and a division. Must equal `attendByKeys` of decode_keys.ts up to the rounding of these sums.
//
// A block holds the rows of one step and query token: one row for the symbols `+` and `=` together, 10 rows for each digit of the
// operands (ones first, a then b), and 14 rows for each token written before.
import { EQUALS, FIRST_QUERY, N, PLUS, QUERIES, ROW14, ROW7, T } from "./dimensions";
import { Block, BLOCKS, Tile } from "./layout";
import { keyRow, queryRow } from "./decode_keys";
import { exp2 } from "./elementary";
import { storeTransposed, sumLanes } from "./simd";

/** The digits of both operands: each is a key. */
const OPERAND_KEYS = 20;
/** The first row for tokens written before. */
const WRITTEN = 1 + OPERAND_KEYS * 10;
/** Bytes of the key offsets of one tile: up to 31 keys, four lanes. */
const OFFSETS_ROW = 31 * 16;
// Attention weights are relative to the largest in their block. The largest that any one problem uses must be at least 2^-RANGE,
// so that no sum underflows; other models are decoded key by key.
const RANGE: f32 = 100;

/** Fills all blocks; returns whether they can be used with the current weights. */
export function fillTables(w: usize): bool {
  let usable = fillBlock(0, EQUALS, w + Tile.SCRATCH);
  for (let i = 1; i < QUERIES; ++i) {
    for (let token = 0; token < T; ++token) usable = fillBlock(i, token, w + Tile.SCRATCH) && usable;
  }
  return usable;
}

function block(i: i32, token: i32): usize { // inline
  return BLOCKS + (i * T + token) * Block.SIZE;
}

/** The position of a key: the ones of a are at 9, those of b at 20, tokens written before from 22 on. */
function positionOf(key: i32): i32 { // inline
  return key < 10 ? 9 - key : key < OPERAND_KEYS ? 30 - key : key + 2;
}

function tokensOf(key: i32): i32 { // inline
  return key < OPERAND_KEYS ? 10 : T;
}

/** The score of a key for a query (low, high), whose last two lanes are 0. */
function score(low: v128, high: v128, key: usize): f32 { // inline
  return sumLanes(f32x4.add(f32x4.mul(low, v128.load(key)), f32x4.mul(high, v128.load(key, 16))));
}

/** Fills one block; returns whether no sum over a problem's keys can underflow. `scores`: room for its scores. */
function fillBlock(i: i32, token: i32, scores: usize): bool {
  const query = queryRow(i, token);
  const low = v128.load(query);
  const high = v128.and(v128.load(query, 16), i32x4(-1, -1, 0, 0)); // the rest of the row is x
  const plus = keyRow(10, PLUS);
  const equals = keyRow(FIRST_QUERY, EQUALS);
  const scorePlus = score(low, high, plus);
  const scoreEquals = score(low, high, equals);
  // the largest score that can occur, and a score that some key reaches whatever the tokens are
  let largest = max(scorePlus, scoreEquals);
  let certain = largest;
  let at = scores;
  const keys = OPERAND_KEYS + i;
  for (let key = 0; key < keys; ++key) {
    let least: f32 = Infinity;
    for (let t = 0; t < tokensOf(key); ++t) {
      const s = score(low, high, keyRow(positionOf(key), t));
      store<f32>(at, s);
      at += 4;
      largest = max(largest, s);
      least = min(least, s);
    }
    certain = max(certain, least);
  }
  const shift = f32x4.splat(largest);
  for (let vector = scores; vector < at; vector += 16) {
    v128.store(vector, exp2(f32x4.sub(v128.load(vector), shift)));
  }
  const out = block(i, token);
  const symbols = exp2(f32x4.sub(f32x4(scorePlus, scoreEquals, 0, 0), shift));
  storeWeightedKey(f32x4.extract_lane(symbols, 0), plus, out);
  storeWeightedKey(f32x4.extract_lane(symbols, 1), equals, out + Block.ROW);
  v128.store(out, f32x4.add(v128.load(out), v128.load(out, 32)));
  v128.store(out, f32x4.add(v128.load(out, 16), v128.load(out, 48)), 16);
  at = scores;
  let row = out + Block.ROW;
  for (let key = 0; key < keys; ++key) {
    for (let t = 0; t < tokensOf(key); ++t) {
      storeWeightedKey(load<f32>(at), keyRow(positionOf(key), t), row);
      at += 4;
      row += Block.ROW;
    }
  }
  return largest - certain < RANGE; // false for NaN
}

/** Stores the row e u_0 … e u_5, e, 0; the row of the key is u_0 … u_5, 1, 0. */
function storeWeightedKey(e: f32, key: usize, out: usize): void { // inline
  const weight = f32x4.splat(e);
  v128.store(out, f32x4.mul(weight, v128.load(key)));
  v128.store(out, f32x4.mul(weight, v128.load(key, 16)), 16);
}

/** The offsets of the keys of tile t. */
function offsetsOf(w: usize, t: i32): usize { // inline
  return w + Tile.DECODE_KV + t * OFFSETS_ROW;
}

/** Stores the byte offsets, within a block, of the rows of four tokens; `firstRow`: the first row of their key. */
function storeOffset(w: usize, t: i32, key: i32, firstRow: i32, tokens: v128): void { // inline
  v128.store(offsetsOf(w, t) + key * 16, i32x4.shl(i32x4.add(tokens, i32x4.splat(firstRow)), 5));
}

export function storeOperandOffsets(w: usize, t: i32): void { // inline
  for (let key = 0; key < OPERAND_KEYS; ++key) {
    storeOffset(w, t, key, 1 + key * 10, v128.load(w + Tile.A_DIGITS + key * 16)); // B_DIGITS follow A_DIGITS
  }
}

/** Stores the offsets of the tokens that step i wrote. */
export function storeWrittenOffset(w: usize, i: i32, t: i32, tokens: v128): void { // inline
  storeOffset(w, t, OPERAND_KEYS + i, WRITTEN + i * T, tokens);
}

/** The attention of query i of tile t, whose tokens are in TARGETS: its output, and the residual stream. */
export function attendByTables(w: usize, i: i32, t: i32): void { // inline
  const out = w + Tile.O + t * ROW7;
  const x = w + Tile.QX + ROW7 + t * ROW14;
  for (let l = 0; l < 4; ++l) { // unroll
    const token$l = load<i32>(w + Tile.TARGETS + t * 16, 4 * l);
    const base$l = block(i, token$l);
    let low$l = v128.load(base$l);
    let high$l = v128.load(base$l, 16);
  }
  const end = offsetsOf(w, t) + (OPERAND_KEYS + i) * 16;
  for (let at = offsetsOf(w, t); at < end; at += 16) {
    for (let l = 0; l < 4; ++l) { // unroll
      const row$l = base$l + load<u32>(at, 4 * l);
      low$l = f32x4.add(low$l, v128.load(row$l));
      high$l = f32x4.add(high$l, v128.load(row$l, 16));
    }
  }
  storeTransposed(low0, low1, low2, low3, out, 16);
  storeTransposed(high0, high1, high2, high3, out + 64, 16); // one vector too many, which the next tile overwrites
  const inverse = f32x4.div(f32x4.splat(1), v128.load(out, 96));
  for (let c = 0; c < N; ++c) { // unroll
    v128.store(out, f32x4.mul(v128.load(out, 16 * c), inverse), 16 * c);
  }
  v128.store(out, f32x4.splat(1), 96);
  for (let l = 0; l < 4; ++l) { // unroll
    low$l = v128.load(queryRow(i, token$l), 28);
    high$l = v128.load(queryRow(i, token$l), 40);
  }
  storeTransposed(low0, low1, low2, low3, x, 16);
  storeTransposed(high0, high1, high2, high3, x + 48, 16);
}
