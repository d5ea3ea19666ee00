/**
 * The least margin that the kernels can compute over a part: by how much the right token's logit exceeds every other.
 *
 * docs/certificate.md explains this file under "Forms", "Norms" and "GELU".
 */
import { GELU } from "../engine/reference/gelu.ts";
import { type DecodingNumbers, KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";
import { HIDDEN, TOKENS, variantOf, WIDTH } from "../model/variant.ts";
import type { Attention, Reach } from "./attention.ts";
import { GELU_ERROR, GELU_UNDERFLOW } from "./elementary_bounds.ts";
import { type Form, Forms } from "./forms.ts";
import type { Query, Range } from "./query.ts";
import { FLOAT32, FLOAT64 } from "./rounding.ts";

/** Pieces in which GELU is looked at. */
const PIECES = 8;
/** |gelu''| is nowhere larger, and beyond 2 and -2 not larger than the second number ("GELU"). */
const BEND = 0.8;
const OUTER_BEND = 0.12;
/** Beyond this and its negative a hidden unit is open or shut, and |gelu''| not larger than the second number. */
const SETTLED = 5;
const SETTLED_BEND = 5e-5;
const SEVENTH = Math.fround(1 / WIDTH);
/** Of 1 / sqrt(mean + epsilon): half the roundings of the squares and their sum, and those of the root and the quotient. */
const NORM_ROUNDINGS = 8;

/** The numbers above the attention, as float64. */
export class Layers {
  readonly #projection: number[][];
  readonly #w1: number[][];
  readonly #w2: number[][];
  readonly #output: number[][];
  readonly #finalNorm: boolean;
  readonly #gelu: "erf" | "tanh";
  readonly #epsilon: number;

  constructor({ model, projection, w1, w2, output }: DecodingNumbers) {
    const variant = variantOf(model);
    const rows = (matrix: Float32Array, columns: number) =>
      Array.from(
        { length: matrix.length / columns },
        (_, i) => Array.from(matrix.subarray(i * columns, (i + 1) * columns)),
      );
    this.#projection = rows(projection, KEY_WIDTH + 1);
    this.#w1 = rows(w1, KEY_WIDTH + 1);
    this.#w2 = rows(w2, HIDDEN);
    this.#output = rows(output, WIDTH);
    this.#finalNorm = variant.finalNorm;
    this.#gelu = variant.gelu;
    this.#epsilon = Math.fround(variant.layerNormEpsilon);
  }

  /** Whether every margin over a part is at least `claim`, by ranges of two kinds: for the curves, and for the margins themselves. */
  hold(
    { x }: Query,
    target: number,
    { center, sides, rounding, boxed }: Attention,
    claim: number,
    curves: Reach,
    margins: Reach,
  ): boolean {
    const forms = new Forms(sides, 1 + HIDDEN + 1);
    const one = forms.constant(1);
    const o = Array.from(center, (value, l) => forms.coordinate(l, value, rounding[l]));
    const x1 = this.#projection.map((row, m) => forms.sum([...row, x[m]], [...o, one, one], WIDTH + 1));
    const hidden = this.#normed(forms, x1, this.#w1, curves);
    const activated = hidden.map((h) => this.#activate(forms, h, curves, boxed));
    const x2 = x1.map((x, m) => forms.sum([...this.#w2[m], 1], [...activated, x], HIDDEN + 1));
    const logits = this.#finalNorm
      ? this.#normed(forms, x2, this.#output, curves)
      : this.#output.map((row) => forms.sum(row, x2, WIDTH));
    return logits.every((logit, token) => {
      if (token === target) return true;
      const margin = forms.sum([1, -1], [logits[target], logit], 0);
      return forms.range(margin, boxed)[0] >= claim || forms.range(margin, margins)[0] >= claim;
    });
  }

  /**
   * A norm and the linear layer after it, [out, 6 coordinates and a bias]: r times what the layer makes of x, and the bias. r is the inverse root
   * of the mean of squares of the six coordinates.
   */
  #normed(forms: Forms, x: readonly Form[], layer: readonly number[][], reach: Reach): Form[] {
    const inputs = x.slice(0, KEY_WIDTH);
    // (x0 + y)^2 = x0^2 + 2 x0 y + y^2
    let [least, most, lo, hi, constant] = [0, 0, this.#epsilon, this.#epsilon, this.#epsilon];
    for (const form of inputs) {
      const [from, to] = forms.range(form, reach);
      const deviations = squareRange(from - form[0], to - form[0]);
      const squares = squareRange(from, to);
      least += SEVENTH * deviations[0];
      most += SEVENTH * deviations[1];
      lo += SEVENTH * squares[0];
      hi += SEVENTH * squares[1];
      constant -= SEVENTH * form[0] ** 2;
    }
    const factors = [...inputs.map((form) => 2 * SEVENTH * form[0]), constant + (least + most) / 2];
    const mean = forms.sum(factors, [...inputs, forms.constant(1)], 0);
    forms.loosen(mean, (most - least) / 2 + FLOAT64 * most);
    const [meanLo, meanHi] = forms.range(mean, reach);
    const r = inverseRoot(forms, mean, Math.max(meanLo, lo * (1 - FLOAT64)), Math.min(meanHi, hi * (1 + FLOAT64)));
    const rangeR = forms.range(r, reach);
    const sizes = inputs.map((form) => forms.size(form));
    return layer.map((row) => {
      const centered = forms.sum(row.slice(0, KEY_WIDTH), inputs, 0);
      const product = forms.product(r, rangeR, centered, forms.range(centered, reach));
      const bias = row[KEY_WIDTH];
      product[0] += bias;
      const size = sizes.reduce((sum, size, c) => sum + Math.abs(row[c]) * size, 0) * rangeR[1] + Math.abs(bias);
      return forms.loosen(product, (WIDTH + 2) * FLOAT32 * size);
    });
  }

  /** GELU, as the kernels compute it. */
  #activate(forms: Forms, h: Form, reach: Reach, boxed: Reach): Form {
    const gelu = GELU[this.#gelu].value;
    const { relative, absolute } = GELU_ERROR[this.#gelu];
    let [lo, hi] = forms.range(h, boxed);
    const isSettled = lo > SETTLED || hi < -SETTLED; // then this range will do
    if (!isSettled) [lo, hi] = forms.range(h, reach);
    const pieces = isSettled ? 2 : PIECES;
    const step = (hi - lo) / pieces;
    const ends = [gelu(lo), gelu(hi)];
    const slope = hi > lo ? (ends[1] - ends[0]) / (hi - lo) : 0;
    // gelu(x) - slope x at the ends of the pieces; between them it is off a chord by at most |gelu''| step^2 / 8
    let [least, most] = [Infinity, -Infinity];
    for (let i = 0; i <= pieces; i++) {
      const at = lo + i * step;
      const rest = (i === 0 ? ends[0] : i === pieces ? ends[1] : gelu(at)) - slope * at;
      least = Math.min(least, rest);
      most = Math.max(most, rest);
    }
    const bend = (isSettled ? SETTLED_BEND : lo > 2 || hi < -2 ? OUTER_BEND : BEND) * step ** 2 / 8;
    const largest = Math.max(Math.abs(ends[0]), Math.abs(ends[1]), 0.171); // the least GELU is -0.17
    const size = Math.max(Math.abs(lo), Math.abs(hi));
    const error = (most - least) / 2 + bend + relative * largest + (absolute + FLOAT64) * size + GELU_UNDERFLOW;
    return forms.named(slope, h, (most + least) / 2, error);
  }
}

/** Between what y^2 lies. */
function squareRange(lo: number, hi: number): Range {
  return [lo > 0 ? lo ** 2 : hi < 0 ? hi ** 2 : 0, Math.max(lo ** 2, hi ** 2)];
}

/**
 * x^(-1/2) of a number between lo and hi, as the kernels compute it. It is convex: x^(-1/2) - slope x is largest at an end, and least where the
 * derivative -x^(-3/2) / 2 is the slope.
 */
function inverseRoot(forms: Forms, form: Form, lo: number, hi: number): Form {
  const [atLo, atHi] = [1 / Math.sqrt(lo), 1 / Math.sqrt(hi)];
  const slope = hi > lo ? (atHi - atLo) / (hi - lo) : 0;
  const turn = Math.min(hi, Math.max(lo, (-2 * slope) ** (-2 / 3)));
  const least = 1 / Math.sqrt(turn) - slope * turn;
  const most = Math.max(atLo - slope * lo, atHi - slope * hi);
  const error = (most - least) / 2 + NORM_ROUNDINGS * FLOAT32 * atLo + FLOAT64 * (atLo - slope * hi);
  return forms.named(slope, form, (most + least) / 2, error);
}
