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
const PIECES = 32;

export type Range = readonly [lo: number, hi: number];

/** What is known of six numbers t, which an input determines. */
export interface Domain {
  /** How large each of them can be. */
  readonly sides: ArrayLike<number>;
  /** Between what w . t lies. @param rounds How hard is tried to find a tight bound; 0: by the sides alone */
  range(w: ArrayLike<number>, rounds: number): Range;
}

/**
 * x = x[0] + (x[1], …, x[6]) . t + x[7] d_1 + … + x[n - 1] d_(n - 7) + x[n] d, for every input of a part, where each d lies between
 * -1 and 1. The deviations d_i are the same in all forms of a part; the last one, `loose`, is each form's own.
 */
export type Form = number[];

/** The forms of a part. */
export class Forms {
  readonly #domain: Domain;
  readonly #zero: Form;
  /** The index of `loose`. */
  readonly #loose: number;
  /** The index of the next deviation that gets a name. */
  #named = 1 + KEY_WIDTH;

  /** @param deviations How many will have a name */
  constructor(domain: Domain, deviations: number) {
    this.#domain = domain;
    this.#loose = 1 + KEY_WIDTH + deviations;
    this.#zero = [0.5, ...new Float64Array(this.#loose)];
  }

  /** center + w . t, give or take `loose`. */
  linear(center: number, w: readonly number[] = [], loose = 0): Form {
    const form = this.#zero.slice();
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
    const total = this.linear(0);
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
    for (let l = 0; l < KEY_WIDTH; l++) size += Math.abs(form[1 + l]) * this.#domain.sides[l];
    return size + deviationOf(form);
  }

  /** Between what the number lies. */
  range(form: Form, rounds: number): Range {
    const [lo, hi] = this.#domain.range(form.slice(1, 1 + KEY_WIDTH), rounds);
    const deviation = deviationOf(form) + FLOAT64 * this.size(form);
    return [form[0] + lo - deviation, form[0] + hi + deviation];
  }

  /** The product of two numbers in ranges with middles m and n: m y + n x - m n and, loose, (x - m) (y - n). */
  product(x: Form, rangeX: Range, y: Form, rangeY: Range): Form {
    const [[m, halfX], [n, halfY]] = [middleOf(rangeX), middleOf(rangeY)];
    const product = this.sum([m, n], [y, x], 0);
    product[0] -= m * n;
    return this.loosen(product, halfX * halfY * (1 + FLOAT64) + FLOAT64 * Math.abs(m * n));
  }

  /** The square of a number in a range with the middle m: 2 m x - m^2 and (x - m)^2, which is at least 0. */
  square(x: Form, range: Range): Form {
    const [m, half] = middleOf(range);
    const square = this.sum([2 * m], [x], 0);
    square[0] += half ** 2 / 2 - m ** 2;
    return this.loosen(square, half ** 2 / 2 * (1 + FLOAT64) + FLOAT64 * m ** 2);
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
    let [least, most, size] = [Infinity, -Infinity, 0];
    for (let i = 0; i <= PIECES; i++) {
      const at = lo + i * step;
      const value = f(at);
      least = Math.min(least, value - slope * at);
      most = Math.max(most, value - slope * at);
      size = Math.max(size, Math.abs(value) + Math.abs(slope * at));
    }
    const line = x.map((part) => slope * part);
    line[0] += (most + least) / 2;
    line[this.#named++] = Math.abs(line[this.#loose]) + (most - least) / 2 + mostCurved * step ** 2 / 8 + error +
      FLOAT64 * (size + Math.abs(slope) * this.size(x));
    line[this.#loose] = 0;
    return line;
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

/** The middle of a range, and how far the ends are from it. */
function middleOf([lo, hi]: Range): [middle: number, half: number] {
  return [(lo + hi) / 2, (hi - lo) / 2];
}
