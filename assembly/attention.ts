// Causal attention of the 12 queries over up to 33 keys, forward and backward. One tile: four examples, one per lane.
import {
  D,
  DKV,
  DO,
  DO_DOT_O,
  FIRST_QUERY,
  INVERSE_SUM,
  KEYS,
  KV,
  O,
  POSITIONS,
  PROMPT,
  QUERIES,
  QX,
  ROW14,
  ROW7,
  SLICE_DKV,
  SLICE_DQX,
  SLOT_KV,
  SLOT_QX,
  SLOT_ROW,
  TILE_TOKENS,
  TRAINING_QUERY_GROUP,
  WEIGHTS,
  WEIGHTS_ROW,
} from "./layout";
import { exp2Share, storeShares } from "./elementary";
import { addTransposed, madd, storeTransposed } from "./simd";
import { firstSlot } from "./slots";
import { firstQuery, outerProductRow, sumsOverKeys, sumsOverQueries, touchQueries } from "./sums";

/** Reads the slot rows of four lanes: (14, lanes). Writes 16 vectors: what follows must be written later. */
@inline
export function gatherRows(row0: usize, row1: usize, row2: usize, row3: usize, to: usize): void {
  // unroll
  for (let h = 0; h < 4; ++h) {
    storeTransposed(
      v128.load(row0, 16 * h),
      v128.load(row1, 16 * h),
      v128.load(row2, 16 * h),
      v128.load(row3, 16 * h),
      to + 64 * h,
      16,
    );
  }
}

/** Address of a lane's row in the table of one position. */
@inline
function laneRow(table: usize, tokens: usize, lane: i32): usize {
  return table + (<usize> load<u32>(tokens + 4 * lane)) * SLOT_ROW;
}

@inline
function keyTable(position: i32): usize {
  return SLOT_KV + firstSlot(position) * SLOT_ROW;
}

/** Offset of the rows of a query position within a table of queries. */
@inline
function queryRows(i: i32): usize {
  return (firstSlot(FIRST_QUERY + i) - TRAINING_QUERY_GROUP * 4) * SLOT_ROW;
}

/** Fetches K, V of the 33 positions and q, x of the 12 queries from the slot tables. */
export function gatherTile(w: usize): void {
  for (let p = 0; p < POSITIONS; ++p) {
    const table = keyTable(p);
    const tokens = w + TILE_TOKENS + p * 16;
    gatherRows(
      laneRow(table, tokens, 0),
      laneRow(table, tokens, 1),
      laneRow(table, tokens, 2),
      laneRow(table, tokens, 3),
      w + KV + p * ROW14,
    );
  }
  for (let i = 0; i < QUERIES; ++i) {
    const table: usize = SLOT_QX + queryRows(i);
    const tokens = w + TILE_TOKENS + (FIRST_QUERY + i) * 16;
    gatherRows(
      laneRow(table, tokens, 0),
      laneRow(table, tokens, 1),
      laneRow(table, tokens, 2),
      laneRow(table, tokens, 3),
      w + QX + i * ROW14,
    );
  }
  memory.fill(w + KV + POSITIONS * ROW14, 0, ROW14); // gathering a row writes two vectors into the next one
}

/**
 * Eight dot products of seven elements, 4 rows a by 2 rows b: out[i][j] = a[i] . b[j].
 * Forward these are the scores of four queries and two keys. Backward (`gradient`), with a the gradients of the outputs and b two values,
 * they are turned into score gradients: out[i][j] *= a[i] . b[j] - dot[i].
 */
@inline
function dotTile(a: usize, aRow: usize, b: usize, bRow: usize, out: usize, gradient: bool, dot: usize): void {
  // unroll
  for (let i = 0; i < 4; ++i) {
    let s$i = f32x4.splat(0);
    let t$i = f32x4.splat(0);
  }
  // unroll
  for (let c = 0; c < D; ++c) {
    const b$c = v128.load(b, 16 * c);
    const e$c = v128.load(b + bRow, 16 * c);
    // unroll
    for (let i = 0; i < 4; ++i) {
      const a$c$i = v128.load(a + i * aRow, 16 * c);
      s$i = madd(a$c$i, b$c, s$i);
      t$i = madd(a$c$i, e$c, t$i);
    }
  }
  // unroll
  for (let i = 0; i < 4; ++i) {
    const at$i = out + i * WEIGHTS_ROW;
    if (gradient) {
      const dot$i = v128.load(dot, 16 * i);
      v128.store(at$i, f32x4.mul(v128.load(at$i), f32x4.sub(s$i, dot$i)));
      v128.store(at$i, f32x4.mul(v128.load(at$i, 16), f32x4.sub(t$i, dot$i)), 16);
    } else {
      v128.store(at$i, s$i);
      v128.store(at$i, t$i, 16);
    }
  }
}

