/**
 * The least margin that the kernels can compute over a part: by how much the right token's logit exceeds every other.
 *
 * docs/certificate.md explains this file under "Forms", "Norms" and "GELU".
 */
import { GELU } from "../engine/reference/gelu.ts";
import { type DecodingNumbers, KEY_WIDTH, rowsOf } from "../engine/wasm/decoding_tables.ts";
import { GELU_ERROR, GELU_UNDERFLOW } from "../engine/wasm/elementary_bounds.ts";
import { HIDDEN, variantOf, WIDTH } from "../model/variant.ts";
import { Attention, MOST_ROUNDS } from "./attention.ts";
import { DEVIATIONS, FLOAT32, type Form, Forms } from "./forms.ts";
import type { Part } from "./groups.ts";
import { outputRounding } from "./query.ts";

/** |gelu''| is nowhere larger, and no GELU is less than minus the second. */
export const GELU_CURVED = 0.8;
export const LEAST_GELU = 0.171;
/** Of 1 / sqrt(mean + epsilon): half the roundings of the squares and their sum, and those of the root and the quotient. */
export const NORM_ROUNDINGS = 8;

/** The layers above the attention: the rows of each matrix, and the constants as the modules round them. */
export function layersOf({ model, projection, w1, w2, output }: DecodingNumbers) {
  const { gelu, layerNormEpsilon, finalNorm, width } = variantOf(model);
  return {
    ...{ projection: rowsOf(projection, WIDTH), w1: rowsOf(w1, WIDTH), w2: rowsOf(w2, HIDDEN) },
    ...{ output: rowsOf(output, WIDTH), finalNorm, gelu: GELU[gelu].value, geluError: GELU_ERROR[gelu] },
    ...{ epsilon: Math.fround(layerNormEpsilon), inverseWidth: Math.fround(1 / width) },
  };
}

/** Bounds the margins of a model. */
export class Layers {
  /** The work so far, in looks at the inputs. */
  looks = 0;
  readonly #layers: ReturnType<typeof layersOf>;

  constructor(numbers: DecodingNumbers) {
    this.#layers = layersOf(numbers);
  }

  /**
   * Whether every margin over a part is at least `claim`.
   *
   * @param hint A direction along which it may show that there is no input, by the axes, [6]
   */
  hold(part: Part, claim: number, hint?: readonly number[]): boolean {
    const attention = new Attention(part);
    if (hint !== undefined) attention.least(hint, 4 * MOST_ROUNDS);
    const holds = attention.isEmpty || this.#exceed(part, attention, claim) || attention.isEmpty;
    this.looks += attention.looks;
    return holds;
  }

  #exceed({ query, target, axes }: Part, attention: Attention, claim: number): boolean {
    const { projection, w1, w2, output, finalNorm } = this.#layers;
    const forms = new Forms(attention.sides, 1 + HIDDEN + 1);
    const rounding = outputRounding(query, attention.weight[0]);
    const o = attention.center.map((center, l) =>
      forms.linear(center, axes.map((axis) => axis[l]), rounding[l] + attention.skew)
    );
    const one = forms.linear(1);
    const x1 = projection.map((row, m) => forms.sum([...row, query.x[m]], [...o, one, one], WIDTH + 1));
    const activated = this.#normed(forms, x1, w1).map((h) => this.#activate(forms, h));
    const x2 = w2.map((row, m) => forms.sum([...row, 1], [...activated, x1[m]], HIDDEN + 1));
    const logits = finalNorm ? this.#normed(forms, x2, output) : output.map((row) => forms.sum(row, x2, WIDTH));
    return logits.every((logit, token) => {
      if (token === target) return true;
      const margin = forms.sum([1, -1], [logits[target], logit], 0);
      return margin[0] - forms.radius(margin) >= claim ||
        margin[0] + attention.least(margin.slice(1, DEVIATIONS)) - forms.radius(margin, DEVIATIONS) >= claim;
    });
  }

  /**
   * A norm and the linear layer after it, [out, 6 coordinates and a bias]: r times what the layer makes of x, and the bias. r is the inverse root
   * of the mean of squares of the six coordinates; a narrow model has zeros in those that it lacks.
   */
  #normed(forms: Forms, x: readonly Form[], layer: readonly Float64Array[]): Form[] {
    const { inverseWidth, epsilon } = this.#layers;
    const inputs = x.slice(0, KEY_WIDTH);
    const squares = inputs.map((form) => forms.square(form));
    const mean = forms.sum([...inputs.map(() => inverseWidth), epsilon], [...squares, forms.linear(1)], 0);
    const [lo, hi] = forms.range(mean);
    const least = Math.max(lo, epsilon);
    const inverseRoot = (x: number) => 1 / Math.sqrt(x);
    const error = NORM_ROUNDINGS * FLOAT32 * inverseRoot(least);
    const r = forms.curve(mean, [least, hi], inverseRoot, 0.75 * least ** -2.5, error);
    return layer.map((row) => {
      const bias = row[KEY_WIDTH];
      const product = forms.product(r, forms.sum(row, inputs, WIDTH + 2));
      product[0] += bias;
      return forms.loosen(product, (WIDTH + 2) * FLOAT32 * Math.abs(bias));
    });
  }

  /** GELU, as the kernels compute it. */
  #activate(forms: Forms, h: Form): Form {
    const { gelu, geluError: { relative, absolute } } = this.#layers;
    const [lo, hi] = forms.range(h);
    const largest = Math.max(Math.abs(gelu(lo)), Math.abs(gelu(hi)), LEAST_GELU);
    const error = relative * largest + absolute * Math.max(-lo, hi) + GELU_UNDERFLOW;
    return forms.curve(h, [lo, hi], gelu, GELU_CURVED, error);
  }
}
