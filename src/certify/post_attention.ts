/**
 * What follows the attention, in real arithmetic on the module's matrices: the margin of one output of the attention, and its gradient.
 */
import { GELU } from "../engine/reference/gelu.ts";
import { type DecodingNumbers, KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";
import { HIDDEN, TOKENS, variantOf, WIDTH } from "../model/variant.ts";

/** Between two outputs whose margins differ by the gradient. */
const DIFFERENCE = 1e-4;
const TABLE_STEPS = 1024;
const TABLE_END = 10;
/** How far {@linkcode tabulatedGelu} can be from GELU: |gelu''| is nowhere larger than 0.8. */
export const TABLE_ERROR = 0.8 / (8 * TABLE_STEPS ** 2) + 1e-12;

const tables = new Map<"erf" | "tanh", Float64Array>();

/** GELU from a table, by chords: about five times as fast. */
export function tabulatedGelu(form: "erf" | "tanh"): (x: number) => number {
  const { value } = GELU[form];
  const length = 2 * TABLE_END * TABLE_STEPS + 1;
  const table = tables.get(form) ?? Float64Array.from({ length }, (_, i) => value(i / TABLE_STEPS - TABLE_END));
  tables.set(form, table);
  return (x) => {
    const at = (x + TABLE_END) * TABLE_STEPS;
    if (!(at > 0 && at < table.length - 2)) return value(x);
    const i = Math.floor(at);
    return table[i] + (table[i + 1] - table[i]) * (at - i);
  };
}

/** The layers after the attention. */
export class PostAttention {
  readonly #tables: DecodingNumbers;
  readonly #gelu: (x: number) => number;
  readonly #epsilon: number;
  readonly #inverseWidth: number;
  readonly #finalNorm: boolean;
  readonly #x1 = new Float64Array(WIDTH);
  readonly #x2 = new Float64Array(WIDTH);
  readonly #logits = new Float64Array(TOKENS);

  constructor(tables: DecodingNumbers) {
    const { gelu, layerNormEpsilon, finalNorm, width } = variantOf(tables.model);
    this.#tables = tables;
    this.#gelu = tabulatedGelu(gelu);
    this.#epsilon = Math.fround(layerNormEpsilon);
    this.#inverseWidth = Math.fround(1 / width);
    this.#finalNorm = finalNorm;
  }

  /** By how much the target's logit exceeds every other. x: the residual stream, [7]; o: the attention's output, [6]. */
  margin(x: Float64Array, o: Float64Array, target: number): number {
    const { projection, w1, w2, output } = this.#tables;
    const [x1, x2, logits] = [this.#x1, this.#x2, this.#logits];
    for (let m = 0; m < WIDTH; m++) x1[m] = x[m] + affine(projection, m, o, 1);
    const scale = this.#scale(x1);
    x2.set(x1);
    for (let k = 0; k < HIDDEN; k++) {
      const activated = this.#gelu(affine(w1, k, x1, scale));
      for (let m = 0; m < WIDTH; m++) x2[m] += w2[m * HIDDEN + k] * activated;
    }
    const scale2 = this.#scale(x2);
    let most = -Infinity;
    for (let t = 0; t < TOKENS; t++) {
      logits[t] = this.#finalNorm ? affine(output, t, x2, scale2) : affine(output, t, x2, 1, x2[KEY_WIDTH]);
      if (t !== target && logits[t] > most) most = logits[t];
    }
    return logits[target] - most;
  }

  /** The margin, and in `into` its gradient by the attention's output, [6], from differences. */
  gradient(x: Float64Array, o: Float64Array, target: number, into: Float64Array): number {
    const margin = this.margin(x, o, target);
    for (let l = 0; l < KEY_WIDTH; l++) {
      const own = o[l];
      o[l] = own + DIFFERENCE;
      into[l] = (this.margin(x, o, target) - margin) / DIFFERENCE;
      o[l] = own;
    }
    return margin;
  }

  #scale(x: Float64Array): number {
    let squares = 0;
    for (let c = 0; c < KEY_WIDTH; c++) squares += x[c] * x[c];
    return 1 / Math.sqrt(squares * this.#inverseWidth + this.#epsilon);
  }
}

/** Row `row` of a matrix [out, 7] times six numbers, times `scale`, plus the last column times `last`. */
function affine(matrix: Float32Array, row: number, x: Float64Array, scale: number, last = 1): number {
  let sum = 0;
  for (let l = 0; l < KEY_WIDTH; l++) sum += matrix[row * WIDTH + l] * x[l];
  return scale * sum + matrix[row * WIDTH + KEY_WIDTH] * last;
}
