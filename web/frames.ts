/**
 * When to draw: one piece of work a frame, so that none of them holds up a key or a finger. A page that nobody sees has no frames, and nothing is
 * drawn; what trains goes on in its worker.
 *
 * @module
 */

const queue: (() => void)[] = [];

function work(): void {
  const job = queue.shift();
  if (queue.length > 0) requestAnimationFrame(work); // first, as a job may throw
  job?.();
}

/** Does something in a frame that has nothing else to do. */
export function inFrame(job: () => void): void {
  queue.push(job);
  if (queue.length === 1) requestAnimationFrame(work);
}

/** Bundles requests: `draw` is called in a frame of its own, and at most once in so many milliseconds. */
export function throttled(draw: () => void, milliseconds: number): () => void {
  let isAsked = false;
  let last = -Infinity;
  return () => {
    if (isAsked) return;
    isAsked = true;
    const job = () => {
      isAsked = false;
      last = performance.now();
      draw();
    };
    setTimeout(() => inFrame(job), Math.max(0, last + milliseconds - performance.now()));
  };
}
