import type { RefObject } from "preact";
import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { inspectSum } from "../src/inspection/sum.ts";
import type { Notice } from "./changes.ts";
import type { Models } from "./models.ts";
import type { Proof } from "./proof.ts";
import type { Runs } from "./runs.ts";
import { leastCertain, type Sum } from "./sum.ts";

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

interface Lab {
  readonly models: Models;
  readonly notice: Notice;
  readonly proof: Proof;
  readonly runs: Runs;
  readonly sum: Sum;
}

/** What the sections share. main.tsx fills it before it renders them. */
export const lab = {} as Lab;

/** Renders a component again when one of these parts changes: at once, or in a frame of its own at most once in this many milliseconds. */
export function useLab(milliseconds: number, ...watched: (keyof Lab)[]): Lab {
  const [, render] = useReducer<number, void>((count) => count + 1, 0);
  useEffect(() => {
    const listener = milliseconds === 0 ? () => render() : throttled(() => render(), milliseconds);
    for (const part of watched) lab[part].addEventListener("change", listener);
    return () => watched.forEach((part) => lab[part].removeEventListener("change", listener));
  }, []);
  return lab;
}

/** The sum as the current model adds it, and the step that is chosen, or wrong, or least certain. */
export function useTrace() {
  const { models: { current: model }, sum: { a, b, step } } = lab;
  const trace = useMemo(() => inspectSum(model, a, b), [model, a, b]);
  return { model, trace, step: step ?? leastCertain(trace) };
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
