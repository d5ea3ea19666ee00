/**
 * Numbers that a kernel computes, as functions of what is not known about the input.
 *
 * docs/certificate.md explains this file under "Forms".
 */
import { KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";
import { type Reach } from "./attention.ts";
import type { Range } from "./query.ts";
import { FLOAT32, FLOAT64, UNDERFLOW } from "./rounding.ts";

/**
 * x = x[0] + (x[1], …, x[6]) . (o - center) + x[7] d_1 + … + x[n - 1] d_(n - 7) + x[n] d, for every input of a part, where o is the attention's
 * output and each d lies between -1 and 1. The deviations d_i are the same in all forms of a part; the last one, `loose`, is each form's own.
 */
export type Form = number[];

/** The forms of a part: how wide o - center is, and which deviations have a name. */
export class Forms {
  readonly #sides: ArrayLike<number>;
  /** Index of `loose`. */
  readonly #loose: number;
  #named = 0;

  /**
   * @param sides How far each coordinate of o can be from the center, [6]
   * @param deviations How many names there will be
   */
  constructor(sides: ArrayLike<number>, deviations: number) {
    this.#sides = sides;
    this.#loose = 1 + KEY_WIDTH + deviations;
  }

  /** A number that does not depend on the input. */
  constant(value: number): Form {
    const form: Form = [value];
    for (let k = 1; k <= this.#loose; k++) form.push(0);
    return form;
  }

  /** Coordinate l of o, as a kernel computes it. */
  coordinate(l: number, center: number, rounding: number): Form {
    const form = this.constant(center);
    form[1 + l] = 1;
    form[this.#loose] = rounding;
    return form;
  }

  /**
   * The sum of terms, each times its factor.
   *
   * @param roundings To float32, at most so many of each term; 0 where the kernels compute no such sum
   */
  sum(factors: ArrayLike<number>, terms: readonly Form[], roundings: number): Form {
    const total = this.constant(0);
    let size = 0;
    for (let i = 0; i < terms.length; i++) {
      const [factor, term] = [factors[i], terms[i]];
      if (factor === 0) continue;
      for (let k = 0; k < this.#loose; k++) total[k] += factor * term[k];
      total[this.#loose] += Math.abs(factor) * term[this.#loose];
      size += Math.abs(factor) * this.size(term);
    }
    total[this.#loose] += (roundings * FLOAT32 + FLOAT64) * size + UNDERFLOW;
    return total;
  }

  /** No input makes the number larger than that, nor any part of the sum that the form is. */
  size(form: Form): number {
    let size = Math.abs(form[0]);
    for (let l = 0; l < KEY_WIDTH; l++) size += Math.abs(form[1 + l]) * this.#sides[l];
    for (let k = 1 + KEY_WIDTH; k < form.length; k++) size += Math.abs(form[k]);
    return size;
  }

  /** Between what the number lies, by `reach`, which bounds w . (o - center). */
  range(form: Form, reach: Reach): Range {
    const [lo, hi] = reach(form.slice(1, 1 + KEY_WIDTH));
    let deviation = FLOAT64 * this.size(form);
    for (let k = 1 + KEY_WIDTH; k < form.length; k++) deviation += Math.abs(form[k]);
    return [form[0] + lo - deviation, form[0] + hi + deviation];
  }

  /** slope x + middle, give or take `add`: what is loose in x and what is added get one name. */
  named(slope: number, form: Form, middle: number, add: number): Form {
    const line = form.map((part) => slope * part);
    line[0] += middle;
    const loose = Math.abs(line[this.#loose]) + add + FLOAT64 * (Math.abs(slope) * this.size(form) + Math.abs(middle));
    line[this.#loose] = 0;
    line[1 + KEY_WIDTH + this.#named++] = loose;
    return line;
  }

  /** The product of two numbers: x0 y0 + x0 (y - y0) + y0 (x - x0) and, loose, (x - x0) (y - y0), each of which lies in its range. */
  product(x: Form, [loX, hiX]: Range, y: Form, [loY, hiY]: Range): Form {
    const product = this.sum([x[0], y[0]], [y, x], 0);
    product[0] -= x[0] * y[0];
    const deviations = Math.max(hiX - x[0], x[0] - loX) * Math.max(hiY - y[0], y[0] - loY);
    return this.loosen(product, deviations * (1 + FLOAT64) + FLOAT64 * Math.abs(x[0] * y[0]));
  }

  /** Adds to what is loose. */
  loosen(form: Form, by: number): Form {
    form[this.#loose] += by;
    return form;
  }
}
