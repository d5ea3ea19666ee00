// Slot tables: x = token embedding + position embedding has few values, so a step computes LayerNorm 1 and the queries once for
// each (token, position) slot, not for each example. A group is four slots, one per lane.
import { EQUALS, FIRST_QUERY, MATRIX_ROW, N, PLUS, PLUS_POSITION, POSITIONS, ROW7, T } from "./dimensions";
import { Folded, KEY_ROW, QUERY_ROW, Slice, Slot, Tile, TRAINING_GROUPS, TRAINING_QUERY_GROUP } from "./layout";
import { embeddingGradients, foldWeights } from "./fold_weights";
import { linear7, normalize, normalizeBackward } from "./layers";
import { addTo, storeTransposed, transpose } from "./simd";
import { weightGradientRow } from "./sums";

/** The first training slot of a position: a position has ten digits, but positions 10 and 21 have one symbol. */
export function firstSlot(position: i32): i32 { // inline
  return 10 * position - (position > PLUS_POSITION ? 9 : 0) - (position > FIRST_QUERY ? 9 : 0);
}

/** Writes the two lists of slots, two bytes each: token, position. */
export function listSlots(): void {
  let slot = Slot.TRAINING;
  let decodeSlot = Slot.DECODE;
  for (let position = 0; position < POSITIONS; ++position) {
    const symbol = position == PLUS_POSITION ? PLUS : position == FIRST_QUERY ? EQUALS : -1;
    for (let token = 0; token < T; ++token) {
      store<u16>(decodeSlot, token | position << 8);
      decodeSlot += 2;
      if (symbol < 0 ? token >= 10 : token != symbol) continue;
      store<u16>(slot, token | position << 8);
      slot += 2;
    }
  }
  store<u32>(decodeSlot, 0); // the last group has two unused slots
}

/** Stores seven vectors (7, lanes) and an eighth as the first eight floats of the rows of four slots. */
function storeRows(vectors: usize, eighth: v128, rows: usize, stride: usize): void { // inline
  const high = vectors + 64;
  transpose(vectors, 16, rows, stride);
  storeTransposed(v128.load(high), v128.load(high, 16), v128.load(high, 32), eighth, rows + 16, stride);
}

/** The inverse of {@linkcode storeRows}: writes eight vectors. */
function loadRows(rows: usize, stride: usize, vectors: usize): void { // inline
  transpose(rows, stride, vectors, 16);
  transpose(rows + 16, stride, vectors + 64, 16);
}

/** x = token embedding + position embedding of four slots, as x' of fold_weights.ts; out: (8, lanes), the last one 0. */
function embed(slots: usize, out: usize): void { // inline
  for (let l = 0; l < 4; ++l) { // unroll
    const token$l = Folded.TOK + <usize> load<u8>(slots, 2 * l) * MATRIX_ROW;
    const position$l = Folded.POS + <usize> load<u8>(slots, 2 * l + 1) * MATRIX_ROW;
    const low$l = f32x4.add(v128.load(token$l), v128.load(position$l));
    const high$l = f32x4.add(v128.load(token$l, 16), v128.load(position$l, 16));
  }
  storeTransposed(low0, low1, low2, low3, out, 16);
  storeTransposed(high0, high1, high2, high3, out + 64, 16);
}

// Fills the table of keys and, from `queryGroup` on, that of queries and x, for a list of slots. Must equal `layerNorm` and the qkv
// projection of src/engine/reference, folded as in fold_weights.ts.
export function slotsForward(w: usize, slots: usize, groups: i32, queryGroup: i32, keys: usize, queries: usize): void {
  const vectors = w + Tile.SCRATCH; // (8)
  foldWeights();
  for (let g = 0; g < groups; ++g) {
    const normalized: usize = Slot.NORMALIZED + g * ROW7;
    embed(slots + g * 8, vectors);
    normalize(vectors, Slot.RSTD + g * 16, normalized);
    storeRows(normalized, f32x4.splat(0), keys + g * 4 * KEY_ROW, KEY_ROW);
  }
  const queryVectors = Slot.DQUERY; // free until the backward pass
  linear7(Folded.QUERY, Slot.NORMALIZED + queryGroup * ROW7, ROW7, 0, queryVectors, ROW7, groups - queryGroup);
  for (let g = queryGroup; g < groups; ++g) {
    const rows = queries + (g - queryGroup) * 4 * QUERY_ROW;
    embed(slots + g * 8, vectors);
    // the seventh float of a row is 0; x starts at the eighth
    storeRows(queryVectors + (g - queryGroup) * ROW7, v128.load(vectors), rows, QUERY_ROW);
    storeRows(vectors, f32x4.splat(0), rows + 28, QUERY_ROW);
  }
}

