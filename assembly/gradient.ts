// The loss of a batch and its gradient: tiles into slices, slices into one, lanes into numbers.
import {
  D,
  F,
  GRADIENT,
  LN1_BIAS,
  LN1_WEIGHT,
  LN2_BIAS,
  LN2_WEIGHT,
  LNF_BIAS,
  LNF_WEIGHT,
  MAX_SLICES,
  PADDED,
  PROJECTION,
  QKV,
  QUERIES,
  ROW7,
  SLICE_DLN2,
  SLICE_DLNF,
  SLICE_DPROJECTION,
  SLICE_DTOK,
  SLICE_DW1,
  SLICE_DW2,
  SLICE_LOSS,
  SLICE_SIZE,
  SLICES,
  SLOT_DW,
  SLOT_KV,
  SLOT_QX,
  TOK,
  TRAINING_GROUPS,
  TRAINING_QUERY_GROUP,
  TRAINING_SLOTS,
  W1,
  W2,
} from "./layout";
import { attentionBackwardTile, attentionForwardTile, gatherTile } from "./attention";
import {
  crossEntropy,
  geluForward,
  hiddenBackward,
  hiddenForward,
  logitsBackward,
  logitsForward,
  projectionBackward,
  projectionForward,
  weightGradients,
} from "./feed_forward";
import { finalNorm } from "./model";
import { sumLanes } from "./simd";
import { embeddingsBackward, slotsBackward, slotsForward } from "./slots";

/**
 * Into how many slices a batch of so many tiles is cut. Gradients are summed within each slice in the order of its tiles, then slice
 * by slice, so the bytes of the result depend on the batch alone, not on who computed which slice.
 */
@inline
export function sliceCount(tiles: i32): i32 {
  return tiles < 4 ? 1 : min(MAX_SLICES, max(2, tiles / 8));
}

/** Fills the tables of the training slots. */
export function prepareSlots(w: usize): void {
  slotsForward(w, TRAINING_SLOTS, TRAINING_GROUPS, TRAINING_QUERY_GROUP, SLOT_KV, SLOT_QX);
}

/** Everything from tokens to logits, for one tile. */
export function forwardTile(w: usize): void {
  gatherTile(w);
  attentionForwardTile(w);
  projectionForward(w, QUERIES);
  hiddenForward(w, QUERIES);
  geluForward(w, QUERIES);
  logitsForward(w, QUERIES);
}

/** Loss and gradients of one tile, added to a slice. */
export function accumulateTile(w: usize, slice: usize): void {
  forwardTile(w);
  crossEntropy(w, slice);
  logitsBackward(w, slice);
  hiddenBackward(w);
  projectionBackward(w, slice);
  weightGradients(w, slice);
  attentionBackwardTile(w, slice);
}

/** Adds the other slices to the first one. */
export function reduceSlices(slices: i32): void {
  for (let s = 1; s < slices; ++s) {
    let from = SLICES + s * SLICE_SIZE;
    for (let to = SLICES; to < SLICES + SLICE_SIZE; to += 16) {
      v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
      from += 16;
    }
  }
}

/** Sums `count` vectors over their lanes into floats. */
function sumRows(vectors: usize, count: i32, scale: f32, out: usize): void {
  for (let i = 0; i < count; ++i) {
    store<f32>(out + i * 4, sumLanes(v128.load(vectors + i * 16)) * scale);
  }
}

/** Turns the first slice, in which all is summed, into the gradient of the mean over `targets` predictions; returns the mean loss. */
export function finishGradient(w: usize, targets: f64): f64 {
  const scale = <f32> (1.0 / targets);
  const slice = SLICES;
  memory.fill(GRADIENT, 0, PADDED * 4);
  slotsBackward(w, slice);
  sumRows(SLOT_DW, 147, scale, GRADIENT + QKV * 4);
  sumRows(SLOT_DW + 147 * 16, D, scale, GRADIENT + LN1_WEIGHT * 4);
  sumRows(SLOT_DW + 147 * 16 + ROW7, D, scale, GRADIENT + LN1_BIAS * 4);
  sumRows(slice + SLICE_DTOK, 98, scale, GRADIENT + TOK * 4);
  sumRows(slice + SLICE_DPROJECTION, 49, scale, GRADIENT + PROJECTION * 4);
  sumRows(slice + SLICE_DLN2, D, scale, GRADIENT + LN2_WEIGHT * 4);
  sumRows(slice + SLICE_DLN2 + ROW7, D, scale, GRADIENT + LN2_BIAS * 4);
  sumRows(slice + SLICE_DW1, 98, scale, GRADIENT + W1 * 4);
  for (let r = 0; r < F; ++r) {
    for (let c = 0; c < D; ++c) {
      sumRows(slice + SLICE_DW2 + (r * D + c) * 16, 1, scale, GRADIENT + (W2 + c * F + r) * 4);
    }
  }
  if (finalNorm) {
    sumRows(slice + SLICE_DLNF, D, scale, GRADIENT + LNF_WEIGHT * 4);
    sumRows(slice + SLICE_DLNF + ROW7, D, scale, GRADIENT + LNF_BIAS * 4);
  }
  embeddingsBackward(w, scale);
  return <f64> sumLanes(v128.load(slice + SLICE_LOSS)) / targets;
}
