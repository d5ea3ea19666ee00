// The tasks that threads share, part by part. Their arguments are in Job and Run, written before the job is announced.
import { Job, Slice, SLICES, Tile, TRAINING_TILES } from "./layout";
import { decodeRange } from "./decode";
import { ALL_STAGES, sliceCount, tileStages } from "./gradient";
import { fillTile, layOutExample } from "./tile";

/** A part is a slice of a batch. */
export const TASK_SLICE = 1;
/** A part is a number of problems to decode; those that are drawn are compared with the right sums as well. */
export const TASK_DECODE = 2;

/** Problems in one part: about 200 us. */
export const DECODE_PART = 192;

export function doPart(w: usize, task: i32, part: i32): void {
  if (task == TASK_SLICE) return accumulateSlice(w, part);
  const first = part * DECODE_PART;
  const end = min(first + DECODE_PART, load<i32>(Job.COUNT));
  if (load<i32>(Job.BY_TABLES)) atomic.add<i32>(Job.WRONG, decodeRange(w, first, end, true));
  else decodeRange(w, first, end, false);
}

function accumulateSlice(w: usize, part: i32): void {
  const slice = SLICES + part * Slice.SIZE;
  memory.fill(slice, 0, Slice.SIZE);
  const tiles = (load<i32>(Job.COUNT) + 3) / 4;
  const slices = sliceCount(tiles);
  const end = tiles * (part + 1) / slices;
  for (let first = tiles * part / slices; first < end; first += TRAINING_TILES) {
    const count = min(TRAINING_TILES, end - first);
    for (let t = 0; t < count; ++t) {
      fillTile(w + t * Tile.SIZE, (first + t) * 4, load<i32>(Job.COUNT));
      layOutExample(w + t * Tile.SIZE);
    }
    tileStages(w, count, slice, ALL_STAGES);
    // every half millisecond of a large part
    if ((first & 63) >= 64 - TRAINING_TILES) store<i32>(w + Tile.BEATS, load<i32>(w + Tile.BEATS) + 1);
  }
}
