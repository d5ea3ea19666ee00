// The entry for bench/stages.ts: runs the first stages of a training step, so that the time of a stage is a difference of two runs.
import { SLICES, WORKSPACES } from "./layout";
import { finishGradient, prepareSlots, reduceSlices, tileStages } from "./gradient";
import { optimizerStep } from "./optimizer";
import { DOMAIN_TRAINING, drawTile, layOutExample } from "./tile";

export { configure, initialize } from "./entry";

/** The first `stages` stages of `count` tiles. */
export function tiles(count: i32, stages: i32): void {
  const w: usize = WORKSPACES;
  for (let tile = 0; tile < count; ++tile) {
    drawTile(w, tile * 4, 0, 0, 1, DOMAIN_TRAINING, 1, 10);
    layOutExample(w);
    tileStages(w, SLICES, stages - 1);
  }
}

/** The first `stages` stages of the work that is done once a step, whatever the batch, `count` times. */
export function once(count: i32, stages: i32): void {
  for (let step = 0; step < count; ++step) {
    prepareSlots(WORKSPACES);
    if (stages > 1) reduceSlices(2);
    if (stages > 2) finishGradient(WORKSPACES, 1536);
    // a rate of 0 leaves the weights as they are
    if (stages > 3) optimizerStep(0, 0, 1, 0.9, 0.99, 1e-8);
  }
}