/** `count` scores of one query: out[j] = query . key[j]. */
@inline
function scoreRow(query: usize, keys: usize, count: i32, out: usize): void {
  // unroll
  for (let c = 0; c < D; ++c) {
    const q$c = v128.load(query, 16 * c);
  }
  for (let j = 0; j < count; ++j) {
    let s = f32x4.mul(q0, v128.load(keys));
    // unroll
    for (let c = 1; c < D; ++c) {
      s = madd(q$c, v128.load(keys, 16 * c), s);
    }
    v128.store(out, s);
    keys += ROW14;
    out += 16;
  }
}

/**
 * The largest of the prompt's scores and of those after them up to `end`, in four chains: a single one waits for each of its links (measured: training is
 * 1.02 times faster).
 */
@inline
function largestScore(scores: usize, end: usize): v128 {
  // unroll
  for (let m = 0; m < 4; ++m) {
    let n$m = v128.load(scores, 16 * m);
  }
  // unroll
  for (let j = 1; j < 5; ++j) {
    // unroll
    for (let m = 0; m < 4; ++m) {
      n$m = f32x4.pmax(n$m, v128.load(scores, 64 * j + 16 * m));
    }
  }
  n0 = f32x4.pmax(n0, v128.load(scores, 16 * 20));
  n1 = f32x4.pmax(n1, v128.load(scores, 16 * 21));
  for (let at = scores + PROMPT * 16; at < end; at += 16) n2 = f32x4.pmax(n2, v128.load(at));
  return f32x4.pmax(f32x4.pmax(n0, n1), f32x4.pmax(n2, n3));
}

/** Turns `count` scores into weights 2^(score - max), not divided by their sum; stores 1 / sum. */
@inline
function softmaxRow(weights: usize, count: i32, inverseSum: usize): void {
  const end = weights + count * 16;
  const maximum = largestScore(weights, end);
  let sum = f32x4.splat(0);
  const lastPair = end - 16;
  let at = weights;
  for (; at < lastPair; at += 32) {
    const pair = storeShares(f32x4.sub(v128.load(at), maximum), f32x4.sub(v128.load(at, 16), maximum), at);
    sum = f32x4.add(sum, pair);
  }
  if (at < end) {
    const e = exp2Share(f32x4.sub(v128.load(at), maximum));
    v128.store(at, e);
    sum = f32x4.add(sum, e);
  }
  v128.store(inverseSum, f32x4.div(f32x4.splat(1), sum));
}

/** Multiplies seven vectors by one. */
@inline
function scaleRow(row: usize, factor: v128): void {
  // unroll
  for (let c = 0; c < D; ++c) {
    v128.store(row, f32x4.mul(v128.load(row, 16 * c), factor), 16 * c);
  }
}

/**
 * One query over `count` keys. Must equal `attention` of src/engine/reference.
 *
 * query: (7, lanes), scaled so that weights are powers of two; keys: (count, 14, lanes) K and V;
 * out: weights (count, lanes), not divided by their sum; 1 / sum (lanes); output (7, lanes).
 */
export function attentionForward(
  query: usize,
  keys: usize,
  count: i32,
  weights: usize,
  inverseSum: usize,
  out: usize,
): void {
  scoreRow(query, keys, count, weights);
  softmaxRow(weights, count, inverseSum);
  memory.fill(out, 0, ROW7);
  outerProductRow(weights, 16, keys + ROW7, ROW14, count, out);
  scaleRow(out, v128.load(inverseSum));
}

/**
 * {@linkcode attentionForward} for all 12 queries of a tile. Keys are taken in pairs and queries in fours or twos; what a query may not see but its
 * neighbour does has the weight 0.
 */
