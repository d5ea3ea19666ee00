/**
 * The least margin that the kernels can compute over a part, from below. docs/certificate.md, "Forms", has the theory.
 *
 * Each number of the model is a form: x = x[0] + x[1 … 6] . t + sum x[7 …] d + x[LOOSE] d', with every d between -1 and 1; reach.ts says what t
 * is. The deviations d of the norms' scales and of the hidden units are the same in all forms, d' is each form's own.
 */
import { DEVIATIONS, FLOAT32, FLOAT64, PIECES as CHECKED_PIECES, UNDERFLOW } from "../checker/forms.ts";
import { GELU_CURVED, LEAST_GELU, NORM_ROUNDINGS } from "../checker/margin.ts";
import { outputRounding } from "../checker/query.ts";
import { KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";
import { HIDDEN, TOKENS, WIDTH } from "../model/variant.ts";
import { type Layers, TABLE_ERROR } from "./post_attention.ts";
import type { Reach } from "./reach.ts";

type Form = Float64Array;
/** After deviations with a name: of the norm's scale, of each hidden unit, of the last norm's scale. */
const LOOSE = DEVIATIONS + 1 + HIDDEN + 1;
/** After the parts the sum of their sizes. */
const SIZE = LOOSE + 1;
const forms = (count: number): Form[] => Array.from({ length: count }, () => new Float64Array(SIZE + 1));

/** Pieces in which GELU is looked at; what those of the checker lose is added to errors here. */
const PIECES = 8;
/** |gelu''| is not larger beyond 2 and -2 than the first, and beyond SETTLED than the second. */
const OUTER_CURVED = 0.12;
const SETTLED_CURVED = 5e-5;
/** Beyond it a hidden unit is nearly open or shut. */
const SETTLED = 5;
/** How margins are bounded, from quick and loose to slow and tight: by the sides, each position on its own, with ties. */
export type Level = "boxed" | "apart" | "tied";

export class MarginBound {
  readonly #o = forms(KEY_WIDTH);
  readonly #x1 = forms(WIDTH);
  readonly #hidden = forms(HIDDEN);
  readonly #activated = forms(HIDDEN);
  readonly #x2 = forms(WIDTH);
  readonly #logits = forms(TOKENS);
  readonly #margin = forms(1)[0];
  readonly #direction = this.#margin.subarray(1, DEVIATIONS);
  // of a norm: the mean of squares, its inverse root, and one output of the layer after it without either
  readonly #mean = forms(1)[0];
  readonly #scale = forms(1)[0];
  readonly #unscaled = forms(1)[0];
  readonly #factors = new Float64Array(KEY_WIDTH);

  constructor(private readonly layers: Layers, private readonly reach: Reach) {}

  /**
   * The least margin over the part that {@linkcode Reach.take} took; NaN or -Infinity where a number overflows.
   *
   * @param enough A bound that large need not be improved
   */
  least(level: Level, enough: number): number {
    const { reach } = this;
    const { target } = reach.part;
    const [margin, direction] = [this.#margin, this.#direction];
    if (!reach.isMeasured) this.#bound();
    let [least, competitor] = [Infinity, -1];
    for (let t = 0; t < TOKENS; t++) {
      if (t === target || this.#roughLow(target, t) >= enough) continue;
      this.#difference(target, t);
      let low = margin[0] - this.#radius(margin, 1);
      if (level !== "boxed" && !(low >= enough)) {
        const middle = margin[0] - this.#radius(margin, DEVIATIONS);
        const own = level === "tied" ? reach.least(direction, enough - middle) : reach.apart(direction);
        low = Math.max(low, middle + own);
      }
      if (!(low >= least)) [least, competitor] = [low, t];
    }
    if (competitor >= 0) this.#difference(target, competitor);
    return least === Infinity ? enough : least;
  }

  /** All forms but the margins'. */
  #bound(): void {
    const { reach } = this;
    const { part: { query, axes }, center, leastWeight } = reach;
    const { projection, w1, w2, output, finalNorm } = this.layers;
    reach.measureSides();
    const rounding = outputRounding(query, leastWeight);
    for (let l = 0; l < KEY_WIDTH; l++) {
      const form = this.#o[l];
      form[0] = center[l];
      for (let i = 0; i < KEY_WIDTH; i++) form[1 + i] = axes[i][l];
      form[LOOSE] = rounding[l] + reach.skew;
      this.#measure(form);
    }
    for (let m = 0; m < WIDTH; m++) {
      const form = this.#x1[m];
      this.#sum(form, projection[m], this.#o, KEY_WIDTH, WIDTH + 1, DEVIATIONS);
      for (const constant of [projection[m][KEY_WIDTH], query.x[m]]) {
        form[0] += constant;
        form[LOOSE] += ((WIDTH + 1) * FLOAT32 + FLOAT64) * Math.abs(constant);
      }
      this.#measure(form);
    }
    this.#normed(this.#x1, w1, this.#hidden, 0, DEVIATIONS);
    for (let k = 0; k < HIDDEN; k++) this.#activate(k);
    for (let m = 0; m < WIDTH; m++) {
      const [form, x1] = [this.#x2[m], this.#x1[m]];
      this.#sum(form, w2[m], this.#activated, HIDDEN, HIDDEN + 1, DEVIATIONS + 1);
      for (let k = 0; k < HIDDEN; k++) form[DEVIATIONS + 1 + k] = w2[m][k] * this.#activated[k][DEVIATIONS + 1 + k]; // each unit's own
      for (let k = 0; k <= LOOSE; k++) form[k] += x1[k];
      form[LOOSE] += ((HIDDEN + 1) * FLOAT32 + FLOAT64) * x1[SIZE];
      this.#measure(form);
    }
    if (finalNorm) this.#normed(this.#x2, output, this.#logits, 1 + HIDDEN, LOOSE);
  }

  /** What the least margin may take for each unit of t along each axis: by itself, and by the curve of each hidden unit. */
  losses(): Float64Array[] {
    const directionOf = (form: Form) => form.slice(1, DEVIATIONS);
    const curves = this.#hidden.map((form, k) => {
      const direction = directionOf(form);
      const range = direction.reduce((sum, value, l) => sum + Math.abs(value) * this.reach.sides[l], Number.MIN_VALUE);
      const weight = Math.abs(this.#margin[DEVIATIONS + 1 + k]) / range;
      return direction.map((value) => weight * value);
    });
    return [directionOf(this.#margin), ...curves];
  }

  /** A lower bound of a margin that takes hardly any time: most tokens are far from the target. */
  #roughLow(target: number, token: number): number {
    const { output, finalNorm } = this.layers;
    if (finalNorm) return -Infinity;
    let middle = 0;
    let deviation = 0;
    for (let m = 0; m < WIDTH; m++) {
      const right = output[target][m];
      const other = output[token][m];
      const x = this.#x2[m];
      middle += (right - other) * x[0];
      deviation += Math.abs(right - other) * (x[SIZE] - Math.abs(x[0])) +
        (Math.abs(right) + Math.abs(other)) * ((WIDTH + 1) * FLOAT32 * x[SIZE]);
    }
    return middle - deviation;
  }

  /** The form of the target's logit less another's. */
  #difference(target: number, token: number): void {
    const { output, finalNorm } = this.layers;
    const margin = this.#margin;
    if (finalNorm) {
      const [x, y] = [this.#logits[target], this.#logits[token]];
      for (let k = 0; k < LOOSE; k++) margin[k] = x[k] - y[k];
      margin[LOOSE] = x[LOOSE] + y[LOOSE] + FLOAT64 * (x[SIZE] + y[SIZE]) + UNDERFLOW;
    } else {
      margin.fill(0);
      margin[LOOSE] = UNDERFLOW;
      for (let m = 0; m < WIDTH; m++) {
        const right = output[target][m];
        const other = output[token][m];
        const x = this.#x2[m];
        for (let k = 0; k < LOOSE; k++) margin[k] += (right - other) * x[k];
        margin[LOOSE] += (Math.abs(right) + Math.abs(other)) * (x[LOOSE] + (WIDTH * FLOAT32 + 2 * FLOAT64) * x[SIZE]);
      }
    }
    this.#measure(margin);
  }

  /** `to` = the sum of the first forms, each times its factor; `roundings` to float32 of each term; of the forms' parts so many may be other than 0. */
  #sum(to: Form, factors: Float64Array, terms: readonly Form[], count: number, roundings: number, parts: number) {
    to.fill(0);
    let size = 0;
    for (let i = 0; i < count; i++) {
      const factor = factors[i];
      if (factor === 0) continue;
      const term = terms[i];
      for (let k = 0; k < parts; k++) to[k] += factor * term[k];
      const large = Math.abs(factor);
      to[LOOSE] += large * term[LOOSE];
      size += large * term[SIZE];
    }
    to[LOOSE] += (roundings * FLOAT32 + FLOAT64) * size + UNDERFLOW;
  }

  /** Writes down the sum of the sizes of a form's parts. */
  #measure(form: Form): void {
    const { sides } = this.reach;
    let size = Math.abs(form[0]);
    for (let l = 0; l < KEY_WIDTH; l++) size += Math.abs(form[1 + l]) * sides[l];
    for (let k = DEVIATIONS; k <= LOOSE; k++) size += Math.abs(form[k]);
    form[SIZE] = size;
  }

  /** How far the number can be from x[0], or from x[0] + w . t. @param from The first part that counts: 1, or DEVIATIONS */
  #radius(form: Form, from: number): number {
    let radius = FLOAT64 * form[SIZE];
    if (from === 1) return radius + form[SIZE] - Math.abs(form[0]);
    for (let k = from; k <= LOOSE; k++) radius += Math.abs(form[k]);
    return radius;
  }

  /** A norm of six forms and the linear layer after it; `name`: which deviation is that of its scale; `parts` of x may be other than 0. */
  #normed(x: readonly Form[], layer: Layers["w1"], to: readonly Form[], name: number, parts: number): void {
    const { epsilon, inverseWidth } = this.layers;
    const [mean, scale, unscaled] = [this.#mean, this.#scale, this.#unscaled];
    let squares = 0;
    let constant = epsilon;
    for (let c = 0; c < KEY_WIDTH; c++) {
      const value = x[c][0];
      squares += inverseWidth * this.#radius(x[c], 1) ** 2;
      constant -= inverseWidth * value * value;
      this.#factors[c] = 2 * inverseWidth * value;
    }
    this.#sum(mean, this.#factors, x, KEY_WIDTH, 0, parts);
    mean[0] += constant + squares / 2;
    mean[LOOSE] += FLOAT64 * Math.abs(constant + squares / 2);
    mean[LOOSE] += squares / 2 + FLOAT64 * squares;
    this.#measure(mean);
    // mean^(-1/2), which is convex: off a chord most where its derivative is the chord's slope
    const radius = this.#radius(mean, 1);
    const [lo, hi] = [Math.max(mean[0] - radius, epsilon), mean[0] + radius];
    const [atLo, atHi] = [1 / Math.sqrt(lo), 1 / Math.sqrt(hi)];
    const slope = hi > lo ? (atHi - atLo) / (hi - lo) : 0;
    const turn = Math.min(hi, Math.max(lo, (-2 * slope) ** (-2 / 3)));
    const least = 1 / Math.sqrt(turn) - slope * turn;
    const most = Math.max(atLo - slope * lo, atHi - slope * hi);
    const curved = 0.75 * lo ** -2.5 * ((hi - lo) / CHECKED_PIECES) ** 2 / 8;
    const error = (most - least) / 2 + curved + NORM_ROUNDINGS * FLOAT32 * atLo + FLOAT64 * (atLo - slope * hi);
    this.#line(scale, mean, slope, (most + least) / 2, error, name);
    const r0 = scale[0];
    for (let row = 0; row < to.length; row++) {
      this.#sum(unscaled, layer[row], x, KEY_WIDTH, WIDTH + 2, parts);
      this.#measure(unscaled);
      const out = to[row];
      const value = unscaled[0];
      const bias = layer[row][KEY_WIDTH];
      for (let k = 0; k < LOOSE; k++) out[k] = r0 * unscaled[k] + value * scale[k];
      out[0] += bias - r0 * value;
      out[LOOSE] = Math.abs(r0) * unscaled[LOOSE] + UNDERFLOW +
        FLOAT64 * (2 * Math.abs(r0) * unscaled[SIZE] + 2 * Math.abs(value) * scale[SIZE]) +
        (WIDTH + 2) * FLOAT32 * Math.abs(bias) +
        this.#radius(scale, 1) * this.#radius(unscaled, 1) * (1 + FLOAT64);
      this.#measure(out);
    }
  }

  /** `to` = slope x + middle, give or take `error` and what is loose in x, which get a name together. */
  #line(to: Form, x: Form, slope: number, middle: number, error: number, name: number): void {
    for (let k = 0; k < LOOSE; k++) to[k] = slope * x[k];
    to[0] += middle;
    to[LOOSE] = 0;
    to[DEVIATIONS + name] = Math.abs(slope) * x[LOOSE] + error +
      FLOAT64 * (Math.abs(slope) * x[SIZE] + Math.abs(middle));
    this.#measure(to);
  }

  /** GELU of hidden unit k, as the kernels compute it. */
  #activate(k: number): void {
    const x = this.#hidden[k];
    const radius = this.#radius(x, 1);
    const lo = x[0] - radius;
    const hi = x[0] + radius;
    const isSettled = lo > SETTLED || hi < -SETTLED;
    const { gelu, geluError: { relative, absolute } } = this.layers;
    const pieces = isSettled ? 2 : PIECES;
    const step = (hi - lo) / pieces;
    const atLo = gelu(lo);
    const atHi = gelu(hi);
    const slope = hi > lo ? (atHi - atLo) / (hi - lo) : 0;
    let least = Math.min(atLo - slope * lo, atHi - slope * hi);
    let most = Math.max(atLo - slope * lo, atHi - slope * hi);
    for (let i = 1; i < pieces; i++) {
      const rest = gelu(lo + i * step) - slope * (lo + i * step);
      least = rest < least ? rest : least;
      most = rest > most ? rest : most;
    }
    const curved = (isSettled ? SETTLED_CURVED : lo > 2 || hi < -2 ? OUTER_CURVED : GELU_CURVED) * step * step / 8 +
      GELU_CURVED * ((hi - lo) / CHECKED_PIECES) ** 2 / 8;
    const error = (most - least) / 2 + curved + 2 * TABLE_ERROR +
      relative * Math.max(Math.abs(atLo), Math.abs(atHi), LEAST_GELU) +
      (absolute + FLOAT64) * Math.max(Math.abs(lo), Math.abs(hi));
    this.#line(this.#activated[k], x, slope, (most + least) / 2, error, 1 + k);
  }
}
