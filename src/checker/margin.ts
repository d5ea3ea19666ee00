/**
 * The least margin that the kernels can compute over a part: by how much the right token's logit exceeds every other.
 *
 * docs/certificate.md explains this file under "Forms", "Norms" and "GELU".
 */
import { GELU } from "../engine/reference/gelu.ts";
import { type DecodingNumbers, KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";
import { HIDDEN, TOKENS, variantOf, WIDTH } from "../model/variant.ts";
import { Attention, MOST_ROUNDS, type Part } from "./attention.ts";
import { GELU_ERROR, GELU_UNDERFLOW } from "./elementary_bounds.ts";
import { FLOAT32, type Form, Forms } from "./forms.ts";
import { outputRounding } from "./query.ts";

/** |gelu''| is nowhere larger, and no GELU is less than minus the second. */
const GELU_CURVED = 0.8;
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

  /**
   * Whether every margin over a part is at least `claim`.
   *
   * @param isLast Whether the part is not refined where this fails, so that slow ways are worth while
   * @param hint A direction along which it may show that there is no input, by the axes, [6]
   */
  hold(part: Part, claim: number, isLast: boolean, hint?: readonly number[]): boolean {
    const attention = new Attention(part);
    if (hint !== undefined) attention.range(hint, 4 * MOST_ROUNDS);
    const ways = [0, isLast ? MOST_ROUNDS : 1];
    return ways.some((rounds) => attention.isEmpty || this.#exceed(part, attention, claim, rounds)) ||
      attention.isEmpty;
  }

  /** {@linkcode hold}, the ranges of all but the margins by so many rounds. */
  #exceed({ query, target, axes }: Part, attention: Attention, claim: number, rounds: number): boolean {
    const { projection, w1, w2, output } = this.#numbers;
    const forms = new Forms(attention, 1 + HIDDEN + 1);
    const one = forms.linear(1);
    const rounding = outputRounding(query, attention.weight[0]);
    const skew = attention.skew();
    const o = attention.center.map((center, l) =>
      forms.linear(center, axes.map((axis) => axis[l]), rounding[l] + skew[l])
    );
    const x1 = Array.from(query.x, (x, m) => {
      return forms.sum([...rowOf(projection, m, WIDTH), x], [...o, one, one], WIDTH + 1);
    });
    const activated = this.#normed(forms, x1, w1, rounds).map((h) => this.#activate(forms, h, rounds));
    const x2 = x1.map((x, m) => forms.sum([...rowOf(w2, m, HIDDEN), 1], [...activated, x], HIDDEN + 1));
    const logits = this.#finalNorm
      ? this.#normed(forms, x2, output, rounds)
      : Array.from({ length: TOKENS }, (_, token) => forms.sum(rowOf(output, token, WIDTH), x2, WIDTH));
    return logits.every((logit, token) => {
      if (token === target) return true;
      const margin = forms.sum([1, -1], [logits[target], logit], 0);
      return forms.range(margin, 0)[0] >= claim || forms.range(margin, MOST_ROUNDS)[0] >= claim;
    });
  }

  /**
   * A norm and the linear layer after it, [out, 6 coordinates and a bias]: r times what the layer makes of x, and the bias. r is the inverse root
   * of the mean of squares of the six coordinates.
   */
  #normed(forms: Forms, x: readonly Form[], layer: Float32Array, rounds: number): Form[] {
    const inputs = x.slice(0, KEY_WIDTH);
    const squares = inputs.map((form) => forms.square(form, forms.range(form, rounds)));
    const factors = [...inputs.map(() => this.#inverseWidth), this.#epsilon];
    const mean = forms.sum(factors, [...squares, forms.linear(1)], 0);
    const [lo, hi] = forms.range(mean, rounds);
    const least = Math.max(lo, this.#epsilon);
    const inverseRoot = (x: number) => 1 / Math.sqrt(x);
    const error = NORM_ROUNDINGS * FLOAT32 * inverseRoot(least);
    const r = forms.curve(mean, [least, hi], inverseRoot, 0.75 * least ** -2.5, error);
    const rangeR = forms.range(r, rounds);
    const sizes = inputs.map((form) => forms.size(form));
    return Array.from({ length: layer.length / WIDTH }, (_, i) => {
      const row = rowOf(layer, i, WIDTH);
      const bias = row[KEY_WIDTH];
      const centered = forms.sum(row, inputs, 0);
      const product = forms.product(r, rangeR, centered, forms.range(centered, rounds));
      product[0] += bias;
      const size = sizes.reduce((sum, size, c) => sum + Math.abs(row[c]) * size, 0) * rangeR[1] + Math.abs(bias);
      return forms.loosen(product, (WIDTH + 2) * FLOAT32 * size);
    });
  }

  /** GELU, as the kernels compute it. */
  #activate(forms: Forms, h: Form, rounds: number): Form {
    const gelu = GELU[this.#gelu].value;
    const { relative, absolute } = GELU_ERROR[this.#gelu];
    const [lo, hi] = forms.range(h, rounds);
    const largest = Math.max(Math.abs(gelu(lo)), Math.abs(gelu(hi)), LEAST_GELU);
    const error = relative * largest + absolute * Math.max(Math.abs(lo), Math.abs(hi)) + GELU_UNDERFLOW;
    return forms.curve(h, [lo, hi], gelu, GELU_CURVED, error);
  }
}

/** A row of a matrix [out, columns]. */
function rowOf(matrix: Float32Array, row: number, columns: number): Float32Array {
  return matrix.subarray(row * columns, (row + 1) * columns);
}
