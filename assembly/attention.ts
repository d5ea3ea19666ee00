// Causal attention of the 12 queries over up to 33 keys, forward and backward. One tile: four examples, one per lane.
import {
  D,
  DKV,
  DO,
  DO_DOT_O,
  FIRST_QUERY,
  INVERSE_SUM,
  KV,
  O,
  POSITIONS,
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
import { addTransposed, exp2, madd, outerProduct7, storeTransposed } from "./simd";
import { firstSlot } from "./slots";

/** Reads the slot rows of four lanes: (14, lanes). Writes 16 vectors: what follows must be written later. */
// @ts-ignore: decorator
@inline
export function gatherRows(row0: usize, row1: usize, row2: usize, row3: usize, to: usize): void {
  // unroll
  for (let h = 0; h < 4; ++h) {
    storeTransposed(
      v128.load(row0 + 16 * h),
      v128.load(row1 + 16 * h),
      v128.load(row2 + 16 * h),
      v128.load(row3 + 16 * h),
      to + 64 * h,
      16,
    );
  }
}

/** Address of a lane's row in the table of one position. */
// @ts-ignore: decorator
@inline
function laneRow(table: usize, tokens: usize, lane: i32): usize {
  return table + (<usize> load<u32>(tokens + 4 * lane)) * SLOT_ROW;
}

// @ts-ignore: decorator
@inline
function keyTable(position: i32): usize {
  return SLOT_KV + firstSlot(position) * SLOT_ROW;
}

/** Offset of the rows of a query position within a table of queries. */
// @ts-ignore: decorator
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
}

/**
 * One query over `count` keys. Must equal `attention` of src/engine/reference.
 *
 * query: (7, lanes), scaled so that weights are powers of two; keys: (count, 14, lanes) K and V;
 * out: weights (count, lanes), not divided by their sum; 1 / sum (lanes); output (7, lanes).
 *
 * Three passes, each within the 15 registers that V8 leaves: 7 of the query; the constants of exp2; 7 sums.
 */
export function attentionForward(query: usize, keys: usize, count: i32, weights: usize, inverseSum: usize, out: usize): void {
  // unroll
  for (let c = 0; c < D; ++c) {
    const q$c = v128.load(query + 16 * c);
  }
  let maximum = f32x4.splat(-1e30);
  let key = keys;
  const end = weights + count * 16;
  for (let to = weights; to < end; to += 16) {
    let s = f32x4.mul(q0, v128.load(key));
    // unroll
    for (let c = 1; c < D; ++c) {
      s = madd(q$c, v128.load(key + 16 * c), s);
    }
    v128.store(to, s);
    maximum = f32x4.pmax(maximum, s);
    key += ROW14;
  }
  let sum = f32x4.splat(0);
  for (let to = weights; to < end; to += 16) {
    const e = exp2(f32x4.sub(v128.load(to), maximum));
    v128.store(to, e);
    sum = f32x4.add(sum, e);
  }
  const inverse = f32x4.div(f32x4.splat(1), sum);
  v128.store(inverseSum, inverse);
  // unroll
  for (let c = 0; c < D; ++c) {
    v128.store(out + 16 * c, f32x4.splat(0));
  }
  outerProduct7(weights, 16, keys + ROW7, ROW14, count, out);
  // unroll
  for (let c = 0; c < D; ++c) {
    v128.store(out + 16 * c, f32x4.mul(v128.load(out + 16 * c), inverse));
  }
}

/** All 12 queries of a tile. */
export function attentionForwardTile(w: usize): void {
  for (let i = 0; i < QUERIES; ++i) {
    attentionForward(
      w + QX + i * ROW14,
      w + KV,
      FIRST_QUERY + 1 + i,
      w + WEIGHTS + i * WEIGHTS_ROW,
      w + INVERSE_SUM + i * 16,
      w + O + i * ROW7,
    );
  }
}

/** Adds fourteen vectors (14, lanes) to the rows that the four lanes name. */
// @ts-ignore: decorator
@inline
function scatterRows(vectors: usize, row0: usize, row1: usize, row2: usize, row3: usize): void {
  // unroll
  for (let h = 0; h < 3; ++h) {
    addTransposed(
      v128.load(vectors + 64 * h),
      v128.load(vectors + 64 * h + 16),
      v128.load(vectors + 64 * h + 32),
      v128.load(vectors + 64 * h + 48),
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
  const dkv = w + DKV;
  for (let j = 0; j < POSITIONS; ++j) {
    // key j is seen by the queries at its own position and later
    const first = j > FIRST_QUERY ? j - FIRST_QUERY : 0;
    const count = QUERIES - first;
    const column = w + WEIGHTS + first * WEIGHTS_ROW + j * 16;
    const dout = w + DO + first * ROW7;
    // unroll
    for (let c = 0; c < 14; ++c) {
      v128.store(dkv + 16 * c, f32x4.splat(0));
    }
    outerProduct7(column, WEIGHTS_ROW, dout, ROW7, count, dkv + ROW7);
    scoreGradients(w + KV + j * ROW14 + ROW7, column, dout, w + DO_DOT_O + first * 16, count);
    outerProduct7(column, WEIGHTS_ROW, w + QX + first * ROW14, ROW14, count, dkv);
    const table = slice + SLICE_DKV + firstSlot(j) * SLOT_ROW;
    const tokens = w + TILE_TOKENS + j * 16;
    scatterRows(
      dkv,
      laneRow(table, tokens, 0),
      laneRow(table, tokens, 1),
      laneRow(table, tokens, 2),
      laneRow(table, tokens, 3),
    );
  }
  for (let i = 0; i < QUERIES; ++i) {
    const dqx = w + QX + i * ROW14; // q is not needed any more, and x became its gradient
    // unroll
    for (let c = 0; c < D; ++c) {
      v128.store(dqx + 16 * c, f32x4.splat(0));
    }
    outerProduct7(w + WEIGHTS + i * WEIGHTS_ROW, 16, w + KV, ROW14, FIRST_QUERY + 1 + i, dqx);
    const table = slice + SLICE_DQX + queryRows(i);
    const tokens = w + TILE_TOKENS + (FIRST_QUERY + i) * 16;
    scatterRows(
      dqx,
      laneRow(table, tokens, 0),
      laneRow(table, tokens, 1),
      laneRow(table, tokens, 2),
      laneRow(table, tokens, 3),
    );
  }
}

/** Turns a column of weights e into score gradients e (do . v - do . o), in place. */
// @ts-ignore: decorator
@inline
function scoreGradients(value: usize, column: usize, dout: usize, dotOut: usize, count: i32): void {
  // unroll
  for (let c = 0; c < D; ++c) {
    const v$c = v128.load(value + 16 * c);
  }
  for (let i = 0; i < count; ++i) {
    let dp = f32x4.mul(v0, v128.load(dout));
    // unroll
    for (let c = 1; c < D; ++c) {
      dp = madd(v$c, v128.load(dout + 16 * c), dp);
    }
    v128.store(column, f32x4.mul(v128.load(column), f32x4.sub(dp, v128.load(dotOut))));
    column += WEIGHTS_ROW;
    dout += ROW7;
    dotOut += 16;
  }
}
