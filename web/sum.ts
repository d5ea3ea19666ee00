import { QUERIES as STEPS } from "../src/model/vocabulary.ts";
import { Changes } from "./hooks.ts";

/** Milliseconds between two digits. */
const PACE = 280;

/** The sum that the page shows, and the step of it that is chosen. */
export class Sum extends Changes {
  a = 1234567890;
  b = 9876543210;
  /** Undefined: the step that is wrong or least certain, also while the model changes. */
  step: number | undefined;
  /** The number of answer tokens that the page has written. */
  written = STEPS;
  /** How often a sum was played. */
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
    }, PACE);
  }

  select(step: number): void {
    this.#show(step, STEPS);
  }

  #show(step: number | undefined, written: number): void {
    clearInterval(this.#timer);
    Object.assign(this, { step, written });
    this.changed();
  }
}