// Backward of `slotsForward` for the training slots: from the gradients of their rows, summed over the batch in `slice`, to those of
// the folded query and of x.
export function slotsBackward(w: usize, slice: usize): void {
  const vectors = w + Tile.SCRATCH; // (8)
  // each call writes one vector too many, which the next group overwrites
  for (let g = 0; g < TRAINING_GROUPS; ++g) {
    loadRows(slice + Slice.DKEYS + g * 4 * KEY_ROW, KEY_ROW, Slot.DNORMALIZED + g * ROW7);
  }
  const queryGroups = TRAINING_GROUPS - TRAINING_QUERY_GROUP;
  for (let g = 0; g < queryGroups; ++g) {
    loadRows(slice + Slice.DQUERIES + g * 4 * QUERY_ROW, QUERY_ROW, Slot.DQUERY + g * ROW7);
  }
  const normalized: usize = Slot.NORMALIZED + TRAINING_QUERY_GROUP * ROW7;
  const dNormalized: usize = Slot.DNORMALIZED + TRAINING_QUERY_GROUP * ROW7;
  // forward: query = C (normalized, 1)
  const product = w + Tile.DKV;
  linear7(Folded.QUERY_BACK, Slot.DQUERY, ROW7, 0, product, ROW7, queryGroups);
  for (let at = 0; at < queryGroups * ROW7; at += 16) addTo(dNormalized + at, v128.load(product + at));
  memory.fill(Slot.DFOLDED_QUERY, 0, N * ROW7);
  for (let r = 0; r < N; ++r) {
    weightGradientRow(Slot.DQUERY + r * 16, ROW7, normalized, ROW7, queryGroups, Slot.DFOLDED_QUERY + r * ROW7);
  }
  memory.fill(w + Tile.ZEROS, 0, ROW7);
  for (let g = 0; g < TRAINING_GROUPS; ++g) {
    const hasQueries = g >= TRAINING_QUERY_GROUP;
    if (hasQueries) {
      loadRows(slice + Slice.DQUERIES + (g - TRAINING_QUERY_GROUP) * 4 * QUERY_ROW + 28, QUERY_ROW, vectors);
    }
    const dx = hasQueries ? vectors : w + Tile.ZEROS;
    normalizeBackward(Slot.DNORMALIZED + g * ROW7, Slot.NORMALIZED + g * ROW7, Slot.RSTD + g * 16, dx, vectors);
    storeRows(vectors, f32x4.splat(0), Slot.DX + g * 4 * MATRIX_ROW, MATRIX_ROW);
  }
}

/** Adds to the gradients of the embeddings: dL/dx of a slot counts for its token and for its position. */
export function embeddingsBackward(w: usize, scale: f32): void {
  // (14 + 33) rows of eight floats, in the coordinates of fold_weights.ts
  const sums = w;
  memory.fill(sums, 0, T * MATRIX_ROW);
  let slot = 0;
  for (let position = 0; position < POSITIONS; ++position) {
    let low = f32x4.splat(0);
    let high = f32x4.splat(0);
    for (const end = firstSlot(position + 1); slot < end; ++slot) {
      const dx: usize = Slot.DX + slot * MATRIX_ROW;
      const token = sums + <usize> load<u8>(Slot.TRAINING + slot * 2) * MATRIX_ROW;
      addTo(token, v128.load(dx));
      addTo(token + 16, v128.load(dx, 16));
      low = f32x4.add(low, v128.load(dx));
      high = f32x4.add(high, v128.load(dx, 16));
    }
    v128.store(sums + (T + position) * MATRIX_ROW, low);
    v128.store(sums + (T + position) * MATRIX_ROW, high, 16);
  }
  embeddingGradients(sums, scale, sums + (T + POSITIONS) * MATRIX_ROW);
}
