import type { RefObject } from "preact";
import { useEffect, useReducer, useRef, useState } from "preact/hooks";

/** Drawing that waits: one job a frame, so that none delays a key or a touch. A hidden page has no frames and draws nothing; its workers go on. */
const queue: (() => void)[] = [];

function work(): void {
  const job = queue.shift();
  if (queue.length > 0) requestAnimationFrame(work); // before the job, which may throw
  job?.();
}

/** Merges requests: `draw` runs in a frame of its own, at most once in this many milliseconds. */
function throttled(draw: () => void, milliseconds: number): () => void {
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
    setTimeout(
      () => queue.push(job) === 1 && requestAnimationFrame(work),
      Math.max(0, last + milliseconds - performance.now()),
    );
  };
}

/** Something that sections of the page show, and that tells them when it changes. */
export class Changes {
  readonly #listeners = new Set<() => void>();

  /** @returns Ends the calls */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  protected changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** Renders a component again when one of these changes: at once, or in a frame of its own at most once in this many milliseconds. */
export function useChanges(milliseconds: number, ...watched: Changes[]): void {
  const [, render] = useReducer<number, void>((count) => count + 1, 0);
  useEffect(() => {
    const listener = milliseconds === 0 ? () => render() : throttled(() => render(), milliseconds);
    const ends = watched.map((each) => each.onChange(listener));
    return () => ends.forEach((end) => end());
  }, []);
}

/** Least milliseconds between two changes of size. */
const RESIZE_MS = 100;

/** The width of an element in pixels; 0 until it is known. */
export function useWidth<T extends Element>(): [ref: RefObject<T | null>, width: number] {
  const ref = useRef<T>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(throttled(() => setWidth(ref.current?.clientWidth ?? 0), RESIZE_MS));
    observer.observe(ref.current!);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
