/**
 * What follows the attention, in real arithmetic on the module's matrices: the margin of one output of the attention, and its gradient.
 */
import { GELU } from "../engine/reference/gelu.ts";
import { type DecodingNumbers, KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";
import { HIDDEN, TOKENS, variantOf, WIDTH } from "../model/variant.ts";

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
  readonly #geluDerivative: (x: number) => number;
  readonly #epsilon: number;
  readonly #inverseWidth: number;
  readonly #finalNorm: boolean;
  readonly #x1 = new Float64Array(WIDTH);
  readonly #hidden = new Float64Array(HIDDEN);
  readonly #x2 = new Float64Array(WIDTH);
  readonly #logits = new Float64Array(TOKENS);
  #scale1 = 0;
  #scale2 = 0;
  /** The token whose logit came nearest to the target's. */
  #competitor = -1;

  constructor(tables: DecodingNumbers) {
    const { gelu, layerNormEpsilon, finalNorm, width } = variantOf(tables.model);
    this.#tables = tables;
    this.#gelu = tabulatedGelu(gelu);
    this.#geluDerivative = GELU[gelu].derivative;
    this.#epsilon = Math.fround(layerNormEpsilon);
    this.#inverseWidth = Math.fround(1 / width);
    this.#finalNorm = finalNorm;
  }

  /** By how much the target's logit exceeds every other. x: the residual stream, [7]; o: the attention's output, [6]. */
  margin(x: Float64Array, o: Float64Array, target: number): number {
    const { projection, w1, w2, output } = this.#tables;
    const [x1, hidden, x2, logits] = [this.#x1, this.#hidden, this.#x2, this.#logits];
    for (let m = 0; m < WIDTH; m++) x1[m] = x[m] + affine(projection, m, o, 1);
    this.#scale1 = this.#scale(x1);
    for (let k = 0; k < HIDDEN; k++) hidden[k] = affine(w1, k, x1, this.#scale1);
    x2.set(x1);
    for (let k = 0; k < HIDDEN; k++) {
      const activated = this.#gelu(hidden[k]);
      for (let m = 0; m < WIDTH; m++) x2[m] += w2[m * HIDDEN + k] * activated;
    }
    this.#scale2 = this.#scale(x2);
    let most = -Infinity;
    for (let t = 0; t < TOKENS; t++) {
      logits[t] = this.#finalNorm ? affine(output, t, x2, this.#scale2) : affine(output, t, x2, 1, x2[KEY_WIDTH]);
      if (t === target || !(logits[t] > most)) continue;
      most = logits[t];
      this.#competitor = t;
    }
    return logits[target] - most;
  }

  /** The gradient of the last {@linkcode margin} by the attention's output, [6]. */
  gradient(target: number, into: Float64Array): void {
    const { projection, w1, w2, output } = this.#tables;
    const of = (row: number, column: number) => output[row * WIDTH + column];
    let dx2 = Array.from({ length: WIDTH }, (_, m) => of(target, m) - of(this.#competitor, m));
    if (this.#finalNorm) dx2 = this.#normBackward(dx2, this.#x2, this.#scale2);
    const dNormed = new Array<number>(WIDTH).fill(0);
    for (let k = 0; k < HIDDEN; k++) {
      let d = 0;
      for (let m = 0; m < WIDTH; m++) d += dx2[m] * w2[m * HIDDEN + k];
      d *= this.#geluDerivative(this.#hidden[k]);
      for (let c = 0; c < KEY_WIDTH; c++) dNormed[c] += d * w1[k * WIDTH + c];
    }
    const through = this.#normBackward(dNormed, this.#x1, this.#scale1);
    into.fill(0);
    for (let m = 0; m < WIDTH; m++) {
      for (let l = 0; l < KEY_WIDTH; l++) into[l] += (dx2[m] + through[m]) * projection[m * WIDTH + l];
    }
  }

  #scale(x: Float64Array): number {
    let squares = 0;
    for (let c = 0; c < KEY_WIDTH; c++) squares += x[c] * x[c];
    return 1 / Math.sqrt(squares * this.#inverseWidth + this.#epsilon);
  }

  /** forward: y = r x with r = (|x|^2 / W + epsilon)^(-1/2), so dx = r dy - r^3 x (x . dy) / W; the seventh coordinate was not read. */
  #normBackward(dy: readonly number[], x: Float64Array, r: number): number[] {
    let dot = 0;
    for (let c = 0; c < KEY_WIDTH; c++) dot += dy[c] * x[c];
    return Array.from(x, (value, c) => c < KEY_WIDTH ? r * dy[c] - r ** 3 * value * dot * this.#inverseWidth : 0);
  }
}

/** Row `row` of a matrix [out, 7] times six numbers, times `scale`, plus the last column times `last`. */
function affine(matrix: Float32Array, row: number, x: Float64Array, scale: number, last = 1): number {
  let sum = 0;
  for (let l = 0; l < KEY_WIDTH; l++) sum += matrix[row * WIDTH + l] * x[l];
  return scale * sum + matrix[row * WIDTH + KEY_WIDTH] * last;
}
