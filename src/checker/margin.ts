/**
 * The least margin that the kernels can compute over a part: by how much the right token's logit exceeds every other.
 *
 * docs/certificate.md explains this file under "Forms", "Norms" and "GELU".
 */
import { GELU } from "../engine/reference/gelu.ts";
import { type DecodingNumbers, KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";
import { HIDDEN, variantOf, WIDTH } from "../model/variant.ts";
import { Attention, type Part } from "./attention.ts";
import { GELU_ERROR, GELU_UNDERFLOW } from "./elementary_bounds.ts";
import { FLOAT32, FLOAT64, type Form, Forms, type Range, type Reach } from "./forms.ts";
import { outputRounding } from "./query.ts";

/** Pieces in which GELU is looked at. */
const PIECES = 8;
/** Of each kind of interval the largest |gelu''|: everywhere, beyond 2 and -2, and beyond 5 and -5, where a unit is open or shut ("GELU"). */
const MOST_CURVED = 0.8;
const LESS_CURVED = 0.12;
const SETTLED = 5;
const SETTLED_CURVED = 5e-5;
/** No GELU is less than minus this. */
const LEAST_GELU = 0.171;
/** Of 1 / sqrt(mean + epsilon): half the roundings of the squares and their sum, and those of the root and the quotient. */
const NORM_ROUNDINGS = 8;

/** The layers above the attention. */
export class Layers {
  readonly #numbers: DecodingNumbers;
  readonly #finalNorm: boolean;
  readonly #gelu: "erf" | "tanh";
  readonly #epsilon: number;
  /** 1 / the width of the residual stream, as the module rounds it. A narrow model has zeros in the coordinates that it lacks. */
  readonly #inverseWidth: number;

  constructor(numbers: DecodingNumbers) {
    const { finalNorm, gelu, layerNormEpsilon, width } = variantOf(numbers.model);
    this.#numbers = numbers;
    this.#finalNorm = finalNorm;
    this.#gelu = gelu;
    this.#epsilon = Math.fround(layerNormEpsilon);
    this.#inverseWidth = Math.fround(1 / width);
  }

  /** Whether every margin over a part is at least `claim`. @param isLast Whether the part will not be refined, so that slow ways are worth while */
  hold(part: Part, claim: number, isLast: boolean): boolean {
    const attention = new Attention(part);
    const { boxed, apart, tied, tiedFromBelow } = attention;
    const slow = isLast ? [[apart, tiedFromBelow], [tied, tied]] : [];
    const ways = part.axes.length > 0 ? [[boxed, tiedFromBelow]] : [[boxed, apart], [apart, apart], ...slow];
    return attention.isEmpty ||
      ways.some(([curves, margins]) => this.#exceed(part, attention, claim, curves, margins) || attention.isEmpty);
  }

  /** {@linkcode hold} by ranges of two kinds: for the curves, and for the margins themselves. */
  #exceed({ query, target }: Part, attention: Attention, claim: number, curves: Reach, margins: Reach): boolean {
    const { center, sides, weight, boxed } = attention;
    const { projection, w2, output } = this.#numbers;
    const forms = new Forms(sides, 1 + HIDDEN + 1);
    const one = forms.constant(1);
    const rounding = outputRounding(query, weight[0]);
    const o = center.map((value, l) => forms.coordinate(l, value, rounding[l]));
    const x1 = Array.from(query.x, (x, m) => {
      return forms.sum([...rowOf(projection, m, WIDTH), x], [...o, one, one], WIDTH + 1);
    });
    const activated = this.#normed(forms, x1, this.#numbers.w1, curves).map((h) =>
      this.#activate(forms, h, curves, boxed)
    );
    const x2 = x1.map((x, m) => forms.sum([...rowOf(w2, m, HIDDEN), 1], [...activated, x], HIDDEN + 1));
    const logits = this.#finalNorm
      ? this.#normed(forms, x2, output, curves)
      : Array.from({ length: output.length / WIDTH }, (_, token) => forms.sum(rowOf(output, token, WIDTH), x2, WIDTH));
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
  #normed(forms: Forms, x: readonly Form[], layer: Float32Array, reach: Reach): Form[] {
    const inputs = x.slice(0, KEY_WIDTH);
    // (x0 + y)^2 = x0^2 + 2 x0 y + y^2
    let [least, most, lo, hi, constant] = [0, 0, this.#epsilon, this.#epsilon, this.#epsilon];
    for (const form of inputs) {
      const [from, to] = forms.range(form, reach);
      const deviations = squareRange(from - form[0], to - form[0]);
      const squares = squareRange(from, to);
      least += this.#inverseWidth * deviations[0];
      most += this.#inverseWidth * deviations[1];
      lo += this.#inverseWidth * squares[0];
      hi += this.#inverseWidth * squares[1];
      constant -= this.#inverseWidth * form[0] ** 2;
    }
    const factors = [...inputs.map((form) => 2 * this.#inverseWidth * form[0]), constant + (least + most) / 2];
    const mean = forms.sum(factors, [...inputs, forms.constant(1)], 0);
    forms.loosen(mean, (most - least) / 2 + FLOAT64 * most);
    const [meanLo, meanHi] = forms.range(mean, reach);
    const r = inverseRoot(forms, mean, Math.max(meanLo, lo * (1 - FLOAT64)), Math.min(meanHi, hi * (1 + FLOAT64)));
    const rangeR = forms.range(r, reach);
    const sizes = inputs.map((form) => forms.size(form));
    return Array.from({ length: layer.length / WIDTH }, (_, i) => {
      const row = rowOf(layer, i, WIDTH);
      const bias = row[KEY_WIDTH];
      const centered = forms.sum(row, inputs, 0);
      const product = forms.product(r, rangeR, centered, forms.range(centered, reach));
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
    const step = (hi - lo) / PIECES;
    const ends = [gelu(lo), gelu(hi)];
    const slope = hi > lo ? (ends[1] - ends[0]) / (hi - lo) : 0;
    // gelu(x) - slope x at the ends of the pieces; between them it is off a chord by at most |gelu''| step^2 / 8
    let [least, most] = [Infinity, -Infinity];
    for (let i = 0; i <= PIECES; i++) {
      const at = lo + i * step;
      const rest = gelu(at) - slope * at;
      least = Math.min(least, rest);
      most = Math.max(most, rest);
    }
    const curved = isSettled ? SETTLED_CURVED : lo > 2 || hi < -2 ? LESS_CURVED : MOST_CURVED;
    const largest = Math.max(Math.abs(ends[0]), Math.abs(ends[1]), LEAST_GELU);
    const size = Math.max(Math.abs(lo), Math.abs(hi));
    const error = (most - least) / 2 + curved * step ** 2 / 8 + relative * largest + (absolute + FLOAT64) * size +
      GELU_UNDERFLOW;
    return forms.named(slope, h, (most + least) / 2, error);
  }
}

/** A row of a matrix [out, columns]. */
function rowOf(matrix: Float32Array, row: number, columns: number): Float32Array {
  return matrix.subarray(row * columns, (row + 1) * columns);
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
