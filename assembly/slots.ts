// Slot tables: x = token embedding + position embedding has few values, so LayerNorm 1 and the queries are computed once for each (token, position) slot in
// a step, not once for each example. A group is four slots, one per lane.
import {
  ABSORBED_QUERY,
  DECODE_SLOTS,
  EQUALS,
  FIRST_QUERY,
  KEY_ROW,
  MATRIX_ROW,
  N,
  PLACES,
  PLUS,
  POSITIONS,
  QUERY_ROW,
  ROW7,
  SCRATCH,
  SLICE_DKEYS,
  SLICE_DQUERIES,
  SLOT_DABSORBED,
  SLOT_DNORMALIZED,
  SLOT_DQUERY,
  SLOT_DX,
  SLOT_NORMALIZED,
  SLOT_RSTD,
  T,
  TOKENS,
  TRAINING_GROUPS,
  TRAINING_QUERY_GROUP,
  TRAINING_SLOTS,
  ZEROS,
} from "./layout";
import { layerNormEpsilon } from "./model";
import { absorbWeights, embeddingGradients } from "./absorb";
import { linear7, normalize, normalizeBackward } from "./layers";
import { addTo, storeTransposed } from "./simd";
import { outerProduct } from "./sums";

/** The first training slot of a position: a position has ten digits, but positions 10 and 21 have one symbol. */
// inline
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
  store<u32>(slot, 0); // the last group has two unused slots
}

/** Stores seven vectors (7, lanes) and an eighth as the first eight floats of the rows of four slots. */
// inline
function storeRows(vectors: usize, eighth: v128, rows: usize, stride: usize): void {
  const low = vectors + 64;
  storeTransposed(
    v128.load(vectors),
    v128.load(vectors, 16),
    v128.load(vectors, 32),
    v128.load(vectors, 48),
    rows,
    stride,
  );
  storeTransposed(v128.load(low), v128.load(low, 16), v128.load(low, 32), eighth, rows + 16, stride);
}

/** The inverse of {@linkcode storeRows}: writes eight vectors. */
// inline
function loadRows(rows: usize, stride: usize, vectors: usize): void {
  // unroll
  for (let h = 0; h < 2; ++h) {
    storeTransposed(
      v128.load(rows, 16 * h),
      v128.load(rows + stride, 16 * h),
      v128.load(rows + 2 * stride, 16 * h),
      v128.load(rows + 3 * stride, 16 * h),
      vectors + 64 * h,
      16,
    );
  }
}

/** x = token embedding + position embedding of four slots, in the coordinates of absorb.ts; out: (8, lanes), the last one 0. */
// inline
function embed(slots: usize, out: usize): void {
  // unroll
  for (let l = 0; l < 4; ++l) {
    const token$l = TOKENS + <usize> load<u8>(slots + 2 * l) * MATRIX_ROW;
    const place$l = PLACES + <usize> load<u8>(slots + 2 * l + 1) * MATRIX_ROW;
    const low$l = f32x4.add(v128.load(token$l), v128.load(place$l));
    const high$l = f32x4.add(v128.load(token$l, 16), v128.load(place$l, 16));
  }
  storeTransposed(low0, low1, low2, low3, out, 16);
  storeTransposed(high0, high1, high2, high3, out + 64, 16);
}

/**
 * Fills the table of keys and, from `queryGroup` on, that of queries and x, for a list of slots; keys: rows KEY_ROW apart, queries: rows QUERY_ROW apart.
 * Must equal `layerNorm` and the qkv projection of src/engine/reference, folded as in absorb.ts.
 */
