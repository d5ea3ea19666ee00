// Several threads, one memory. Each thread is an instance of this module with a workspace of its own; thread 0 is the caller's.
//
// A job is a number of independent parts. Thread 0 announces it; every thread takes the next part until there is none; thread 0
// returns when all parts are done. It does not wait for a thread that woke too late to get one: waking can take longer than the job.
// Threads from Job.ACTIVE on do not take part: the host lowers it where fewer threads are faster.
// The result does not depend on which thread does which part. One thread runs the same code alone, also on memory not shared.
//
// Job.NEXT is one word of 64 bits, so that one atomic step takes a part together with the job that it belongs to: from the highest bit,
// its generation (32 bits), its number of parts (16 bits) and its next part (16 bits).
//
// A thread may die by a trap, which the host writes to Job.FAILED, or because the system ends it, which is reported to nobody. So
// thread 0, while it waits, checks whether any thread still makes progress, and traps if none has for very long.
import { Job, Tile, WORKSPACE, WORKSPACES } from "./layout";
import { doPart } from "./tasks";

const TASK_STOP = 0; // ends a thread; the others are those of doPart()
/** How often an idle thread checks for a job before it parks: longer than a training step, as a parked thread wakes too late. */
const SPINS_SERVING = 200_000;
/** How often thread 0 checks for the last parts before it parks: less, as the thread with the last part may wait for this core. */
const SPINS_JOINING = 20_000;
const PARK_TIME: i64 = 1_000_000; // nanoseconds after which a parked thread 0 checks again
const SPINS_UNPARKED = 300_000; // about as long, where thread 0 may not park
const CHECKS_STOPPING = 1000; // a second

let patience: i32 = 30_000; // checks without progress after which a thread counts as dead: at least half a minute
let threads: i32 = 1; // those that do not take part included
let mayPark: bool = true; // thread 0; the main thread of a page may not

/** Sets the number of threads and whether thread 0 may park; called in thread 0 when the others are ready. */
export function setThreads(count: i32, canPark: bool): void {
  threads = count;
  mayPark = canPark;
  setActiveThreads(count);
}

/** Sets how many of the threads take part in jobs. */
export function setActiveThreads(count: i32): void {
  atomic.store<i32>(Job.ACTIVE, count);
  atomic.notify(Job.ACTIVE, -1);
}

/** Sets how many checks without progress, of a millisecond each, thread 0 allows. */
export function setPatience(checks: i32): void {
  patience = checks;
}

/** A number that changes while any thread makes progress. */
export function heartbeats(): i32 {
  let sum = 0;
  for (let thread = 0; thread < threads; ++thread) sum += atomic.load<i32>(workspace(thread) + Tile.BEATS);
  return sum;
}

function workspace(thread: i32): usize { // inline
  return WORKSPACES + thread * WORKSPACE;
}

/** Does parts until none is left; returns the generation that had none left. */
function work(thread: i32): i32 {
  const w = workspace(thread);
  while (true) {
    const job = atomic.add<i64>(Job.NEXT, 1);
    const parts = <i32> (job >> 16) & 0xffff;
    const part = <i32> job & 0xffff;
    if (part >= parts) return <i32> (job >> 32);
    // the job cannot change before this part is done, because thread 0 waits for it
    doPart(w, load<i32>(Job.TASK), part);
    const done = atomic.add<i32>(Job.DONE, 1) + 1;
    if (done == parts && atomic.load<i32>(Job.WAITING) != 0) atomic.notify(Job.DONE, 1);
  }
}

/** Does all parts of a task, at most 65,000, on all threads and returns when they are done; called in thread 0. */
export function runJob(task: i32, parts: i32): void {
  announce(task, parts);
  work(0);
  if (threads > 1) join(parts);
}

/** Ends the other threads; returns how many have not ended within a second because they are dead. */
export function stopThreads(): i32 {
  atomic.store<i32>(Job.LEFT, threads - 1);
  setActiveThreads(threads);
  announce(TASK_STOP, 0);
  let left = atomic.load<i32>(Job.LEFT);
  for (let check = 0; check < CHECKS_STOPPING && left != 0; ++check) {
    pause(Job.LEFT, left);
    left = atomic.load<i32>(Job.LEFT);
  }
  threads = 1;
  return left;
}

function announce(task: i32, parts: i32): void {
  const generation = atomic.load<i32>(Job.GENERATION) + 1;
  store<i32>(Job.TASK, task);
  atomic.store<i32>(Job.DONE, 0);
  atomic.store<i64>(Job.NEXT, (<i64> generation << 32) | (<i64> parts << 16));
  // a thread counts itself as parked before its last check of the generation, so none is missed
  if (threads > 1 && atomic.load<i32>(Job.PARKED) > 0) atomic.notify(Job.GENERATION, -1);
}

/** Lets thread 0 wait for a millisecond, or until a word is no longer `value`. */
function pause(word: usize, value: i32): void {
  if (mayPark) atomic.wait<i32>(word, value, PARK_TIME);
  else for (let spin = 0; spin < SPINS_UNPARKED && atomic.load<i32>(word) == value; ++spin) {}
}

/** Waits until all parts are done; traps if a thread has died. */
function join(parts: i32): void {
  for (let spin = 0; spin < SPINS_JOINING; ++spin) {
    if (atomic.load<i32>(Job.DONE) == parts) return;
  }
  atomic.store<i32>(Job.WAITING, 1);
  let seen = -1;
  let checks = 0;
  for (let done = atomic.load<i32>(Job.DONE); done != parts; done = atomic.load<i32>(Job.DONE)) {
    const now = heartbeats() + done;
    checks = now == seen ? checks + 1 : 0;
    seen = now;
    if (checks > patience) atomic.store<i32>(Job.FAILED, 1);
    if (atomic.load<i32>(Job.FAILED) != 0) unreachable();
    pause(Job.DONE, done);
  }
  atomic.store<i32>(Job.WAITING, 0);
}

/** The main loop of every thread but 0: takes part in every job until it is told to stop. */
export function serve(thread: i32): void {
  let seen = work(thread);
  // before the first job no task is set, which looks like TASK_STOP
  while (seen == 0 || load<i32>(Job.TASK) != TASK_STOP) {
    waitForNext(seen);
    for (let active = atomic.load<i32>(Job.ACTIVE); thread >= active; active = atomic.load<i32>(Job.ACTIVE)) {
      atomic.wait<i32>(Job.ACTIVE, active, -1);
    }
    seen = work(thread);
  }
  atomic.sub<i32>(Job.LEFT, 1);
  atomic.notify(Job.LEFT, 1);
}

function waitForNext(seen: i32): void {
  for (let spin = 0; spin < SPINS_SERVING; ++spin) {
    if (atomic.load<i32>(Job.GENERATION) != seen) return;
  }
  atomic.add<i32>(Job.PARKED, 1);
  while (atomic.load<i32>(Job.GENERATION) == seen) atomic.wait<i32>(Job.GENERATION, seen, -1);
  atomic.sub<i32>(Job.PARKED, 1);
}
