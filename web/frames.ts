/** Drawing that waits: one job a frame, so that none delays a key or a touch. A hidden page has no frames and draws nothing; its workers go on. */
const queue: (() => void)[] = [];

function work(): void {
  const job = queue.shift();
  if (queue.length > 0) requestAnimationFrame(work); // before the job, which may throw
  job?.();
}

/** Runs a job in a frame of its own. */
export function inFrame(job: () => void): void {
  queue.push(job);
  if (queue.length === 1) requestAnimationFrame(work);
}

/** Merges requests: `draw` runs in a frame of its own, at most once in this many milliseconds. */
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
