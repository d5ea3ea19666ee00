import type { RefObject } from "preact";
import { useEffect, useReducer, useRef, useState } from "preact/hooks";

/** Something that sections of the page show, and that tells them when it changes. */
export class Changes extends EventTarget {
  protected changed(): void {
    this.dispatchEvent(new Event("change"));
  }
}

/** Every drawing waits for a frame of its own, so that none delays a key or a touch; this is the last one. A hidden page has no frames and draws nothing; its workers go on. */
let lastFrame: Promise<unknown> = Promise.resolve();

/** Merges requests: `draw` runs in a frame of its own, at most once in this many milliseconds. */
function throttled(draw: () => void, milliseconds: number): () => Promise<void> {
  let isAsked = false;
  let last = -Infinity;
  return async () => {
    if (isAsked) return;
    isAsked = true;
    await new Promise((resolve) => setTimeout(resolve, last + milliseconds - performance.now()));
    await (lastFrame = lastFrame.then(() => new Promise(requestAnimationFrame)));
    isAsked = false;
    last = performance.now();
    draw();
  };
}

/** Renders a component again when one of these changes: at once, or in a frame of its own at most once in this many milliseconds. */
export function useChanges(milliseconds: number, ...watched: Changes[]): void {
  const [, render] = useReducer<number, void>((count) => count + 1, 0);
  useEffect(() => {
    const listener = milliseconds === 0 ? () => render() : throttled(() => render(), milliseconds);
    for (const part of watched) part.addEventListener("change", listener);
    return () => watched.forEach((part) => part.removeEventListener("change", listener));
  }, []);
}

/** The result of a promise that is started again when an input changes. The earlier result stays until then; one that comes too late is dropped. */
export function usePromise<T>(start: () => Promise<T>, inputs: readonly unknown[]): T | undefined {
  const [result, setResult] = useState<T>();
  useEffect(() => {
    let isLatest = true;
    start().then((result) => isLatest && setResult(result));
    return () => isLatest = false;
  }, inputs);
  return result;
}

/** The width of an element in pixels, measured at most ten times a second; 0 until it is known. */
export function useWidth<T extends Element>(): [ref: RefObject<T | null>, width: number] {
  const ref = useRef<T>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(throttled(() => setWidth(ref.current?.clientWidth ?? 0), 100));
    observer.observe(ref.current!);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}
