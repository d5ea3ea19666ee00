// Slot tables: x = token embedding + position embedding takes few values, so LayerNorm 1 and q, k, v are computed once per
// (token, position) slot and step, not once per example. A group is four slots, one per lane.
import {
  D,
  DECODE_SLOTS,
  EQUALS,
  FIRST_QUERY,
  GRADIENT,
  LN1_BIAS,
  LN1_WEIGHT,
  PACKED_KV,
  PACKED_Q,
  PARAMETERS,
  PLUS,
  POS,
  POSITIONS,
  QKV,
  QKV_ROW,
  ROW7,
  SCRATCH,
  SLICE_DKV,
  SLICE_DQX,
  SLOT_DW,
  SLOT_DX,
  SLOT_DY,
  SLOT_NORMALIZED,
  SLOT_QKV,
  SLOT_ROW,
  SLOT_RSTD,
  SLOT_Y,
  T,
  TOK,
  TRAINING_GROUPS,
  TRAINING_QUERY_GROUP,
  TRAINING_SLOTS,
  ZEROS,
} from "./layout";
import { layerNormEpsilon } from "./model";
import { LN_2, LOG2_E } from "./elementary";
import { layerNorm, layerNormBackward, linear14, linear7 } from "./layers";
import { packWeights } from "./packing";
import { addTo, storeTransposed } from "./simd";
import { outerProduct, outerProductRow } from "./sums";

/** Queries are scaled once: softmax(q k / sqrt 7) is computed as 2^(q' k). */
const QUERY_SCALE: f32 = LOG2_E * 0.3779644730092272;
const INVERSE_SQRT_7: f32 = 0.3779644730092272;

/** Index of the first training slot of a position: ten digits each, but one symbol at positions 10 and 21. */
@inline
export function firstSlot(position: i32): i32 {
  return 10 * position - (position > PLUS_POSITION ? 9 : 0) - (position > FIRST_QUERY ? 9 : 0);
}

const PLUS_POSITION = 10;

/** Writes the two lists of slots, two bytes each: token, position. */
export function listSlots(): void {
  let slot = TRAINING_SLOTS;
  for (let position = 0; position < POSITIONS; ++position) {
    const symbol = position == PLUS_POSITION ? PLUS : position == FIRST_QUERY ? EQUALS : -1;
    for (let token = 0; token < 10; ++token) {
      if (symbol >= 0 && token > 0) break;
      store<u8>(slot, symbol >= 0 ? symbol : token);
      store<u8>(slot, position, 1);
      slot += 2;
    }
  }
  slot = DECODE_SLOTS;
  for (let position = 0; position < POSITIONS; ++position) {
    for (let token = 0; token < T; ++token) {
      store<u8>(slot, token);
      store<u8>(slot, position, 1);
      slot += 2;
    }
  }
  store<u32>(slot, 0); // the last group has two slots to spare
}

/** Stores fourteen vectors (14, lanes) as the rows of four slots. */
@inline
function storeRows(vectors: usize, rows: usize): void {
  // unroll
  for (let h = 0; h < 4; ++h) {
    storeTransposed(
      v128.load(vectors, 64 * h),
      v128.load(vectors, 64 * h + 16),
      v128.load(vectors, 64 * h + 32),
      v128.load(vectors, 64 * h + 48),
      rows + 16 * h,
      SLOT_ROW,
    );
  }
}

/** The inverse of {@linkcode storeRows}; writes 16 vectors. */
@inline
function loadRows(rows: usize, vectors: usize): void {
  // unroll
  for (let h = 0; h < 4; ++h) {
    storeTransposed(
      v128.load(rows, 16 * h),
      v128.load(rows, 16 * h + 64),
      v128.load(rows, 16 * h + 128),
      v128.load(rows, 16 * h + 192),
      vectors + 64 * h,
      16,
    );
  }
}

