// The loss of a batch and its gradient: sums tiles into slices, slices into one, and lanes into numbers.
import { QUERIES } from "./dimensions";
import { FLAT, GRADIENT, MAX_SLICES, Slice, SLICES, Slot, TRAINING_GROUPS, TRAINING_QUERY_GROUP } from "./layout";
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
import { foldWeightsBackward } from "./fold_weights";
import { addTo, sumLanes } from "./simd";
import { embeddingsBackward, slotsBackward, slotsForward } from "./slots";

/**
 * The number of slices of a batch of `tiles` tiles. Gradients are summed within each slice in the order of its tiles, then slice
 * by slice, so the bytes of the result do not depend on the threads.
 */
export function sliceCount(tiles: i32): i32 { // inline
  return tiles < 4 ? 1 : min(MAX_SLICES, max(2, tiles / 8));
}

export function prepareSlots(w: usize): void {
  slotsForward(w, Slot.TRAINING, TRAINING_GROUPS, TRAINING_QUERY_GROUP, Slot.KEYS, Slot.QUERIES);
}

/** From the tokens of one tile to its logits. */
export function forwardTile(w: usize): void {
  tileStages(w, 0, 6);
}

/** Adds the loss and gradients of one tile to a slice. */
export function accumulateTile(w: usize, slice: usize): void {
  tileStages(w, slice, 12);
}

/** The first stages of a tile whose tokens are laid out. */
export function tileStages(w: usize, slice: usize, stages: i32): void { // inline
  if (stages > 0) gatherTile(w);
  if (stages > 1) attentionForwardTile(w);
  if (stages > 2) projectionForward(w, QUERIES);
  if (stages > 3) hiddenForward(w, QUERIES);
  if (stages > 4) geluForward(w, QUERIES);
  if (stages > 5) logitsForward(w, QUERIES);
  if (stages > 6) crossEntropy(w, slice);
  if (stages > 7) logitsBackward(w);
  if (stages > 8) hiddenBackward(w);
  if (stages > 9) projectionBackward(w);
  if (stages > 10) weightGradients(w, slice);
  if (stages > 11) attentionBackwardTile(w, slice);
}

export function reduceSlices(slices: i32): void {
  for (let s = 1; s < slices; ++s) {
    for (let at = SLICES; at < SLICES + Slice.SIZE; at += 16) addTo(at, v128.load(at + s * Slice.SIZE));
  }
}

/** Turns the first slice, which holds the total, into the gradient of the mean over `targets` predictions; returns the mean loss. */
export function finishGradient(w: usize, targets: f64): f64 {
  const scale = <f32> (1.0 / targets);
  memory.fill(GRADIENT, 0, FLAT);
  slotsBackward(w, SLICES);
  foldWeightsBackward(w, SLICES, scale);
  embeddingsBackward(w, scale);
  return <f64> sumLanes(v128.load(SLICES + Slice.LOSS)) / targets;
}