export function attentionForwardTile(w: usize): void {
  scoresForward(w);
  const zero = f32x4.splat(0);
  for (let i = 0; i < QUERIES; ++i) {
    const weights = w + WEIGHTS + i * WEIGHTS_ROW;
    softmaxRow(weights, PROMPT + i, w + INVERSE_SUM + i * 16);
    v128.store(weights + (PROMPT + i) * 16, zero);
    if (i % 2 == 0) v128.store(weights + (PROMPT + i + 1) * 16, zero);
  }
  sumsOverKeys(w, w + KV + ROW7, w + O, ROW7);
  for (let i = 0; i < QUERIES; ++i) scaleRow(w + O + i * ROW7, v128.load(w + INVERSE_SUM + i * 16));
}

/** The scores of all queries and keys: q_i . k_j. */
function scoresForward(w: usize): void {
  touchQueries(w + QX, ROW14);
  for (let j = 0; j < KEYS; j += 2) {
    const key = w + KV + j * ROW14;
    const to = w + WEIGHTS + j * 16;
    // unroll
    for (let b = 0; b < 3; ++b) {
      if (firstQuery(j) < 4 * b + 4) {
        dotTile(w + QX + 4 * b * ROW14, ROW14, key, ROW14, to + 4 * b * WEIGHTS_ROW, false, 0);
      }
    }
  }
}

/** Adds fourteen vectors (14, lanes) to the rows of a position's table that the tokens of four lanes name. */
@inline
function scatterRows(vectors: usize, table: usize, tokens: usize): void {
  const row0 = laneRow(table, tokens, 0);
  const row1 = laneRow(table, tokens, 1);
  const row2 = laneRow(table, tokens, 2);
  const row3 = laneRow(table, tokens, 3);
  // unroll
  for (let h = 0; h < 3; ++h) {
    addTransposed(
      v128.load(vectors, 64 * h),
      v128.load(vectors, 64 * h + 16),
      v128.load(vectors, 64 * h + 32),
      v128.load(vectors, 64 * h + 48),
      row0,
      row1,
      row2,
      row3,
      16 * h,
    );
  }
  const zero = f32x4.splat(0);
  addTransposed(v128.load(vectors + 192), v128.load(vectors + 208), zero, zero, row0, row1, row2, row3, 48);
}

/**
 * Backward of {@linkcode attentionForwardTile}, and of the gathers: adds to the slot rows of a slice.
 *
 * With weights p = e / sum, forward was o = sum_j p_j v_j. The gradient of o comes divided by the sum (DO), so that e can stand for p:
 * dv_j = sum_i e_ij do_i; score gradient ds_ij = e_ij (do_i . v_j - do_i . o_i); dk_j = sum_i ds_ij q_i; dq_i = sum_j ds_ij k_j.
 */
export function attentionBackwardTile(w: usize, slice: usize): void {
  sumsOverQueries(w, w + DO, w + DKV + ROW7);
  scoresBackward(w);
  sumsOverQueries(w, w + QX, w + DKV);
  for (let j = 0; j < POSITIONS; ++j) {
    scatterRows(w + DKV + j * ROW14, slice + SLICE_DKV + firstSlot(j) * SLOT_ROW, w + TILE_TOKENS + j * 16);
  }
  // q is not needed any more, and x became its gradient: rows of QX turn into (dq, dx)
  sumsOverKeys(w, w + KV, w + QX, ROW14);
  for (let i = 0; i < QUERIES; ++i) {
    scatterRows(w + QX + i * ROW14, slice + SLICE_DQX + queryRows(i), w + TILE_TOKENS + (FIRST_QUERY + i) * 16);
  }
}

/** Turns the weights e into score gradients e (do . v - do . o), in place. */
function scoresBackward(w: usize): void {
  touchQueries(w + DO, ROW14);
  // unroll
  for (let i = 0; i < 12; ++i) {
    v128.load(w + DO_DOT_O, 16 * i);
  }
  for (let j = 0; j < KEYS; j += 2) {
    const value = w + KV + ROW7 + j * ROW14;
    const to = w + WEIGHTS + j * 16;
    // unroll
    for (let b = 0; b < 3; ++b) {
      if (firstQuery(j) < 4 * b + 4) {
        dotTile(w + DO + 4 * b * ROW14, ROW14, value, ROW14, to + 4 * b * WEIGHTS_ROW, true, w + DO_DOT_O + 4 * b * 16);
      }
    }
  }
}