/** x = token embedding + position embedding of four slots; out: (7, lanes). */
@inline
function embed(slots: usize, out: usize): void {
  // unroll
  for (let l = 0; l < 4; ++l) {
    const token$l = PARAMETERS + TOK * 4 + <usize> load<u8>(slots + 2 * l) * 28;
    const position$l = PARAMETERS + POS * 4 + <usize> load<u8>(slots + 2 * l + 1) * 28;
    const low$l = f32x4.add(v128.load(token$l), v128.load(position$l));
    const high$l = f32x4.add(v128.load(token$l + 12), v128.load(position$l + 12)); // features 3 … 6
  }
  storeTransposed(low0, low1, low2, low3, out, 16);
  storeTransposed(high0, high1, high2, high3, out + 48, 16);
}

/**
 * Fills the tables of K, V and, from `queryGroup` on, of Q and x, for a list of slots.
 * Must equal `layerNorm` and the qkv projection of src/engine/reference.
 */
export function slotsForward(w: usize, slots: usize, groups: i32, queryGroup: i32, kvRows: usize, qxRows: usize): void {
  const epsilon = f32x4.splat(layerNormEpsilon);
  const vectors = w + SCRATCH; // (16)
  for (let g = 0; g < groups; ++g) {
    embed(slots + g * 8, vectors);
    layerNorm(
      vectors,
      PARAMETERS + LN1_WEIGHT * 4,
      PARAMETERS + LN1_BIAS * 4,
      epsilon,
      SLOT_NORMALIZED + g * ROW7,
      SLOT_RSTD + g * 16,
      SLOT_Y + g * ROW7,
    );
  }
  packWeights();
  linear7(PACKED_KV, SLOT_Y, ROW7, 0, 0, SLOT_QKV + ROW7, QKV_ROW, groups);
  linear7(PACKED_KV + 28, SLOT_Y, ROW7, 0, 0, SLOT_QKV + 2 * ROW7, QKV_ROW, groups);
  const queryGroups = groups - queryGroup;
  linear7(PACKED_Q, SLOT_Y + queryGroup * ROW7, ROW7, 0, 0, SLOT_QKV + queryGroup * QKV_ROW, QKV_ROW, queryGroups);
  for (let g = 0; g < groups; ++g) storeRows(SLOT_QKV + ROW7 + g * QKV_ROW, kvRows + g * 4 * SLOT_ROW);
  const scale = f32x4.splat(QUERY_SCALE);
  for (let g = queryGroup; g < groups; ++g) {
    // unroll
    for (let c = 0; c < 7; ++c) {
      v128.store(vectors, f32x4.mul(v128.load(SLOT_QKV + g * QKV_ROW, 16 * c), scale), 16 * c);
    }
    embed(slots + g * 8, vectors + ROW7);
    storeRows(vectors, qxRows + (g - queryGroup) * 4 * SLOT_ROW);
  }
}

/**
 * Backward of {@linkcode slotsForward} for the training slots: from the gradients of their rows, summed over the batch, to the gradients
 * of wqkv, LayerNorm 1 and x. `slice`: the slice that holds the sums.
 */
