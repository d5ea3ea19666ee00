// The loss of a batch and its gradient: sums tiles into slices, slices into one, and lanes into numbers.
import { QUERIES } from "./dimensions";
import { FLAT, GRADIENT, MAX_SLICES, Slice, SLICES, Slot, Tile, TRAINING_GROUPS, TRAINING_QUERY_GROUP } from "./layout";
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
  tileStages(w, 1, 0, 6);
}

/** Adds the loss and gradients of `tiles` tiles whose tokens are laid out to a slice. */
export function accumulateTiles(w: usize, tiles: i32, slice: usize): void {
  tileStages(w, tiles, slice, 12);
}

/**
 * The first stages of `tiles` tiles. Each stage takes all of them in turn, because the code of all
 * stages is larger than an instruction cache (measured: 1.0x x).
 */
export function tileStages(w: usize, tiles: i32, slice: usize, stages: i32): void { // inline
  const end = w + tiles * Tile.SIZE;
  for (let stage = 0; stage < stages; ++stage) {
    for (let tile = w; tile < end; tile += Tile.SIZE) tileStage(tile, slice, stage);
  }
}

function tileStage(w: usize, slice: usize, stage: i32): void { // inline
  switch (stage) {
    case 0:
      return gatherTile(w);
    case 1:
      return attentionForwardTile(w);
    case 2:
      return projectionForward(w, QUERIES);
    case 3:
      return hiddenForward(w, QUERIES);
    case 4:
      return geluForward(w, QUERIES);
    case 5:
      return logitsForward(w, QUERIES);
    case 6:
      return crossEntropy(w, slice);
    case 7:
      return logitsBackward(w);
    case 8:
      return hiddenBackward(w);
    case 9:
      return projectionBackward(w);
    case 10:
      return weightGradients(w, slice);
    default:
      return attentionBackwardTile(w, slice);
  }
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
