// Greedy decoding of many problems. The attention weight of a key depends on four small numbers only: the step, the query's token,
// the key's position and its token. All are tabulated once, as rows (e u, e) with e = 2^score and the key u. The attention of a
// query is then a sum of rows and a division. Must equal `decode` of decode.ts up to the rounding of these sums.
//
// A block holds the rows of one step and query token: one row for the symbols `+` and `=` together, 10 rows for each digit of the
// operands (ones first, a then b), and 14 rows for each token written before.
import { EQUALS, FIRST_QUERY, PLUS, QUERIES, ROW14, ROW7, T } from "./dimensions";
import { Block, BLOCKS, Job, Tile } from "./layout";
import { argmax, keyRow, queryRow, storeTokens } from "./decode";
import { exp2 } from "./elementary";
import { inferLogits } from "./feed_forward";
import { storeTransposed, sumLanes } from "./simd";
import { drawTile, layOutExample, readTile } from "./tile";

/** The digits of both operands: each is a key. */
const OPERAND_KEYS = 20;
/** Tokens that say the sum; the last one ends it. */
const SUM_DIGITS = QUERIES - 1;
const EXPECTED_ROW = QUERIES * 16;
/** The first row for tokens written before. */
const WRITTEN = 1 + OPERAND_KEYS * 10;
/** Problems that pass through the layers together: twelve rows of four lanes. */
const BATCH = 48;
/** Bytes of the key offsets of one row: up to 31 keys, four lanes. */
const OFFSETS_ROW = 31 * 16;
/**
 * Attention weights are relative to the largest in their block. The largest that any one problem uses must be at least 2^-RANGE,
 * so that no sum underflows; other models are decoded by decode.ts, key by key.
 */
const RANGE: f32 = 100;

let usable: bool = false;

/** Whether the tables can be used with the current weights. */
export function tablesUsable(): bool {
  return usable;
}

