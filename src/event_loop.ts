/**
 * The event loop, for work that would hold it up.
 *
 * @module
 */

/** Lets timers, signals and key presses run, which could abort: what computes at once would hold them up to its end. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
