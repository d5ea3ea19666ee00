/** What follows the attention, in real arithmetic on the module's matrices: the margin of one output of the attention, and its gradient. */
import { layersOf } from "../checker/margin.ts";
import type { Query } from "../checker/query.ts";
import { type DecodingNumbers, KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";
import { HIDDEN, TOKENS, WIDTH } from "../model/variant.ts";

/** Between two outputs whose margins differ by the gradient. */
const DIFFERENCE = 1e-4;
const TABLE_STEPS = 1024;
const TABLE_END = 10;
/** How far {@linkcode tabulated} GELU can be from GELU: |gelu''| is nowhere larger than 0.8. */
export const TABLE_ERROR = 0.8 / (8 * TABLE_STEPS ** 2) + 1e-12;

/** GELU from a table, by chords: about five times as fast. */
function tabulated(value: (x: number) => number): (x: number) => number {
  const length = 2 * TABLE_END * TABLE_STEPS + 1;
  const table = Float64Array.from({ length }, (_, i) => value(i / TABLE_STEPS - TABLE_END));
  return (x) => {
    const at = (x + TABLE_END) * TABLE_STEPS;
    if (!(at > 0 && at < table.length - 2)) return value(x);
    const i = Math.floor(at);
    return table[i] + (table[i + 1] - table[i]) * (at - i);
  };
}

export type Layers = ReturnType<typeof proverLayers>;

/** The layers after the attention as the checker has them, with GELU from a table. */
export function proverLayers(numbers: DecodingNumbers) {
  const layers = layersOf(numbers);
  return { ...layers, gelu: tabulated(layers.gelu) };
}

/** What is asked of the model: x is the residual stream, [7]. */
type Question = { readonly query: Pick<Query, "x">; readonly target: number };

/** Margins from the attention's output o, [6]. */
export class PostAttention {
  readonly #x1 = new Float64Array(WIDTH);
  readonly #x2 = new Float64Array(WIDTH);
  readonly #activated = new Float64Array(HIDDEN);

  constructor(private readonly layers: Layers) {}

  /** By how much the target's logit exceeds every other. */
  margin({ query: { x }, target }: Question, o: Float64Array): number {
    const { projection, w1, w2, output, gelu, finalNorm } = this.layers;
    const [x1, x2, activated] = [this.#x1, this.#x2, this.#activated];
    for (let m = 0; m < WIDTH; m++) x1[m] = x[m] + affine(projection[m], o, 1);
    const scale = this.#scaleOf(x1);
    for (let k = 0; k < HIDDEN; k++) activated[k] = gelu(affine(w1[k], x1, scale));
    for (let m = 0; m < WIDTH; m++) {
      x2[m] = x1[m];
      for (let k = 0; k < HIDDEN; k++) x2[m] += w2[m][k] * activated[k];
    }
    const scale2 = finalNorm ? this.#scaleOf(x2) : 1;
    const last = finalNorm ? 1 : x2[KEY_WIDTH];
    let most = -Infinity;
    for (let t = 0; t < TOKENS; t++) {
      const logit = affine(output[t], x2, scale2, last);
      if (t !== target && logit > most) most = logit;
    }
    return affine(output[target], x2, scale2, last) - most;
  }

  #scaleOf(x: Float64Array): number {
    const { inverseWidth, epsilon } = this.layers;
    let squares = 0;
    for (let c = 0; c < KEY_WIDTH; c++) squares += x[c] * x[c];
    return 1 / Math.sqrt(squares * inverseWidth + epsilon);
  }

  /** The margin, and in `into` its gradient by o, [6], from differences. */
  gradient(question: Question, o: Float64Array, into: Float64Array): number {
    const own = this.margin(question, o);
    for (let l = 0; l < KEY_WIDTH; l++) {
      const at = o[l];
      o[l] = at + DIFFERENCE;
      into[l] = (this.margin(question, o) - own) / DIFFERENCE;
      o[l] = at;
    }
    return own;
  }
}

/** The product of six numbers and the first of a row of seven, times `scale`, plus the last of the row times `last`. */
function affine(row: Float64Array, x: Float64Array, scale: number, last = 1): number {
  let sum = 0;
  for (let l = 0; l < KEY_WIDTH; l++) sum += row[l] * x[l];
  return scale * sum + row[KEY_WIDTH] * last;
}