export function prepareTables(w: usize): void {
  usable = true;
  for (let i = 0; i < QUERIES; ++i) {
    for (let token = 0; token < T; ++token) {
      if (i == 0 && token != EQUALS) continue;
      if (!fillBlock(i, token, w + Tile.SCRATCH)) usable = false;
    }
  }
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

/**
 * Decodes `count` problems into tokens (count, 12), one byte each.
 *
 * @param problems The host's; 0 for those of its run, from `example` on, which are compared with the right sums as well
 * @returns How many of these sums are wrong
 */
export function decodeByTables(w: usize, problems: usize, example: i32, count: i32, out: usize): i32 {
  let wrong = 0;
  for (let first = 0; first < count; first += BATCH) {
    const rows = min(BATCH / 4, (count - first + 3) / 4);
    for (let r = 0; r < rows; ++r) {
      if (problems == 0) {
        drawTile(w, example + first + 4 * r, load<u32>(Job.SAMPLE), load<u32>(Job.DOMAIN));
        layOutExample(w);
        memory.copy(expectedOf(w, r), w + Tile.TARGETS, EXPECTED_ROW);
        v128.store(expectedOf(w, r) + SUM_DIGITS * 16, i32x4.splat(0));
      } else {
        readTile(w, problems, first + 4 * r, count);
      }
      storeOperandOffsets(w, w + Tile.DECODE_KV + r * OFFSETS_ROW);
    }
    for (let r = 0; r < rows; ++r) v128.store(w + Tile.TARGETS + r * 16, i32x4.splat(EQUALS));
    for (let i = 0; i < QUERIES; ++i) {
      for (let r = 0; r < rows; ++r) {
        const offsets = w + Tile.DECODE_KV + r * OFFSETS_ROW;
        attend(w, i, w + Tile.TARGETS + r * 16, offsets, w + Tile.O + r * ROW7, w + Tile.QX + ROW7 + r * ROW14);
      }
      inferLogits(w, rows);
      for (let r = 0; r < rows; ++r) {
        const tokens = argmax(w + Tile.LOGITS + r * ROW14);
        v128.store(w + Tile.TARGETS + r * 16, tokens);
        // the twelfth token is not fed back
        if (i < SUM_DIGITS) storeWrittenOffset(i, tokens, w + Tile.DECODE_KV + r * OFFSETS_ROW);
        if (i < SUM_DIGITS && problems == 0) compare(expectedOf(w, r), i, tokens);
        storeTokens(w + Tile.TARGETS + r * 16, first + 4 * r, count, i, out);
      }
    }
    for (let r = 0; r < rows && problems == 0; ++r) {
      const counted = (1 << min(4, count - first - 4 * r)) - 1;
      wrong += popcnt(i32x4.bitmask(v128.load(expectedOf(w, r) + SUM_DIGITS * 16)) & counted);
    }
  }
  return wrong;
}

/** The right answers of the four problems of a row. */
function expectedOf(w: usize, row: i32): usize { // inline
  return w + Tile.EXPECTED + row * EXPECTED_ROW;
}

/** Marks the problems whose token i is not that of the sum. */
function compare(expected: usize, i: i32, tokens: v128): void { // inline
  const differs = i32x4.ne(tokens, v128.load(expected + i * 16));
  v128.store(expected, v128.or(v128.load(expected + SUM_DIGITS * 16), differs), SUM_DIGITS * 16);
}

/** The byte offsets, within a block, of the rows of four tokens; `firstRow`: the first row of their key. */
function rowOffset(firstRow: i32, tokens: v128): v128 { // inline
  return i32x4.shl(i32x4.add(tokens, i32x4.splat(firstRow)), 5);
}

export function storeOperandOffsets(w: usize, offsets: usize): void { // inline
  for (let key = 0; key < OPERAND_KEYS; ++key) {
    const digits = v128.load(w + Tile.A_DIGITS + key * 16); // B_DIGITS follow A_DIGITS
    v128.store(offsets + key * 16, rowOffset(1 + key * 10, digits));
  }
}

/** Stores the offsets of the tokens that step i wrote. */
export function storeWrittenOffset(i: i32, tokens: v128, offsets: usize): void { // inline
  v128.store(offsets + (OPERAND_KEYS + i) * 16, rowOffset(WRITTEN + i * T, tokens));
}

/** The attention of query i of four problems: stores its output (6, and 1) and the residual stream (7, lanes). */
export function attend(w: usize, i: i32, tokens: usize, offsets: usize, out: usize, x: usize): void { // inline
  for (let l = 0; l < 4; ++l) { // unroll
    const token$l = load<i32>(tokens + 4 * l);
    const base$l = block(i, token$l);
    let low$l = v128.load(base$l);
    let high$l = v128.load(base$l + 16);
  }
  const end = offsets + (OPERAND_KEYS + i) * 16;
  for (let at = offsets; at < end; at += 16) {
    for (let l = 0; l < 4; ++l) { // unroll
      const row$l = base$l + load<u32>(at + 4 * l);
      low$l = f32x4.add(low$l, v128.load(row$l));
      high$l = f32x4.add(high$l, v128.load(row$l + 16));
    }
  }
  storeTransposed(low0, low1, low2, low3, out, 16);
  const spare = w + Tile.SCRATCH;
  storeTransposed(high0, high1, high2, high3, spare, 16);
  const inverse = f32x4.div(f32x4.splat(1), v128.load(spare, 32));
  for (let c = 0; c < 4; ++c) { // unroll
    v128.store(out, f32x4.mul(v128.load(out, 16 * c), inverse), 16 * c);
  }
  for (let c = 0; c < 2; ++c) { // unroll
    v128.store(out + 64, f32x4.mul(v128.load(spare, 16 * c), inverse), 16 * c);
  }
  v128.store(out, f32x4.splat(1), 96);
  for (let l = 0; l < 4; ++l) { // unroll
    const x$l = queryRow(i, token$l) + 28;
  }
  storeTransposed(v128.load(x0), v128.load(x1), v128.load(x2), v128.load(x3), x, 16);
  storeTransposed(v128.load(x0, 12), v128.load(x1, 12), v128.load(x2, 12), v128.load(x3, 12), x + 48, 16);
}