export function slotsForward(w: usize, slots: usize, groups: i32, queryGroup: i32, keys: usize, queries: usize): void {
  const epsilon = f32x4.splat(layerNormEpsilon);
  const vectors = w + SCRATCH; // (8)
  absorbWeights(vectors);
  for (let g = 0; g < groups; ++g) {
    const normalized: usize = SLOT_NORMALIZED + g * ROW7;
    embed(slots + g * 8, vectors);
    normalize(vectors, epsilon, SLOT_RSTD + g * 16, normalized);
    storeRows(normalized, f32x4.splat(0), keys + g * 4 * KEY_ROW, KEY_ROW);
  }
  const queryVectors = SLOT_DQUERY; // free until the backward pass
  linear7(ABSORBED_QUERY, SLOT_NORMALIZED + queryGroup * ROW7, ROW7, 0, 0, queryVectors, ROW7, groups - queryGroup);
  for (let g = queryGroup; g < groups; ++g) {
    const rows = queries + (g - queryGroup) * 4 * QUERY_ROW;
    embed(slots + g * 8, vectors);
    // the seventh float of a row is 0; x starts at the eighth
    storeRows(queryVectors + (g - queryGroup) * ROW7, v128.load(vectors), rows, QUERY_ROW);
    storeRows(vectors, f32x4.splat(0), rows + 28, QUERY_ROW);
  }
}

/**
 * Backward of {@linkcode slotsForward} for the training slots: from the gradients of their rows, summed over the batch in `slice`, to the gradients of the
 * folded query and of x.
 */
export function slotsBackward(w: usize, slice: usize): void {
  const vectors = w + SCRATCH; // (8)
  // each call writes one vector too many, which the next group overwrites
  for (let g = 0; g < TRAINING_GROUPS; ++g) {
    loadRows(slice + SLICE_DKEYS + g * 4 * KEY_ROW, KEY_ROW, SLOT_DNORMALIZED + g * ROW7);
  }
  const queryGroups = TRAINING_GROUPS - TRAINING_QUERY_GROUP;
  for (let g = 0; g < queryGroups; ++g) {
    loadRows(slice + SLICE_DQUERIES + g * 4 * QUERY_ROW, QUERY_ROW, SLOT_DQUERY + g * ROW7);
  }
  const normalized: usize = SLOT_NORMALIZED + TRAINING_QUERY_GROUP * ROW7;
  const dNormalized: usize = SLOT_DNORMALIZED + TRAINING_QUERY_GROUP * ROW7;
  // forward: query = C (normalized, 1)
  linear7(ABSORBED_QUERY + 28, SLOT_DQUERY, ROW7, dNormalized, ROW7, dNormalized, ROW7, queryGroups);
  for (let r = 0; r < N; r += 2) {
    outerProduct(SLOT_DQUERY + r * 16, ROW7, normalized, ROW7, queryGroups / 2, SLOT_DABSORBED + r * ROW7);
  }
  memory.fill(w + ZEROS, 0, ROW7);
  for (let g = 0; g < TRAINING_GROUPS; ++g) {
    const hasQueries = g >= TRAINING_QUERY_GROUP;
    if (hasQueries) {
      loadRows(slice + SLICE_DQUERIES + (g - TRAINING_QUERY_GROUP) * 4 * QUERY_ROW + 28, QUERY_ROW, vectors);
    }
    const dx = hasQueries ? vectors : w + ZEROS;
    normalizeBackward(SLOT_DNORMALIZED + g * ROW7, SLOT_NORMALIZED + g * ROW7, SLOT_RSTD + g * 16, dx, vectors);
    storeRows(vectors, f32x4.splat(0), SLOT_DX + g * 4 * MATRIX_ROW, MATRIX_ROW);
  }
}

/** Adds to the gradients of the embeddings: dL/dx of a slot counts for its token and for its position. */
export function embeddingsBackward(w: usize, scale: f32): void {
  // (14 + 33) rows of eight floats, in the coordinates of absorb.ts
  const sums = w;
  memory.fill(sums, 0, (T + POSITIONS) * MATRIX_ROW);
  for (let slot = 0; slot < TRAINING_GROUPS * 4; ++slot) {
    const low = v128.load(SLOT_DX + slot * MATRIX_ROW);
    const high = v128.load(SLOT_DX + slot * MATRIX_ROW + 16);
    const token = sums + <usize> load<u8>(TRAINING_SLOTS + slot * 2) * MATRIX_ROW;
    const position = sums + (T + <usize> load<u8>(TRAINING_SLOTS + slot * 2 + 1)) * MATRIX_ROW;
    addTo(token, low);
    addTo(token + 16, high);
    addTo(position, low);
    addTo(position + 16, high);
  }
  embeddingGradients(sums, scale, sums + (T + POSITIONS) * MATRIX_ROW);
}
