/**
 * The least margin that the kernels can compute over a part, from below. docs/certificate.md, "Forms", has the theory.
 *
 * Each number of the model is a form: x = x[0] + x[1 … 6] . (o - center) + sum x[7 …] d + x[last] d', with every d between -1 and 1. Forms lie one
 * after the other in one array. The deviations d of the norms' scales and of the hidden units are the same in all forms, d' is each form's own.
 */
import { type DecodingNumbers, KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";
import { GELU_ERROR } from "../checker/elementary_bounds.ts";
import { FLOAT32, FLOAT64, UNDERFLOW } from "../checker/forms.ts";
import { HIDDEN, TOKENS, variantOf, WIDTH } from "../model/variant.ts";
import type { Part } from "./groups.ts";
import { TABLE_ERROR, tabulatedGelu } from "./post_attention.ts";
import type { Query } from "./query.ts";
import type { Reach, Way } from "./reach.ts";

/** Deviations with a name: of the norm's scale, of each hidden unit, of the last norm's scale. */
const NAMED = 1 + HIDDEN + 1;
const LOOSE = 1 + KEY_WIDTH + NAMED;
const FORM = LOOSE + 1;
/** Parts of a form without deviations that have a name. */
const PLAIN = 1 + KEY_WIDTH;
// the forms by number
const O = 0;
const X1 = O + KEY_WIDTH;
const MEAN = X1 + WIDTH;
const SCALE = MEAN + 1;
const CENTERED = SCALE + 1;
const H = CENTERED + HIDDEN;
const G = H + HIDDEN;
const X2 = G + HIDDEN;
const LOGITS = X2 + WIDTH;
const MARGIN = LOGITS + TOKENS;
/** As CENTERED, before the final norm. */
const CENTERED2 = MARGIN + 1;
const FORMS = CENTERED2 + TOKENS;

/** Pieces in which GELU is looked at. */
const PIECES = 8;
/** Pieces of a curve that the checker looks at; what they lose is added to errors here. */
const CHECKED_PIECES = 32;
/** |gelu''| is nowhere larger than the first, beyond 2 and -2 than the second, and beyond SETTLED than the third. */
const BEND = 0.8;
const OUTER_BEND = 0.12;
const SETTLED_BEND = 5e-5;
const NORM_ROUNDINGS = 8;
/** Beyond it a hidden unit is so nearly open or shut that its range by the sides will do. */
const SETTLED = 5;
/** A product of two deviations that is less than this share of the whole range needs no tighter bound. */
const MINOR = 0.02;

/** How ranges of w . (o - center) are found, from quick and loose to slow and tight; `tiedMargin` looks at ties for the margins alone. */
export type Level = "boxed" | "apart" | "tiedMargin" | "tied";

/** Bounds margins of one model. */
export class MarginBound {
  readonly #reach: Reach;
  readonly #projection: Float64Array;
  readonly #w1: Float64Array;
  readonly #w2: Float64Array;
  readonly #output: Float64Array;
  readonly #finalNorm: boolean;
  readonly #gelu: (x: number) => number;
  readonly #geluError: { relative: number; absolute: number };
  readonly #epsilon: number;
  /** 1 / the width of the residual stream, as the module rounds it. */
  readonly #inverseWidth: number;
  readonly #forms = new Float64Array(FORMS * FORM);
  /** Of each form the sum of its parts' sizes. */
  readonly #sizes = new Float64Array(FORMS);
  /** How curves are bounded, and margins. */
  #curves: Way;
  #margins: Way;
  /** Which part of the reach the forms are of. */
  #taken = -1;

  constructor({ model, projection, w1, w2, output }: DecodingNumbers, reach: Reach) {
    const { finalNorm, gelu, layerNormEpsilon, width } = variantOf(model);
    this.#reach = reach;
    this.#curves = this.#margins = reach.boxed;
    this.#projection = Float64Array.from(projection);
    this.#w1 = Float64Array.from(w1);
    this.#w2 = Float64Array.from(w2);
    this.#output = Float64Array.from(output);
    this.#finalNorm = finalNorm;
    this.#gelu = tabulatedGelu(gelu);
    this.#geluError = GELU_ERROR[gelu];
    this.#epsilon = Math.fround(layerNormEpsilon);
    this.#inverseWidth = Math.fround(1 / width);
  }

  /**
   * The least margin over the part that {@linkcode Reach.take} took; NaN or -Infinity where a number overflows.
   *
   * @param enough A bound that large need not be improved
   */
  least(query: Query, part: Part, level: Level, enough: number): number {
    const { taken, boxed, apart, tied, leastTied } = this.#reach;
    const isKnown = taken === this.#taken;
    if (!isKnown) this.#attend(query);
    this.#taken = taken;
    this.#curves = level === "boxed" ? boxed : level === "tied" ? tied : apart;
    this.#margins = this.#curves;
    if (level === "tiedMargin") {
      this.#margins = leastTied;
      if (part.cell !== undefined) this.#curves = boxed; // as good for the curves (measured)
      if (isKnown) return this.#leastMargin(part.group.target, enough); // all but the margins is as it was
    }
    const forms = this.#forms;
    this.#normed(X1, this.#w1, HIDDEN, H, 0);
    for (let k = 0; k < HIDDEN; k++) this.#activate(k);
    for (let m = 0; m < WIDTH; m++) {
      this.#sum(X2 + m, this.#w2, m * HIDDEN, G, HIDDEN, HIDDEN + 1, PLAIN + 1);
      for (let k = 0; k < HIDDEN; k++) { // each unit's own deviation
        const own = PLAIN + 1 + k;
        forms[(X2 + m) * FORM + own] = this.#w2[m * HIDDEN + k] * forms[(G + k) * FORM + own];
      }
      this.#addForm(X2 + m, X1 + m, HIDDEN + 1);
      this.#measure(X2 + m);
    }
    if (this.#finalNorm) this.#normed(X2, this.#output, TOKENS, LOGITS, 1 + HIDDEN);
    return this.#leastMargin(part.group.target, enough);
  }

  /** What does not depend on how ranges are found: the residual stream after the attention, and the layer after its norm without the scale. */
  #attend(query: Query): void {
    this.#reach.measureSides();
    const { center, leastWeight } = this.#reach;
    const rounding = query.rounding(leastWeight);
    const forms = this.#forms;
    for (let l = 0; l < KEY_WIDTH; l++) {
      forms[(O + l) * FORM] = center[l];
      forms[(O + l) * FORM + 1 + l] = 1;
      forms[(O + l) * FORM + LOOSE] = rounding[l];
      this.#measure(O + l);
    }
    for (let m = 0; m < WIDTH; m++) {
      this.#sum(X1 + m, this.#projection, m * WIDTH, O, KEY_WIDTH, WIDTH + 1, PLAIN);
      this.#addConstant(X1 + m, this.#projection[m * WIDTH + KEY_WIDTH], WIDTH + 1);
      this.#addConstant(X1 + m, query.x[m], WIDTH + 1);
      this.#measure(X1 + m);
    }
    for (let k = 0; k < HIDDEN; k++) {
      this.#sum(CENTERED + k, this.#w1, k * WIDTH, X1, KEY_WIDTH, 0, PLAIN);
      this.#measure(CENTERED + k);
    }
  }

  /**
   * What the last bound lost most by: directions of o, each counted by the share of the least margin that its hidden unit's curve may take, for
   * each unit of that direction.
   */
  losses(): { direction: Float64Array; weight: number }[] {
    return Array.from({ length: HIDDEN }, (_, k) => {
      const at = (H + k) * FORM + 1;
      const direction = this.#forms.slice(at, at + KEY_WIDTH);
      const range = direction.reduce((sum, value, l) => sum + Math.abs(value) * this.#reach.sides[l], Number.MIN_VALUE);
      return { direction, weight: Math.abs(this.#forms[MARGIN * FORM + PLAIN + 1 + k]) / range };
    });
  }

  #leastMargin(target: number, enough: number): number {
    let [least, competitor] = [Infinity, -1];
    for (let t = 0; t < TOKENS; t++) {
      if (t === target || this.#roughLow(target, t) >= enough) continue;
      this.#difference(target, t);
      this.#range(MARGIN, this.#reach.boxed);
      if (this.#margins !== this.#reach.boxed && !(this.#lo >= enough)) {
        this.#range(MARGIN, this.#margins);
        // the checker, too, goes through the tokens in their order, up to the first that is not proved
        if (this.#reach.isEmpty && !(least < enough)) return Infinity;
      }
      if (!(this.#lo >= least)) [least, competitor] = [this.#lo, t];
    }
    if (competitor >= 0) this.#difference(target, competitor);
    return least === Infinity ? enough : least;
  }

  /** A lower bound of a margin that takes hardly any time: most tokens are far from the target. */
  #roughLow(target: number, token: number): number {
    if (this.#finalNorm) return -Infinity;
    const output = this.#output;
    let [middle, deviation] = [0, 0];
    for (let m = 0; m < WIDTH; m++) {
      const [right, other] = [output[target * WIDTH + m], output[token * WIDTH + m]];
      const value = this.#forms[(X2 + m) * FORM];
      const size = this.#sizes[X2 + m];
      middle += (right - other) * value;
      deviation += Math.abs(right - other) * (size - Math.abs(value)) +
        (Math.abs(right) + Math.abs(other)) * ((WIDTH + 1) * FLOAT32 * size);
    }
    return middle - deviation;
  }

  /** The form of the target's logit less another's. */
  #difference(target: number, token: number): void {
    const forms = this.#forms;
    const to = MARGIN * FORM;
    if (this.#finalNorm) {
      const [x, y] = [LOGITS + target, LOGITS + token];
      for (let k = 0; k < LOOSE; k++) forms[to + k] = forms[x * FORM + k] - forms[y * FORM + k];
      forms[to + LOOSE] = forms[x * FORM + LOOSE] + forms[y * FORM + LOOSE] +
        FLOAT64 * (this.#sizes[x] + this.#sizes[y]) + UNDERFLOW;
    } else {
      const output = this.#output;
      for (let k = 0; k < LOOSE; k++) forms[to + k] = 0;
      let loose = UNDERFLOW;
      for (let m = 0; m < WIDTH; m++) {
        const [right, other] = [output[target * WIDTH + m], output[token * WIDTH + m]];
        const at = (X2 + m) * FORM;
        const factor = right - other;
        for (let k = 0; k < LOOSE; k++) forms[to + k] += factor * forms[at + k];
        loose += (Math.abs(right) + Math.abs(other)) *
          (forms[at + LOOSE] + (WIDTH * FLOAT32 + 2 * FLOAT64) * this.#sizes[X2 + m]);
      }
      forms[to + LOOSE] = loose;
    }
    this.#measure(MARGIN);
  }

  /** `to` = the sum of forms, each times its factor; `roundings` to float32 of each term; of the forms' parts so many may be other than 0. */
  #sum(
    to: number,
    factors: Float64Array,
    at: number,
    from: number,
    count: number,
    roundings: number,
    parts: number,
  ): void {
    const forms = this.#forms;
    const out = to * FORM;
    for (let k = 0; k < FORM; k++) forms[out + k] = 0;
    let size = 0;
    for (let i = 0; i < count; i++) {
      const factor = factors[at + i];
      if (factor === 0) continue;
      const term = (from + i) * FORM;
      for (let k = 0; k < parts; k++) forms[out + k] += factor * forms[term + k];
      const large = Math.abs(factor);
      forms[out + LOOSE] += large * forms[term + LOOSE];
      size += large * this.#sizes[from + i];
    }
    forms[out + LOOSE] += (roundings * FLOAT32 + FLOAT64) * size + UNDERFLOW;
  }

  #addConstant(to: number, value: number, roundings: number): void {
    this.#forms[to * FORM] += value;
    this.#forms[to * FORM + LOOSE] += (roundings * FLOAT32 + FLOAT64) * Math.abs(value);
  }

  #addForm(to: number, from: number, roundings: number): void {
    const forms = this.#forms;
    for (let k = 0; k < FORM; k++) forms[to * FORM + k] += forms[from * FORM + k];
    forms[to * FORM + LOOSE] += (roundings * FLOAT32 + FLOAT64) * this.#sizes[from];
  }

  /** Writes down the sum of the sizes of a form's parts. */
  #measure(form: number): void {
    const forms = this.#forms;
    const at = form * FORM;
    const { sides } = this.#reach;
    let size = Math.abs(forms[at]);
    for (let l = 0; l < KEY_WIDTH; l++) size += Math.abs(forms[at + 1 + l]) * sides[l];
    for (let k = 1 + KEY_WIDTH; k < FORM; k++) size += Math.abs(forms[at + k]);
    this.#sizes[form] = size;
  }

  #deviation(form: number): number {
    const at = form * FORM;
    let deviation = FLOAT64 * this.#sizes[form];
    for (let k = 1 + KEY_WIDTH; k < FORM; k++) deviation += Math.abs(this.#forms[at + k]);
    return deviation;
  }

  /** Between what a form's number lies: lo, hi of this object. */
  #lo = 0;
  #hi = 0;
  #range(form: number, way: Way = this.#curves): void {
    const deviation = this.#deviation(form);
    way(this.#forms, form * FORM + 1);
    this.#lo = this.#forms[form * FORM] + this.#reach.lo - deviation;
    this.#hi = this.#forms[form * FORM] + this.#reach.hi + deviation;
  }

  /** A norm of six forms and the linear layer after it; `name`: which deviation is that of its scale. */
  #normed(x: number, layer: Float64Array, outputs: number, to: number, name: number): void {
    const forms = this.#forms;
    const inverseWidth = this.#inverseWidth;
    let [most, constant] = [0, this.#epsilon];
    const factors = this.#factors;
    for (let c = 0; c < KEY_WIDTH; c++) {
      const value = forms[(x + c) * FORM];
      this.#range(x + c);
      const [from, to] = [this.#lo - value, this.#hi - value];
      most += inverseWidth * Math.max(from * from, to * to);
      constant -= inverseWidth * value * value;
      factors[c] = 2 * inverseWidth * value;
    }
    const parts = x === X1 ? PLAIN : LOOSE;
    this.#sum(MEAN, factors, 0, x, KEY_WIDTH, 0, parts);
    this.#addConstant(MEAN, constant + most / 2, 0);
    forms[MEAN * FORM + LOOSE] += most / 2 + FLOAT64 * most;
    this.#measure(MEAN);
    this.#range(MEAN);
    this.#inverseRoot(name, Math.max(this.#lo, this.#epsilon), this.#hi);
    this.#measure(SCALE);
    this.#range(SCALE);
    const largest = this.#hi;
    const r0 = forms[SCALE * FORM];
    const byScale = Math.max(this.#hi - r0, r0 - this.#lo);
    for (let row = 0; row < outputs; row++) {
      const centered = (x === X1 ? CENTERED : CENTERED2) + row;
      if (x !== X1) {
        this.#sum(centered, layer, row * WIDTH, x, KEY_WIDTH, 0, parts);
        this.#measure(centered);
      }
      const value = forms[centered * FORM];
      this.#range(centered, this.#reach.boxed);
      let byCentered = Math.max(this.#hi - value, value - this.#lo);
      const out = (to + row) * FORM;
      for (let k = 0; k < parts; k++) {
        forms[out + k] = r0 * forms[centered * FORM + k] + value * forms[SCALE * FORM + k];
      }
      for (let k = parts; k < LOOSE; k++) forms[out + k] = value * forms[SCALE * FORM + k];
      const bias = layer[row * WIDTH + KEY_WIDTH];
      forms[out] += bias - r0 * value;
      let size = 0;
      for (let c = 0; c < KEY_WIDTH; c++) size += Math.abs(layer[row * WIDTH + c]) * this.#sizes[x + c];
      const loose = Math.abs(r0) * forms[centered * FORM + LOOSE] + UNDERFLOW +
        FLOAT64 * (2 * Math.abs(r0) * this.#sizes[centered] + 2 * Math.abs(value) * this.#sizes[SCALE]) +
        (WIDTH + 2) * FLOAT32 * (size * largest + Math.abs(bias));
      forms[out + LOOSE] = loose + byScale * byCentered * (1 + FLOAT64);
      this.#measure(to + row);
      if (this.#curves === this.#reach.boxed) continue;
      // a tighter bound of the product is worth while where it matters, and where the hidden unit is not shut
      this.#range(to + row, this.#reach.boxed);
      if (byScale * byCentered < MINOR * (this.#hi - this.#lo) || x === X1 && this.#hi < -SETTLED) continue;
      this.#range(centered);
      byCentered = Math.max(this.#hi - value, value - this.#lo);
      forms[out + LOOSE] = loose + byScale * byCentered * (1 + FLOAT64);
      this.#measure(to + row);
    }
  }
  readonly #factors = new Float64Array(KEY_WIDTH);

  /** (mean of squares)^(-1/2), which is convex: off a chord most where its derivative is the chord's slope. */
  #inverseRoot(name: number, lo: number, hi: number): void {
    const [atLo, atHi] = [1 / Math.sqrt(lo), 1 / Math.sqrt(hi)];
    const slope = hi > lo ? (atHi - atLo) / (hi - lo) : 0;
    const turn = Math.min(hi, Math.max(lo, (-2 * slope) ** (-2 / 3)));
    const least = 1 / Math.sqrt(turn) - slope * turn;
    const most = Math.max(atLo - slope * lo, atHi - slope * hi);
    const curved = 0.75 * lo ** -2.5 * ((hi - lo) / CHECKED_PIECES) ** 2 / 8;
    const error = (most - least) / 2 + curved + NORM_ROUNDINGS * FLOAT32 * atLo + FLOAT64 * (atLo - slope * hi);
    this.#line(SCALE, MEAN, slope, (most + least) / 2, error, name);
  }

  /** `to` = slope x + middle, give or take `error` and what is loose in x, which get a name together. */
  #line(to: number, from: number, slope: number, middle: number, error: number, name: number): void {
    const forms = this.#forms;
    const [out, at] = [to * FORM, from * FORM];
    for (let k = 0; k < LOOSE; k++) forms[out + k] = slope * forms[at + k];
    forms[out] += middle;
    forms[out + LOOSE] = 0;
    forms[out + 1 + KEY_WIDTH + name] = Math.abs(slope) * forms[at + LOOSE] + error +
      FLOAT64 * (Math.abs(slope) * this.#sizes[from] + Math.abs(middle));
  }

  /** GELU of hidden unit k, as the kernels compute it. */
  #activate(k: number): void {
    this.#range(H + k, this.#reach.boxed);
    const isSettled = this.#lo > SETTLED || this.#hi < -SETTLED;
    if (!isSettled && this.#curves !== this.#reach.boxed) this.#range(H + k);
    const [lo, hi] = [this.#lo, this.#hi];
    const gelu = this.#gelu;
    const pieces = isSettled ? 2 : PIECES;
    const step = (hi - lo) / pieces;
    const [atLo, atHi] = [gelu(lo), gelu(hi)];
    const slope = hi > lo ? (atHi - atLo) / (hi - lo) : 0;
    let least = Math.min(atLo - slope * lo, atHi - slope * hi);
    let most = Math.max(atLo - slope * lo, atHi - slope * hi);
    for (let i = 1; i < pieces; i++) {
      const rest = gelu(lo + i * step) - slope * (lo + i * step);
      least = rest < least ? rest : least;
      most = rest > most ? rest : most;
    }
    const bend = (isSettled ? SETTLED_BEND : lo > 2 || hi < -2 ? OUTER_BEND : BEND) * step * step / 8 +
      BEND * ((hi - lo) / CHECKED_PIECES) ** 2 / 8;
    const { relative, absolute } = this.#geluError;
    const error = (most - least) / 2 + bend + 2 * TABLE_ERROR +
      relative * Math.max(Math.abs(atLo), Math.abs(atHi), 0.171) +
      (absolute + FLOAT64) * Math.max(Math.abs(lo), Math.abs(hi));
    this.#line(G + k, H + k, slope, (most + least) / 2, error, 1 + k);
    this.#measure(G + k);
  }
}
