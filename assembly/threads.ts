// Several threads, one memory. Each thread is an instance of this module with a workspace of its own; thread 0 belongs to the caller.
//
// A job is a number of parts that do not depend on each other. Thread 0 announces it by raising JOB_GENERATION; every thread, thread 0 as well, takes
// the next part from JOB_NEXT until there is none; thread 0 goes on when JOB_LEFT, the number of other threads still at it, is 0. Which thread does
// a part never shows in its result. Without other threads the same code runs by itself, also on memory that is not shared.
import {
  JOB_GENERATION,
  JOB_LEFT,
  JOB_NEXT,
  JOB_PARKED,
  JOB_TASK,
  JOB_WAITING,
  WORKSPACE_SIZE,
  WORKSPACES,
} from "./layout";
import { doPart } from "./tasks";

/** The task of a job: which parts it has. The numbers are those of {@linkcode doPart}. */
export const TASK_STOP = 0;

/**
 * How often a waiting thread looks before it parks: some 30 us, about a batch of 16 examples. Between two steps of training a thread waits for less; on a
 * machine with other work a thread that only spins takes the time of those it waits for.
 */
const SPINS = 20_000;

/** Nanoseconds after which a parked thread 0 looks again by itself. */
const LOOK_AGAIN: i64 = 1_000_000;

let threads: i32 = 1;
/** Whether thread 0 may wait without spinning, which the main thread of a page may not. */
let mayPark: bool = true;

/** How many threads there are, and whether thread 0 may park; called in thread 0, when the others are ready. */
export function setThreads(count: i32, canPark: bool): void {
  threads = count;
  mayPark = canPark;
}

/** The workspace of a thread. */
@inline
export function workspace(thread: i32): usize {
  return WORKSPACES + thread * WORKSPACE_SIZE;
}

/** Takes parts of the job until there is none left. */
function work(thread: i32, task: i32, parts: i32): void {
  const w = workspace(thread);
  for (let part = atomic.add<i32>(JOB_NEXT, 1); part < parts; part = atomic.add<i32>(JOB_NEXT, 1)) {
    doPart(w, task, part);
  }
}

/** Does all parts of a task on all threads; returns when they are done. Called in thread 0. */
export function runJob(task: i32, parts: i32): void {
  announce(task, parts);
  work(0, task, parts);
  join();
}

/** Ends the other threads. */
export function stopThreads(): void {
  announce(TASK_STOP, 0);
  join();
  threads = 1;
}

function announce(task: i32, parts: i32): void {
  store<i32>(JOB_TASK, task);
  store<i32>(JOB_TASK, parts, 4);
  atomic.store<i32>(JOB_NEXT, 0);
  if (threads == 1) return;
  atomic.store<i32>(JOB_LEFT, threads - 1);
  atomic.add<i32>(JOB_GENERATION, 1);
  // a thread counts itself as parked before it looks at the generation for the last time, so none is missed
  if (atomic.load<i32>(JOB_PARKED) > 0) atomic.notify(JOB_GENERATION, -1);
}

/** Waits for the other threads. */
function join(): void {
  if (threads == 1) return;
  for (let spin = 0; spin < SPINS; ++spin) {
    if (atomic.load<i32>(JOB_LEFT) == 0) return;
  }
  if (!mayPark) {
    while (atomic.load<i32>(JOB_LEFT) != 0) {}
    return;
  }
  atomic.store<i32>(JOB_WAITING, 1);
  for (let left = atomic.load<i32>(JOB_LEFT); left != 0; left = atomic.load<i32>(JOB_LEFT)) {
    atomic.wait<i32>(JOB_LEFT, left, LOOK_AGAIN);
  }
  atomic.store<i32>(JOB_WAITING, 0);
}

/** The life of another thread than 0: does its share of every job from generation `seen` on, until it is told to stop. */
export function serve(thread: i32, seen: i32): void {
  for (;;) {
    seen = nextGeneration(seen);
    const task = load<i32>(JOB_TASK);
    const parts = load<i32>(JOB_TASK, 4);
    if (task != TASK_STOP) work(thread, task, parts);
    const left = atomic.sub<i32>(JOB_LEFT, 1) - 1;
    if (left == 0 && atomic.load<i32>(JOB_WAITING) != 0) atomic.notify(JOB_LEFT, 1);
    if (task == TASK_STOP) return;
  }
}

/** Waits until the generation is another one. */
function nextGeneration(seen: i32): i32 {
  for (let spin = 0; spin < SPINS; ++spin) {
    const generation = atomic.load<i32>(JOB_GENERATION);
    if (generation != seen) return generation;
  }
  atomic.add<i32>(JOB_PARKED, 1);
  let generation = atomic.load<i32>(JOB_GENERATION);
  while (generation == seen) {
    atomic.wait<i32>(JOB_GENERATION, seen, -1);
    generation = atomic.load<i32>(JOB_GENERATION);
  }
  atomic.sub<i32>(JOB_PARKED, 1);
  return generation;
}
