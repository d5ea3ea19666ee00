/**
 * The least margin that the kernels can compute over a part, from below. docs/certificate.md, "Forms", has the theory.
 *
 * Each number of the model is a form: x = x[0] + x[1 … 6] . t + sum x[7 …] d + x[last] d', with every d between -1 and 1; reach.ts says what t
 * is. Forms lie one after the other in one array. The deviations d of the norms' scales and of the hidden units are the same in all forms, d' is
 * each form's own.
 */
import { KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";
import { FLOAT32, FLOAT64, UNDERFLOW } from "../checker/forms.ts";
import { outputRounding } from "../checker/query.ts";
import { HIDDEN, TOKENS, WIDTH } from "../model/variant.ts";
import { type Layers, TABLE_ERROR } from "./post_attention.ts";
import type { Query } from "./query.ts";
import type { Reach } from "./reach.ts";

/** Parts of a form without deviations. */
const PLAIN = 1 + KEY_WIDTH;
/** After deviations with a name: of the norm's scale, of each hidden unit, of the last norm's scale. */
const LOOSE = PLAIN + 1 + HIDDEN + 1;
const FORM = LOOSE + 1;
// the forms by number
const O = 0;
const X1 = O + KEY_WIDTH;
const MEAN = X1 + WIDTH;
const SCALE = MEAN + 1;
const CENTERED = SCALE + 1;
const H = CENTERED + 1;
const G = H + HIDDEN;
const X2 = G + HIDDEN;
const LOGITS = X2 + WIDTH;
const MARGIN = LOGITS + TOKENS;
const FORMS = MARGIN + 1;

/** Pieces in which GELU is looked at. */
const PIECES = 8;
/** Pieces of a curve that the checker looks at; what they lose is added to errors here. */
const CHECKED_PIECES = 32;
/** |gelu''| is nowhere larger than the first, beyond 2 and -2 than the second, and beyond SETTLED than the third. */
const CURVED = 0.8;
const OUTER_CURVED = 0.12;
const SETTLED_CURVED = 5e-5;
const NORM_ROUNDINGS = 8;
/** Beyond it a hidden unit is nearly open or shut. */
const SETTLED = 5;
/** How margins are bounded, from quick and loose to slow and tight: by the sides, each position on its own, with ties. */
export type Level = "boxed" | "apart" | "tied";

export class MarginBound {
  readonly #forms = new Float64Array(FORMS * FORM);
  /** Of each form the sum of its parts' sizes. */
  readonly #sizes = new Float64Array(FORMS);
  readonly #factors = new Float64Array(KEY_WIDTH);
  /** Which part of the reach the forms are of. */
  #taken = -1;

  constructor(private readonly layers: Layers, private readonly reach: Reach) {}

  /**
   * The least margin over the part that {@linkcode Reach.take} took; NaN or -Infinity where a number overflows.
   *
   * @param enough A bound that large need not be improved
   */
  least(query: Query, target: number, level: Level, enough: number): number {
    const { taken } = this.reach;
    if (taken !== this.#taken) this.#bound(query);
    this.#taken = taken;
    const forms = this.#forms;
    const at = MARGIN * FORM;
    let [least, competitor] = [Infinity, -1];
    for (let t = 0; t < TOKENS; t++) {
      if (t === target || this.#roughLow(target, t) >= enough) continue;
      this.#difference(target, t);
      let low = forms[at] - this.#radius(MARGIN, 1);
      if (level !== "boxed" && !(low >= enough)) {
        const middle = forms[at] - this.#radius(MARGIN, PLAIN);
        const { reach } = this;
        const own = level === "tied" ? reach.least(forms, at + 1, enough - middle) : reach.apart(forms, at + 1);
        low = Math.max(low, middle + own);
      }
      if (!(low >= least)) [least, competitor] = [low, t];
    }
    if (competitor >= 0) this.#difference(target, competitor);
    return least === Infinity ? enough : least;
  }

  /** All forms but the margins'. */
  #bound(query: Query): void {
    this.reach.measureSides();
    const { axes, center, leastWeight, skew } = this.reach;
    const { projection, w1, w2, output, finalNorm } = this.layers;
    const rounding = outputRounding(query.checked(), leastWeight);
    const forms = this.#forms;
    for (let l = 0; l < KEY_WIDTH; l++) {
      const at = (O + l) * FORM;
      forms[at] = center[l];
      for (let i = 0; i < KEY_WIDTH; i++) forms[at + 1 + i] = axes[i * KEY_WIDTH + l];
      forms[at + LOOSE] = rounding[l] + skew;
      this.#measure(O + l);
    }
    for (let m = 0; m < WIDTH; m++) {
      this.#sum(X1 + m, projection, m * WIDTH, O, KEY_WIDTH, WIDTH + 1, PLAIN);
      this.#addConstant(X1 + m, projection[m * WIDTH + KEY_WIDTH], WIDTH + 1);
      this.#addConstant(X1 + m, query.x[m], WIDTH + 1);
      this.#measure(X1 + m);
    }
    this.#normed(X1, w1, HIDDEN, H, 0);
    for (let k = 0; k < HIDDEN; k++) this.#activate(k);
    for (let m = 0; m < WIDTH; m++) {
      this.#sum(X2 + m, w2, m * HIDDEN, G, HIDDEN, HIDDEN + 1, PLAIN + 1);
      for (let k = 0; k < HIDDEN; k++) { // each unit's own deviation
        const own = PLAIN + 1 + k;
        forms[(X2 + m) * FORM + own] = w2[m * HIDDEN + k] * forms[(G + k) * FORM + own];
      }
      for (let k = 0; k < FORM; k++) forms[(X2 + m) * FORM + k] += forms[(X1 + m) * FORM + k];
      forms[(X2 + m) * FORM + LOOSE] += ((HIDDEN + 1) * FLOAT32 + FLOAT64) * this.#sizes[X1 + m];
      this.#measure(X2 + m);
    }
    if (finalNorm) this.#normed(X2, output, TOKENS, LOGITS, 1 + HIDDEN);
  }

  /** What the least margin may take for each unit of t along each axis: by itself, and by the curve of each hidden unit. */
  losses(): Float64Array[] {
    const forms = this.#forms;
    const directionOf = (form: number) => forms.slice(form * FORM + 1, form * FORM + PLAIN);
    const curves = Array.from({ length: HIDDEN }, (_, k) => {
      const direction = directionOf(H + k);
      const range = direction.reduce((sum, value, l) => sum + Math.abs(value) * this.reach.sides[l], Number.MIN_VALUE);
      const weight = Math.abs(forms[MARGIN * FORM + PLAIN + 1 + k]) / range;
      return direction.map((value) => weight * value);
    });
    return [directionOf(MARGIN), ...curves];
  }

  /** A lower bound of a margin that takes hardly any time: most tokens are far from the target. */
  #roughLow(target: number, token: number): number {
    const { output, finalNorm } = this.layers;
    if (finalNorm) return -Infinity;
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
    const { output, finalNorm } = this.layers;
    const to = MARGIN * FORM;
    if (finalNorm) {
      const [x, y] = [LOGITS + target, LOGITS + token];
      for (let k = 0; k < LOOSE; k++) forms[to + k] = forms[x * FORM + k] - forms[y * FORM + k];
      forms[to + LOOSE] = forms[x * FORM + LOOSE] + forms[y * FORM + LOOSE] +
        FLOAT64 * (this.#sizes[x] + this.#sizes[y]) + UNDERFLOW;
    } else {
      forms.fill(0, to, to + LOOSE);
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
  #sum(to: number, factors: Float64Array, at: number, from: number, count: number, roundings: number, parts: number) {
    const forms = this.#forms;
    const out = to * FORM;
    forms.fill(0, out, out + FORM);
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

  /** Writes down the sum of the sizes of a form's parts. */
  #measure(form: number): void {
    const forms = this.#forms;
    const at = form * FORM;
    const { sides } = this.reach;
    let size = Math.abs(forms[at]);
    for (let l = 0; l < KEY_WIDTH; l++) size += Math.abs(forms[at + 1 + l]) * sides[l];
    for (let k = PLAIN; k < FORM; k++) size += Math.abs(forms[at + k]);
    this.#sizes[form] = size;
  }

  /** How far the number can be from x[0], or from x[0] + w . t. @param from The first part that counts: 1, or PLAIN */
  #radius(form: number, from: number): number {
    const at = form * FORM;
    let radius = FLOAT64 * this.#sizes[form];
    if (from === 1) return radius + this.#sizes[form] - Math.abs(this.#forms[at]);
    for (let k = from; k < FORM; k++) radius += Math.abs(this.#forms[at + k]);
    return radius;
  }

  /** A norm of six forms and the linear layer after it; `name`: which deviation is that of its scale. */
  #normed(x: number, layer: Float64Array, outputs: number, to: number, name: number): void {
    const forms = this.#forms;
    const { epsilon, inverseWidth } = this.layers;
    const parts = x === X1 ? PLAIN : LOOSE;
    let [squares, constant] = [0, epsilon];
    for (let c = 0; c < KEY_WIDTH; c++) {
      const value = forms[(x + c) * FORM];
      squares += inverseWidth * this.#radius(x + c, 1) ** 2;
      constant -= inverseWidth * value * value;
      this.#factors[c] = 2 * inverseWidth * value;
    }
    this.#sum(MEAN, this.#factors, 0, x, KEY_WIDTH, 0, parts);
    this.#addConstant(MEAN, constant + squares / 2, 0);
    forms[MEAN * FORM + LOOSE] += squares / 2 + FLOAT64 * squares;
    this.#measure(MEAN);
    const radius = this.#radius(MEAN, 1);
    this.#inverseRoot(name, Math.max(forms[MEAN * FORM] - radius, epsilon), forms[MEAN * FORM] + radius);
    const r0 = forms[SCALE * FORM];
    for (let row = 0; row < outputs; row++) {
      this.#sum(CENTERED, layer, row * WIDTH, x, KEY_WIDTH, WIDTH + 2, parts);
      this.#measure(CENTERED);
      const value = forms[CENTERED * FORM];
      const out = (to + row) * FORM;
      for (let k = 0; k < LOOSE; k++) {
        forms[out + k] = r0 * forms[CENTERED * FORM + k] + value * forms[SCALE * FORM + k];
      }
      const bias = layer[row * WIDTH + KEY_WIDTH];
      forms[out] += bias - r0 * value;
      forms[out + LOOSE] = Math.abs(r0) * forms[CENTERED * FORM + LOOSE] + UNDERFLOW +
        FLOAT64 * (2 * Math.abs(r0) * this.#sizes[CENTERED] + 2 * Math.abs(value) * this.#sizes[SCALE]) +
        (WIDTH + 2) * FLOAT32 * Math.abs(bias) +
        this.#radius(SCALE, 1) * this.#radius(CENTERED, 1) * (1 + FLOAT64);
      this.#measure(to + row);
    }
  }

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
    forms[out + PLAIN + name] = Math.abs(slope) * forms[at + LOOSE] + error +
      FLOAT64 * (Math.abs(slope) * this.#sizes[from] + Math.abs(middle));
    this.#measure(to);
  }

  /** GELU of hidden unit k, as the kernels compute it. */
  #activate(k: number): void {
    const [middle, radius] = [this.#forms[(H + k) * FORM], this.#radius(H + k, 1)];
    const [lo, hi] = [middle - radius, middle + radius];
    const isSettled = lo > SETTLED || hi < -SETTLED;
    const { gelu, geluError: { relative, absolute } } = this.layers;
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
    const curved = (isSettled ? SETTLED_CURVED : lo > 2 || hi < -2 ? OUTER_CURVED : CURVED) * step * step / 8 +
      CURVED * ((hi - lo) / CHECKED_PIECES) ** 2 / 8;
    const error = (most - least) / 2 + curved + 2 * TABLE_ERROR +
      relative * Math.max(Math.abs(atLo), Math.abs(atHi), 0.171) +
      (absolute + FLOAT64) * Math.max(Math.abs(lo), Math.abs(hi));
    this.#line(G + k, H + k, slope, (most + least) / 2, error, 1 + k);
  }
}
