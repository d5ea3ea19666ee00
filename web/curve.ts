/**
 * Curves on a logarithmic axis of steps: points that would fall on the same pixel are one, their mean.
 *
 * @module
 */

/** Points for each factor of ten. */
const PER_DECADE = 150;

/** The cell of the axis that a step falls into. */
function cellOf(step: number): number {
  return Math.floor(Math.log10(step) * PER_DECADE);
}

/** A curve over steps 1, 2, …, which come in order. */
export class Curve {
  /** The step of each point: the last one that is in its mean. */
  readonly steps: number[] = [];
  /** The mean of each point. */
  readonly values: number[] = [];
  #cell = NaN;
  #count = 0;

  /** Adds the value of a step. */
  add(step: number, value: number): void {
    const cell = cellOf(step);
    if (cell !== this.#cell) {
      this.#cell = cell;
      this.#count = 0;
      this.steps.push(step);
      this.values.push(value);
    }
    this.#count++;
    const last = this.steps.length - 1;
    this.steps[last] = step;
    this.values[last] += (value - this.values[last]) / this.#count;
  }

  /** Forgets all points. */
  clear(): void {
    this.steps.length = 0;
    this.values.length = 0;
    this.#cell = NaN;
  }
}
