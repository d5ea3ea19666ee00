// The tasks that threads share, part by part. The arguments of a task are in TASK, written before the job is announced.
import { BEATS, QUERIES, SLICE_SIZE, SLICES, TASK } from "./layout";
import { decode } from "./decode";
import { decodeByTables } from "./decode_tables";
import { accumulateTile } from "./gradient";
import { DOMAIN_TRAINING, drawTile, layOutExample, readTile } from "./tile";

/** A part is a slice of a batch that the sampler draws. */
export const TASK_DRAWN_SLICE = 1;
/** A part is a slice of the host's problems. */
export const TASK_GIVEN_SLICE = 2;
/** A part is a number of problems to decode. */
export const TASK_DECODE = 3;

/** Problems in one part of {@linkcode TASK_DECODE}: about 200 us. */
export const DECODE_PART = 192;

// The fields of TASK, 32-bit words.
export const TASK_TILES: usize = TASK;
export const TASK_SLICES: usize = TASK + 4;
export const TASK_SEED: usize = TASK + 8;
export const TASK_ATTEMPT: usize = TASK + 12;
export const TASK_SAMPLE: usize = TASK + 16;
export const TASK_MIN_DIGITS: usize = TASK + 20;
export const TASK_MAX_DIGITS: usize = TASK + 24;
export const TASK_PROBLEMS: usize = TASK + 28;
export const TASK_COUNT: usize = TASK + 32;
export const TASK_OUT: usize = TASK + 36;
export const TASK_BY_TABLES: usize = TASK + 40;

export function doPart(w: usize, task: i32, part: i32): void {
  if (task == TASK_DECODE) {
    const first = part * DECODE_PART;
    const count = min(DECODE_PART, load<i32>(TASK_COUNT) - first);
    const problems = load<u32>(TASK_PROBLEMS) + first * 16;
    const out = load<u32>(TASK_OUT) + first * QUERIES;
    if (load<i32>(TASK_BY_TABLES)) decodeByTables(w, problems, count, out);
    else decode(w, problems, count, out);
  } else {
    accumulateSlice(w, task, part);
  }
}

/** Computes the loss and gradients of one slice of the batch. */
function accumulateSlice(w: usize, task: i32, part: i32): void {
  const slice = SLICES + part * SLICE_SIZE;
  memory.fill(slice, 0, SLICE_SIZE);
  const tiles = load<i32>(TASK_TILES);
  const slices = load<i32>(TASK_SLICES);
  const end = tiles * (part + 1) / slices;
  for (let tile = tiles * part / slices; tile < end; ++tile) {
    if (task == TASK_DRAWN_SLICE) {
      drawTile(
        w,
        tile * 4,
        load<u32>(TASK_SAMPLE),
        load<u32>(TASK_ATTEMPT),
        load<u32>(TASK_SEED),
        DOMAIN_TRAINING,
        load<i32>(TASK_MIN_DIGITS),
        load<i32>(TASK_MAX_DIGITS),
      );
    } else {
      readTile(w, load<u32>(TASK_PROBLEMS), tile * 4, load<i32>(TASK_COUNT));
    }
    layOutExample(w);
    accumulateTile(w, slice);
    if ((tile & 63) == 63) store<i32>(w + BEATS, load<i32>(w + BEATS) + 1); // every half millisecond of a large part
  }
}
