// The tasks that threads share, part by part. Their arguments are in Job and Run, written before the job is announced.
import { QUERIES } from "./dimensions";
import { Job, Slice, SLICES, Tile, TRAINING_TILES } from "./layout";
import { decodeByKeys } from "./decode";
import { decodeByTables } from "./decode_tables";
import { ALL_STAGES, tileStages } from "./gradient";
import { DOMAIN_TRAINING, drawTile, layOutExample, readTile } from "./tile";

/** A part is a slice of a batch that the sampler draws. */
export const TASK_DRAWN_SLICE = 1;
/** A part is a slice of the host's problems. */
export const TASK_GIVEN_SLICE = 2;
/** A part is a number of problems to decode. */
export const TASK_DECODE = 3;
/** A part is a number of problems that the sampler draws, to decode and compare with the right sums. */
export const TASK_DECODE_DRAWN = 4;

/** Problems in one part of both: about 200 us. */
export const DECODE_PART = 192;

export function doPart(w: usize, task: i32, part: i32): void {
  if (task == TASK_DECODE || task == TASK_DECODE_DRAWN) {
    const first = part * DECODE_PART;
    const count = min(DECODE_PART, load<i32>(Job.COUNT) - first);
    const problems = load<u32>(Job.PROBLEMS) + first * 16;
    const out = load<u32>(Job.OUT) + first * QUERIES;
    if (task == TASK_DECODE_DRAWN) {
      atomic.add<i32>(Job.WRONG, decodeByTables(w, 0, load<i32>(Job.FIRST) + first, count, out));
    } else if (load<i32>(Job.BY_TABLES)) decodeByTables(w, problems, 0, count, out);
    else decodeByKeys(w, problems, count, out);
  } else {
    accumulateSlice(w, task, part);
  }
}

function accumulateSlice(w: usize, task: i32, part: i32): void {
  const slice = SLICES + part * Slice.SIZE;
  memory.fill(slice, 0, Slice.SIZE);
  const tiles = load<i32>(Job.TILES);
  const slices = load<i32>(Job.SLICES);
  const end = tiles * (part + 1) / slices;
  for (let first = tiles * part / slices; first < end; first += TRAINING_TILES) {
    const count = min(TRAINING_TILES, end - first);
    for (let t = 0; t < count; ++t) {
      const tile = w + t * Tile.SIZE;
      const example = (first + t) * 4;
      if (task == TASK_DRAWN_SLICE) drawTile(tile, example, load<u32>(Job.SAMPLE), DOMAIN_TRAINING);
      else readTile(tile, load<u32>(Job.PROBLEMS), example, load<i32>(Job.COUNT));
      layOutExample(tile);
    }
    tileStages(w, count, slice, ALL_STAGES);
    // every half millisecond of a large part
    if ((first & 63) >= 64 - TRAINING_TILES) store<i32>(w + Tile.BEATS, load<i32>(w + Tile.BEATS) + 1);
  }
}
