/**
 * What follows the attention, in real arithmetic on the module's matrices: the margin of one output of the attention, and its gradient.
 */
import { GELU } from "../engine/reference/gelu.ts";
import { type DecodingNumbers, KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";
import { GELU_ERROR } from "../engine/wasm/elementary_bounds.ts";
import { HIDDEN, TOKENS, variantOf, WIDTH } from "../model/variant.ts";

/** Between two outputs whose margins differ by the gradient. */
const DIFFERENCE = 1e-4;
const TABLE_STEPS = 1024;
const TABLE_END = 10;
/** How far {@linkcode tabulatedGelu} can be from GELU: |gelu''| is nowhere larger than 0.8. */
export const TABLE_ERROR = 0.8 / (8 * TABLE_STEPS ** 2) + 1e-12;

/** GELU from a table, by chords: about five times as fast. */
function tabulatedGelu(form: "erf" | "tanh"): (x: number) => number {
  const { value } = GELU[form];
  const length = 2 * TABLE_END * TABLE_STEPS + 1;
  const table = Float64Array.from({ length }, (_, i) => value(i / TABLE_STEPS - TABLE_END));
  return (x) => {
    const at = (x + TABLE_END) * TABLE_STEPS;
    if (!(at > 0 && at < table.length - 2)) return value(x);
    const i = Math.floor(at);
    return table[i] + (table[i + 1] - table[i]) * (at - i);
  };
}

export type Layers = ReturnType<typeof layersOf>;

/** The numbers of the layers after the attention: the module's matrices, and its constants as it rounds them. */
export function layersOf({ model, projection, w1, w2, output }: DecodingNumbers) {
  const { gelu, layerNormEpsilon, finalNorm, width } = variantOf(model);
  const [ofProjection, ofW1, ofW2, ofOutput] = [projection, w1, w2, output].map((matrix) => Float64Array.from(matrix));
  return {
    ...{ projection: ofProjection, w1: ofW1, w2: ofW2, output: ofOutput, finalNorm },
    ...{ gelu: tabulatedGelu(gelu), geluError: GELU_ERROR[gelu] },
    ...{ epsilon: Math.fround(layerNormEpsilon), inverseWidth: Math.fround(1 / width) },
  };
}

export type PostAttention = ReturnType<typeof postAttention>;

/** The layers after the attention. x: the residual stream, [7]; o: the attention's output, [6]. */
export function postAttention({ projection, w1, w2, output, gelu, finalNorm, epsilon, inverseWidth }: Layers) {
  const [x1, x2] = [new Float64Array(WIDTH), new Float64Array(WIDTH)];
  const logits = new Float64Array(TOKENS);
  const scaleOf = (x: Float64Array) => {
    let squares = 0;
    for (let c = 0; c < KEY_WIDTH; c++) squares += x[c] * x[c];
    return 1 / Math.sqrt(squares * inverseWidth + epsilon);
  };
  /** By how much the target's logit exceeds every other. */
  const margin = (x: Float64Array, o: Float64Array, target: number) => {
    for (let m = 0; m < WIDTH; m++) x1[m] = x[m] + affine(projection, m, o, 1);
    const scale = scaleOf(x1);
    x2.set(x1);
    for (let k = 0; k < HIDDEN; k++) {
      const activated = gelu(affine(w1, k, x1, scale));
      for (let m = 0; m < WIDTH; m++) x2[m] += w2[m * HIDDEN + k] * activated;
    }
    const scale2 = scaleOf(x2);
    let most = -Infinity;
    for (let t = 0; t < TOKENS; t++) {
      logits[t] = finalNorm ? affine(output, t, x2, scale2) : affine(output, t, x2, 1, x2[KEY_WIDTH]);
      if (t !== target && logits[t] > most) most = logits[t];
    }
    return logits[target] - most;
  };
  /** The margin, and in `into` its gradient by o, [6], from differences. */
  const gradient = (x: Float64Array, o: Float64Array, target: number, into: Float64Array) => {
    const own = margin(x, o, target);
    for (let l = 0; l < KEY_WIDTH; l++) {
      const at = o[l];
      o[l] = at + DIFFERENCE;
      into[l] = (margin(x, o, target) - own) / DIFFERENCE;
      o[l] = at;
    }
    return own;
  };
  return { margin, gradient };
}

/** Row `row` of a matrix [out, 7] times six numbers, times `scale`, plus the last column times `last`. */
function affine(matrix: Float64Array, row: number, x: Float64Array, scale: number, last = 1): number {
  let sum = 0;
  for (let l = 0; l < KEY_WIDTH; l++) sum += matrix[row * WIDTH + l] * x[l];
  return scale * sum + matrix[row * WIDTH + KEY_WIDTH] * last;
}
