// Several threads, one memory. Each thread is an instance of this module with a workspace of its own; thread 0 belongs to the caller.
//
// A job is a number of parts that do not depend on each other. Thread 0 announces it; every thread, thread 0 as well, takes the next part until there is
// none; thread 0 goes on when all parts are done. It does not wait for a thread that came too late to get a part: waking one can take longer than the
// job. Which thread does a part never shows in its result. Without other threads the same code runs by itself, also on memory that is not shared.
//
// JOB_NEXT tells all of a job in one word of 64 bits, so that a part and the job to which it belongs are taken in one step:
//
//   generation (32 bits) | number of parts (16 bits) | next part (16 bits)
//
// A thread may die: by a trap, which the host writes to JOB_FAILED, or because the system takes it away, of which nobody is told. Then its part is never
// done. So thread 0, while it waits, looks whether parts and tiles are still being finished anywhere, and traps when none was for very long.
import {
  BEATS,
  JOB_DONE,
  JOB_FAILED,
  JOB_LEFT,
  JOB_NEXT,
  JOB_PARKED,
  JOB_TASK,
  JOB_WAITING,
  WORKSPACE_SIZE,
  WORKSPACES,
} from "./layout";
import { doPart } from "./tasks";

/** The generation by itself: the upper half of JOB_NEXT. */
const JOB_GENERATION: usize = JOB_NEXT + 4;

/** The task that ends a thread; the others are those of {@linkcode doPart}. */
const TASK_STOP = 0;

/**
 * How often a thread without work looks for the next job before it parks: more than a step of training takes, as a parked thread comes too late.
 */
const SPINS_SERVING = 200_000;

/**
 * How often thread 0 looks whether the last parts are done before it parks. Less: if it waits for long, a thread that has a part does not get on, maybe
 * because thread 0 spins on its core; parking gives the core away, and to be woken is a chance to be put on another.
 */
const SPINS_JOINING = 20_000;

/** Nanoseconds after which a parked thread 0 looks again by itself. */
const LOOK_AGAIN: i64 = 1_000_000;

/** So often it looks where it may not park: about as long. */
const SPINS_LOOKING = 300_000;

/** Looks at threads that are to end before they are left to the host: a second. */
const LOOKS_LEAVING = 1000;

/** Looks without any progress after which a thread counts as dead: at least half a minute, in which every thread that lives had its turn. */
let patience: i32 = 30_000;

let threads: i32 = 1;
/** Whether thread 0 may wait without spinning, which the main thread of a page may not. */
let mayPark: bool = true;

/** How many threads there are, and whether thread 0 may park; called in thread 0, when the others are ready. */
export function setThreads(count: i32, canPark: bool): void {
  threads = count;
  mayPark = canPark;
}

/** Sets how many looks without progress, of a millisecond each, thread 0 waits. */
export function setPatience(looks: i32): void {
  patience = looks;
}

/** What the threads have done, as a number that changes. */
export function heartbeats(): i32 {
  let sum = 0;
  for (let thread = 0; thread < threads; ++thread) sum += atomic.load<i32>(workspace(thread) + BEATS);
  return sum;
}

/** The workspace of a thread. */
@inline
export function workspace(thread: i32): usize {
  return WORKSPACES + thread * WORKSPACE_SIZE;
}

@inline
function partsOf(job: i64): i32 {
  return <i32> (job >> 16) & 0xffff;
}

@inline
function partOf(job: i64): i32 {
  return <i32> job & 0xffff;
}

/** Takes parts until there is none left; returns the generation in which there was none. */
function work(thread: i32): i32 {
  const w = workspace(thread);
  let job = atomic.add<i64>(JOB_NEXT, 1);
  while (partOf(job) < partsOf(job)) {
    // until this part is done the job stands still: thread 0 waits for it
    doPart(w, load<i32>(JOB_TASK), partOf(job));
    const done = atomic.add<i32>(JOB_DONE, 1) + 1;
    if (done == partsOf(job) && atomic.load<i32>(JOB_WAITING) != 0) atomic.notify(JOB_DONE, 1);
    job = atomic.add<i64>(JOB_NEXT, 1);
  }
  return <i32> (job >> 32);
}

/** Does all parts of a task on all threads; returns when they are done. Called in thread 0. At most 65,000 parts. */
export function runJob(task: i32, parts: i32): void {
  announce(task, parts);
  work(0);
  if (threads > 1) join(parts);
}

/** Ends the other threads; returns how many have not ended after a second, because they are dead. */
export function stopThreads(): i32 {
  atomic.store<i32>(JOB_LEFT, threads - 1);
  announce(TASK_STOP, 0);
  let left = atomic.load<i32>(JOB_LEFT);
  for (let look = 0; look < LOOKS_LEAVING && left != 0; ++look) {
    for (let spin = 0; spin < SPINS_LOOKING && left != 0; ++spin) left = atomic.load<i32>(JOB_LEFT);
    if (left != 0 && mayPark) atomic.wait<i32>(JOB_LEFT, left, LOOK_AGAIN);
  }
  threads = 1;
  return left;
}

function announce(task: i32, parts: i32): void {
  const generation = atomic.load<i32>(JOB_GENERATION) + 1;
  store<i32>(JOB_TASK, task);
  atomic.store<i32>(JOB_DONE, 0);
  atomic.store<i64>(JOB_NEXT, (<i64> generation << 32) | (<i64> parts << 16));
  // a thread counts itself as parked before it looks at the generation for the last time, so none is missed
  if (threads > 1 && atomic.load<i32>(JOB_PARKED) > 0) atomic.notify(JOB_GENERATION, -1);
}

/** Waits until all parts are done; traps where a thread has died. */
function join(parts: i32): void {
  for (let spin = 0; spin < SPINS_JOINING; ++spin) {
    if (atomic.load<i32>(JOB_DONE) == parts) return;
  }
  atomic.store<i32>(JOB_WAITING, 1);
  let seen = -1;
  let looks = 0;
  for (let done = atomic.load<i32>(JOB_DONE); done != parts; done = atomic.load<i32>(JOB_DONE)) {
    const now = heartbeats() + done;
    looks = now == seen ? looks + 1 : 0;
    seen = now;
    if (looks > patience) atomic.store<i32>(JOB_FAILED, 1);
    if (atomic.load<i32>(JOB_FAILED) != 0) unreachable();
    if (mayPark) atomic.wait<i32>(JOB_DONE, done, LOOK_AGAIN);
    else for (let spin = 0; spin < SPINS_LOOKING && atomic.load<i32>(JOB_DONE) == done; ++spin) {}
  }
  atomic.store<i32>(JOB_WAITING, 0);
}

/** The life of another thread than 0: does its share of every job until it is told to stop. */
export function serve(thread: i32): void {
  let seen = work(thread);
  // before the first job no task is set, which looks like the last one
  while (seen == 0 || load<i32>(JOB_TASK) != TASK_STOP) {
    waitForNext(seen);
    seen = work(thread);
  }
  atomic.sub<i32>(JOB_LEFT, 1);
}

/** Waits until the generation is another one. */
function waitForNext(seen: i32): void {
  for (let spin = 0; spin < SPINS_SERVING; ++spin) {
    if (atomic.load<i32>(JOB_GENERATION) != seen) return;
  }
  atomic.add<i32>(JOB_PARKED, 1);
  while (atomic.load<i32>(JOB_GENERATION) == seen) atomic.wait<i32>(JOB_GENERATION, seen, -1);
  atomic.sub<i32>(JOB_PARKED, 1);
}
