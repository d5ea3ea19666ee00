import { useMemo } from "preact/hooks";
import { inspectSum } from "../src/inspection/sum.ts";
import { QUERIES, targetTokens } from "../src/model/vocabulary.ts";
import { Changes } from "./hooks.ts";
import { models } from "./models.ts";

class Sum extends Changes {
  a = 1234567890;
  b = 9876543210;
  /** Undefined: the step that is wrong or least certain, also while the model changes. */
  step: number | undefined;
  /** The number of answer tokens that the page has written. */
  written = QUERIES;
  plays = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Shows a sum digit by digit, ones first; at once to people who want no motion. */
  play(a: number, b: number): void {
    Object.assign(this, { a, b, plays: this.plays + 1 });
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this.show(undefined);
    this.show(0, 1);
    this.#timer = setInterval(() => {
      if (this.written === QUERIES - 1) return this.show(undefined);
      this.step = this.written++;
      this.changed();
    }, 280);
  }

  /** Shows a step, or undefined: follows the one that is wrong or least certain. */
  show(step: number | undefined, written = QUERIES): void {
    clearInterval(this.#timer);
    Object.assign(this, { step, written });
    this.changed();
  }
}

export const sum = new Sum();

/** The sum as the current model adds it, and the step that is chosen, or else the first wrong one, or that with the smallest margin. */
export function useTrace() {
  const { current: model } = models;
  const { a, b } = sum;
  const trace = useMemo(() => inspectSum(model, a, b), [model, a, b]);
  const targets = targetTokens(a, b);
  const { steps } = trace;
  const uncertain = steps.find(({ token }, i) => token !== targets[i]) ??
    steps.reduce((least, step) => step.margin < least.margin ? step : least);
  return { model, trace, step: sum.step ?? uncertain.step };
}
