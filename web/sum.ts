import { QUERIES as STEPS } from "../src/model/vocabulary.ts";
import { Changes } from "./hooks.ts";

/** Milliseconds between two digits. */
const PACE = 280;

/** The sum that the page shows, and the step of it that is chosen. */
export class Sum extends Changes {
  a = 1234567890;
  b = 9876543210;
  step = 0;
  /** The number of answer tokens that are shown. */
  shown = STEPS;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Shows a sum digit by digit, ones first; at once to people who want no motion. */
  play(a: number, b: number): void {
    Object.assign(this, { a, b });
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#show(0, isStill ? STEPS : 1);
    if (isStill) return;
    this.#timer = setInterval(() => {
      this.step = this.shown++;
      if (this.shown === STEPS) clearInterval(this.#timer);
      this.changed();
    }, PACE);
  }

  select(step: number): void {
    this.#show(step, STEPS);
  }

  #show(step: number, shown: number): void {
    clearInterval(this.#timer);
    Object.assign(this, { step, shown });
    this.changed();
  }
}
