/**
 * Numbers that a kernel computes, as functions of what is not known about the input.
 *
 * docs/certificate.md explains this file under "Forms" and "Rounding".
 */
import { KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";

/** One rounding to float32 changes a number by at most this share of it; a little more is taken, for products of such shares. */
export const FLOAT32 = 2 ** -24 + 2 ** -40;
/** The same for a sum of up to some thousand float64 numbers, as a share of the sum of their sizes: 2^12 roundings of 2^-53, and more. */
export const FLOAT64 = 2 ** -40;
/** More than float32 loses, at 2^-150 each, in a sum of products that are too small for it, times a factor of up to 2^40 that may follow. */
export const UNDERFLOW = 2 ** -100;

export type Range = readonly [lo: number, hi: number];

/** A way to bound w . (o - center) over a part, where o is the attention's output. */
export type Reach = (w: ArrayLike<number>) => Range;

/**
 * x = x[0] + (x[1], …, x[6]) . (o - center) + x[7] d_1 + … + x[n - 1] d_(n - 7) + x[n] d, for every input of a part, where each d lies between
 * -1 and 1. The deviations d_i are the same in all forms of a part; the last one, `loose`, is each form's own.
 */
export type Form = number[];

/** The forms of a part. */
export class Forms {
  readonly #sides: ArrayLike<number>;
  readonly #zero: Form;
  /** The index of `loose`. */
  readonly #loose: number;
  /** The index of the next deviation that gets a name. */
  #named = 1 + KEY_WIDTH;

  /**
   * @param sides How far each coordinate of o can be from the center, [6]
   * @param deviations How many will have a name
   */
  constructor(sides: ArrayLike<number>, deviations: number) {
    this.#sides = sides;
    this.#loose = 1 + KEY_WIDTH + deviations;
    this.#zero = [0.5, ...new Float64Array(this.#loose)];
  }

  /** A number that does not depend on the input. */
  constant(value: number): Form {
    const form = this.#zero.slice();
    form[0] = value;
    return form;
  }

  /** Coordinate l of o, as a kernel computes it. */
  coordinate(l: number, center: number, rounding: number): Form {
    const form = this.constant(center);
    form[1 + l] = 1;
    return this.loosen(form, rounding);
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
      for (let k = 0; k < this.#named; k++) total[k] += factor * term[k];
      total[this.#loose] += Math.abs(factor) * term[this.#loose];
      size += Math.abs(factor) * this.size(term);
    }
    return this.loosen(total, (roundings * FLOAT32 + FLOAT64) * size + UNDERFLOW);
  }

  /** No input makes the number larger than that, nor any part of the sum that the form is. */
  size(form: Form): number {
    let size = Math.abs(form[0]);
    for (let l = 0; l < KEY_WIDTH; l++) size += Math.abs(form[1 + l]) * this.#sides[l];
    return size + deviationOf(form);
  }

  /** Between what the number lies. */
  range(form: Form, reach: Reach): Range {
    const [lo, hi] = reach(form.slice(1, 1 + KEY_WIDTH));
    const deviation = deviationOf(form) + FLOAT64 * this.size(form);
    return [form[0] + lo - deviation, form[0] + hi + deviation];
  }

  /** slope x + middle, give or take `add`: what is loose in x and what is added get one name. */
  named(slope: number, form: Form, middle: number, add: number): Form {
    const line = form.map((part) => slope * part);
    line[0] += middle;
    line[this.#named++] = Math.abs(line[this.#loose]) + add +
      FLOAT64 * (Math.abs(slope) * this.size(form) + Math.abs(middle));
    line[this.#loose] = 0;
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

/** The sum of the sizes of all deviations. */
function deviationOf(form: Form): number {
  let total = 0;
  for (let k = 1 + KEY_WIDTH; k < form.length; k++) total += Math.abs(form[k]);
  return total;
}
