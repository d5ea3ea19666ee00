import type { SumInspection } from "../src/inspection/sum.ts";
import { QUERIES as STEPS, targetTokens } from "../src/model/vocabulary.ts";
import { Changes } from "./changes.ts";

/** The sum that the page shows, and the step of it that is chosen. */
export class Sum extends Changes {
  a = 1234567890;
  b = 9876543210;
  /** Undefined: the step that is wrong or least certain, also while the model changes. */
  step: number | undefined;
  /** The number of answer tokens that the page has written. */
  written = STEPS;
  plays = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Shows a sum digit by digit, ones first; at once to people who want no motion. */
  play(a: number, b: number): void {
    Object.assign(this, { a, b, plays: this.plays + 1 });
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#show(isStill ? undefined : 0, isStill ? STEPS : 1);
    if (isStill) return;
    this.#timer = setInterval(() => {
      if (this.written === STEPS - 1) return this.#show(undefined, STEPS);
      this.step = this.written++;
      this.changed();
    }, 280);
  }

  /** Shows a step, or undefined: follows the one that is wrong or least certain. */
  select(step: number | undefined): void {
    this.#show(step, STEPS);
  }

  #show(step: number | undefined, written: number): void {
    clearInterval(this.#timer);
    Object.assign(this, { step, written });
    this.changed();
  }
}

/** The first step that writes a wrong token, or that with the smallest margin. */
export function leastCertain({ a, b, steps }: SumInspection): number {
  const targets = targetTokens(a, b);
  const wrong = steps.findIndex(({ token }, i) => token !== targets[i]);
  return wrong >= 0 ? wrong : steps.reduce((least, step) => step.margin < least.margin ? step : least).step;
}
