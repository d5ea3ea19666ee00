/** Points for each factor of ten. */
const PER_DECADE = 150;

/** A curve for a logarithmic axis of steps 1, 2, …, added in order: points that would share a pixel are averaged. */
export class Curve {
  /** The step of each point: the last step in its mean. */
  readonly steps: number[] = [];
  readonly values: number[] = [];
  #cell = NaN;
  #count = 0;

  add(step: number, value: number): void {
    const cell = Math.floor(Math.log10(step) * PER_DECADE);
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

  /** The value at a step; undefined before the first one. */
  at(step: number): number | undefined {
    return this.values[this.steps.findLastIndex((known) => known <= step)];
  }
}
