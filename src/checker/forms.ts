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
/** Pieces in which a curve is looked at. */
export const PIECES = 32;

export type Range = readonly [lo: number, hi: number];

/**
 * x = x[0] + (x[1], …, x[6]) . t + x[7] d_1 + … + x[n - 1] d_(n - 7) + x[n] d, for every input of a part, where each d lies between
 * -1 and 1. The deviations d_i are the same in all forms of a part; the last one, `loose`, is each form's own.
 */
export type Form = number[];
/** The index of the first deviation. */
export const DEVIATIONS = 1 + KEY_WIDTH;

/** The forms of a part. */
export class Forms {
  /** At most the size of what each number of a form is multiplied by. */
  readonly #factors: Form;
  /** The index of `loose`. */
  readonly #loose: number;
  /** The index of the next deviation that gets a name. */
  #named = DEVIATIONS;

  /**
   * @param sides How large each of the six t can be
   * @param deviations How many will have a name
   */
  constructor(sides: readonly number[], deviations: number) {
    this.#loose = DEVIATIONS + deviations;
    this.#factors = [1, ...sides, ...new Array<number>(deviations + 1).fill(1)];
  }

  /** center + w . t, give or take `loose`. */
  linear(center: number, w: readonly number[] = [], loose = 0): Form {
    const form = new Array<number>(this.#factors.length).fill(0);
    form[0] = center;
    for (let l = 0; l < w.length; l++) form[1 + l] = w[l];
    return this.loosen(form, loose);
  }

  /**
   * The sum of terms, each times its factor.
   *
   * @param roundings To float32, at most so many of each term; 0 where the kernels compute no such sum
   */
  sum(factors: ArrayLike<number>, terms: readonly Form[], roundings: number): Form {
    const sum = this.linear(0);
    let size = 0;
    for (let i = 0; i < terms.length; i++) {
      const [factor, term] = [factors[i], terms[i]];
      if (factor === 0) continue;
      for (let k = 0; k < this.#named; k++) sum[k] += factor * term[k];
      sum[this.#loose] += Math.abs(factor) * term[this.#loose];
      size += Math.abs(factor) * this.size(term);
    }
    return this.loosen(sum, (roundings * FLOAT32 + FLOAT64) * size + UNDERFLOW);
  }

  /** No input makes the number larger than that, nor any part of the sum that the form is. @param from The first of its parts that counts */
  size(form: Form, from = 0): number {
    let size = 0;
    for (let k = from; k < form.length; k++) size += Math.abs(form[k]) * this.#factors[k];
    return size;
  }

  /** How far the number can be from x[0], or from x[0] + w . t. @param from The first of its parts that counts: 1, or DEVIATIONS */
  radius(form: Form, from = 1): number {
    return this.size(form, from) + FLOAT64 * this.size(form);
  }

  /** Between what the number lies. */
  range(form: Form): Range {
    const radius = this.radius(form);
    return [form[0] - radius, form[0] + radius];
  }

  /** The product of two numbers with the middles m and n: m y + n x - m n and, loose, (x - m) (y - n). */
  product(x: Form, y: Form): Form {
    const [m, n] = [x[0], y[0]];
    const product = this.sum([m, n], [y, x], 0);
    product[0] -= m * n;
    return this.loosen(product, this.radius(x) * this.radius(y) * (1 + FLOAT64) + FLOAT64 * Math.abs(m * n));
  }

  /** The square of a number with the middle m: 2 m x - m^2 and, loose, (x - m)^2, which is at least 0. */
  square(x: Form): Form {
    const half = this.radius(x) ** 2 / 2;
    const square = this.product(x, x);
    square[0] += half;
    return this.loosen(square, -half);
  }

  /**
   * f(x) of a number in a range: a line, and one deviation with a name that also takes over what is loose in x.
   *
   * @param mostCurved The largest |f''| there
   * @param error By how much a kernel's f(x) may be off
   */
  curve(x: Form, [lo, hi]: Range, f: (x: number) => number, mostCurved: number, error: number): Form {
    const step = (hi - lo) / PIECES;
    const slope = hi > lo ? (f(hi) - f(lo)) / (hi - lo) : 0;
    // f(x) - slope x at the ends of the pieces; between them it is off a chord by at most |f''| step^2 / 8
    let [least, most] = [Infinity, -Infinity];
    for (let i = 0; i <= PIECES; i++) {
      const rest = f(lo + i * step) - slope * (lo + i * step);
      least = Math.min(least, rest);
      most = Math.max(most, rest);
    }
    const size = Math.max(-least, most) + Math.abs(slope) * (2 * Math.max(-lo, hi) + this.size(x));
    const line = x.map((part) => slope * part);
    line[0] += (most + least) / 2;
    line[this.#named++] = Math.abs(line[this.#loose]) + (most - least) / 2 + mostCurved * step ** 2 / 8 + error +
      FLOAT64 * size;
    line[this.#loose] = 0;
    return line;
  }

  /** Adds to what is loose. */
  loosen(form: Form, by: number): Form {
    form[this.#loose] += by;
    return form;
  }
}