export function slotsBackward(w: usize, slice: usize): void {
  const vectors = w + SCRATCH; // (16)
  // scores are in units of log 2: forward, k met a query that was scaled by log2(e) / sqrt(7)
  const keyScale = f32x4.splat(LN_2);
  const queryScale = f32x4.splat(INVERSE_SQRT_7);
  for (let g = 0; g < TRAINING_GROUPS; ++g) {
    const dqkv: usize = SLOT_QKV + g * QKV_ROW;
    loadRows(slice + SLICE_DKV + g * 4 * SLOT_ROW, vectors);
    // unroll
    for (let c = 0; c < 7; ++c) {
      v128.store(dqkv + ROW7, f32x4.mul(v128.load(vectors, 16 * c), keyScale), 16 * c);
      v128.store(dqkv + 2 * ROW7, v128.load(vectors + ROW7, 16 * c), 16 * c);
    }
    if (g >= TRAINING_QUERY_GROUP) {
      loadRows(slice + SLICE_DQX + (g - TRAINING_QUERY_GROUP) * 4 * SLOT_ROW, vectors);
      // unroll
      for (let c = 0; c < 7; ++c) {
        v128.store(dqkv, f32x4.mul(v128.load(vectors, 16 * c), queryScale), 16 * c);
      }
    }
  }
  const queryGroups = TRAINING_GROUPS - TRAINING_QUERY_GROUP;
  const dQueries: usize = SLOT_QKV + TRAINING_QUERY_GROUP * QKV_ROW;
  const dyQueries: usize = SLOT_DY + TRAINING_QUERY_GROUP * ROW7;
  linear14(PARAMETERS + (QKV + 49) * 4, SLOT_QKV + ROW7, QKV_ROW, 0, 0, SLOT_DY, ROW7, TRAINING_GROUPS);
  linear7(PACKED_Q + 28, dQueries, QKV_ROW, dyQueries, ROW7, dyQueries, ROW7, queryGroups);

  const dx = vectors; // (7), over the first half of the gradients of q and x
  const dWeight: usize = SLOT_DW + 147 * 16;
  memory.fill(SLOT_DW, 0, (147 + 14) * 16);
  memory.fill(w + ZEROS, 0, ROW7);
  for (let g = 0; g < TRAINING_GROUPS; ++g) {
    const hasQueries = g >= TRAINING_QUERY_GROUP;
    if (hasQueries) loadRows(slice + SLICE_DQX + (g - TRAINING_QUERY_GROUP) * 4 * SLOT_ROW, vectors);
    layerNormBackward(
      SLOT_DY + g * ROW7,
      SLOT_NORMALIZED + g * ROW7,
      SLOT_RSTD + g * 16,
      PARAMETERS + LN1_WEIGHT * 4,
      hasQueries ? vectors + ROW7 : w + ZEROS,
      dx,
      dWeight,
      dWeight + ROW7,
    );
    const rows: usize = SLOT_DX + g * 4 * 32;
    storeTransposed(v128.load(dx), v128.load(dx + 16), v128.load(dx + 32), v128.load(dx + 48), rows, 32);
    storeTransposed(v128.load(dx + 64), v128.load(dx + 80), v128.load(dx + 96), f32x4.splat(0), rows + 16, 32);
  }
  // rows 0 … 5 and 6 belong to q, which only the groups with queries have; rows 7 and 8 … 20 to k and v
  const yQueries: usize = SLOT_Y + TRAINING_QUERY_GROUP * ROW7;
  for (let r = 0; r < 6; r += 2) {
    outerProduct(dQueries + r * 16, 16, QKV_ROW, yQueries, ROW7, queryGroups / 2, SLOT_DW + r * ROW7, ROW7, true);
  }
  outerProductRow(dQueries + 96, QKV_ROW, yQueries, ROW7, queryGroups, SLOT_DW + 6 * ROW7);
  for (let r = 7; r < 21; r += 2) {
    outerProduct(SLOT_QKV + r * 16, 16, QKV_ROW, SLOT_Y, ROW7, TRAINING_GROUPS / 2, SLOT_DW + r * ROW7, ROW7, true);
  }
}

/** Writes the gradients of the embeddings: dL/dx of every slot belongs to its token and to its position. Adds to those of the tokens. */
export function embeddingsBackward(w: usize, scale: f32): void {
  // (14 + 33) rows of eight floats
  const tokens = w;
  const positions = tokens + T * 32;
  memory.fill(tokens, 0, (T + POSITIONS) * 32);
  for (let slot = 0; slot < TRAINING_GROUPS * 4; ++slot) {
    const low = v128.load(SLOT_DX + slot * 32);
    const high = v128.load(SLOT_DX + slot * 32 + 16);
    const token = tokens + <usize> load<u8>(TRAINING_SLOTS + slot * 2) * 32;
    const position = positions + <usize> load<u8>(TRAINING_SLOTS + slot * 2 + 1) * 32;
    addTo(token, low);
    addTo(token + 16, high);
    addTo(position, low);
    addTo(position + 16, high);
  }
  for (let t = 0; t < T; ++t) {
    for (let c = 0; c < D; ++c) {
      const to: usize = GRADIENT + (TOK + t * D + c) * 4;
      store<f32>(to, load<f32>(to) + load<f32>(tokens + t * 32 + c * 4) * scale);
    }
  }
  for (let p = 0; p < POSITIONS; ++p) {
    for (let c = 0; c < D; ++c) {
      store<f32>(GRADIENT + (POS + p * D + c) * 4, load<f32>(positions + p * 32 + c * 4) * scale);
    }
  }
}
