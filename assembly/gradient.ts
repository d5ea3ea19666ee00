// The loss of a batch and its gradient: sums tiles into slices, slices into one, and lanes into numbers.
import { QUERIES } from "./dimensions";
import { FLAT, GRADIENT, MAX_SLICES, Slice, SLICES, Slot, Tile, TRAINING_GROUPS, TRAINING_QUERY_GROUP } from "./layout";
import { attentionBackwardTile, attentionForwardTile, gatherTile } from "./attention";
import { crossEntropy, geluForward, hiddenBackward, hiddenForward, logitsBackward } from "./feed_forward";
import { logitsForward, projectionBackward, projectionForward, weightGradients } from "./feed_forward";
import { foldWeightsBackward } from "./fold_weights";
import { addTo, sumLanes } from "./simd";
import { embeddingsBackward, slotsBackward, slotsForward } from "./slots";

// The number of slices of a batch of `tiles` tiles. Gradients are summed within each slice in the order of its tiles, then slice
// by slice, so the bytes of the result do not depend on the threads.
export function sliceCount(tiles: i32): i32 { // inline
  return tiles < 4 ? 1 : min(MAX_SLICES, max(2, tiles / 8));
}

export function prepareSlots(w: usize): void {
  slotsForward(w, Slot.TRAINING, TRAINING_GROUPS, TRAINING_QUERY_GROUP, Slot.KEYS, Slot.QUERIES);
}

/** Stages of a tile, from its tokens to its logits, and those after them that add its loss and gradients to a slice. */
export const FORWARD_STAGES = 6;
export const ALL_STAGES = 12;

// The first stages of `tiles` tiles whose tokens are laid out. Each stage takes all tiles in turn, because the code of all stages is
// larger than an instruction cache (measured: 1.02 to 1.05 x with four tiles, 1.00 to 1.02 x with two).
export function tileStages(w: usize, tiles: i32, slice: usize, stages: i32): void {
  const end = w + tiles * Tile.SIZE;
  for (let stage = 0; stage < stages; ++stage) {
    for (let tile = w; tile < end; tile += Tile.SIZE) tileStage(tile, slice, stage);
  }
}

function tileStage(w: usize, slice: usize, stage: i32): void { // inline
  if (stage == 0) gatherTile(w);
  if (stage == 1) attentionForwardTile(w);
  if (stage == 2) projectionForward(w, QUERIES);
  if (stage == 3) hiddenForward(w, QUERIES);
  if (stage == 4) geluForward(w, QUERIES, false);
  if (stage == 5) logitsForward(w, QUERIES);
  if (stage == 6) crossEntropy(w, slice);
  if (stage == 7) logitsBackward(w);
  if (stage == 8) hiddenBackward(w);
  if (stage == 9) projectionBackward(w);
  if (stage == 10) weightGradients(w, slice);
  if (stage == 11) attentionBackwardTile(w, slice);
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
