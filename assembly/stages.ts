// The entry for bench/stages.ts: runs the first stages of a training step, so that the time of a stage is a difference of two runs.
import { RUN, Run, SLICES, Tile, TRAINING_TILES, WORKSPACES } from "./layout";
import { finishGradient, prepareSlots, reduceSlices, tileStages } from "./gradient";
import { optimizerStep } from "./optimizer";
import { DOMAIN_TRAINING, drawTile, layOutExample } from "./tile";

export { configure, initialize } from "./entry";

/** The first `stages` stages of `count` tiles, a multiple of TRAINING_TILES. */
export function tiles(count: i32, stages: i32): void {
  const w: usize = WORKSPACES;
  store<f64>(RUN + Run.minDigits * 8, 1);
  store<f64>(RUN + Run.maxDigits * 8, 10);
  for (let first = 0; first < count; first += TRAINING_TILES) {
    for (let t = 0; t < TRAINING_TILES; ++t) {
      drawTile(w + t * Tile.SIZE, (first + t) * 4, 0, DOMAIN_TRAINING);
      layOutExample(w + t * Tile.SIZE);
    }
    tileStages(w, TRAINING_TILES, SLICES, stages - 1);
  }
}

/** The first `stages` stages of the work that is done once a step, whatever the batch, `count` times. */
export function once(count: i32, stages: i32): void {
  store<f64>(RUN + Run.beta1 * 8, 0.9);
  store<f64>(RUN + Run.beta2 * 8, 0.99);
  for (let step = 0; step < count; ++step) {
    prepareSlots(WORKSPACES);
    if (stages > 1) reduceSlices(2);
    if (stages > 2) finishGradient(WORKSPACES, 1536);
    // a rate of 0 leaves the weights as they are
    if (stages > 3) optimizerStep(0);
  }
}
