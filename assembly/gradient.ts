// The loss of a batch and its gradient: sums tiles into slices, slices into one, and lanes into numbers.
import {
  GRADIENT,
  MAX_SLICES,
  PADDED,
  QUERIES,
  SLICE_LOSS,
  SLICE_SIZE,
  SLICES,
  SLOT_KEYS,
  SLOT_QUERIES,
  TRAINING_GROUPS,
  TRAINING_QUERY_GROUP,
  TRAINING_SLOTS,
} from "./layout";
import { absorbBackward } from "./absorb";
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
import { sumLanes } from "./simd";
import { embeddingsBackward, slotsBackward, slotsForward } from "./slots";

/**
 * The number of slices of a batch of `tiles` tiles. Gradients are summed within each slice in the order of its tiles, then slice by slice, so the
 * bytes of the result depend on the batch alone and not on the threads.
 */
// inline
export function sliceCount(tiles: i32): i32 {
  return tiles < 4 ? 1 : min(MAX_SLICES, max(2, tiles / 8));
}

export function prepareSlots(w: usize): void {
  slotsForward(w, TRAINING_SLOTS, TRAINING_GROUPS, TRAINING_QUERY_GROUP, SLOT_KEYS, SLOT_QUERIES);
}

/** From the tokens of one tile to its logits. */
export function forwardTile(w: usize): void {
  gatherTile(w);
  attentionForwardTile(w);
  projectionForward(w, QUERIES);
  hiddenForward(w, QUERIES);
  geluForward(w, QUERIES);
  logitsForward(w, QUERIES);
}

/** Adds the loss and gradients of one tile to a slice. */
export function accumulateTile(w: usize, slice: usize): void {
  forwardTile(w);
  crossEntropy(w, slice);
  logitsBackward(w);
  hiddenBackward(w);
  projectionBackward(w);
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

/** Turns the first slice, which holds the total, into the gradient of the mean over `targets` predictions; returns the mean loss. */
export function finishGradient(w: usize, targets: f64): f64 {
  const scale = <f32> (1.0 / targets);
  const slice = SLICES;
  memory.fill(GRADIENT, 0, PADDED * 4);
  slotsBackward(w, slice);
  absorbBackward(w, slice, scale);
  embeddingsBackward(w, scale);
  return <f64> sumLanes(v128.load(slice + SLICE_LOSS)) / targets;
}
