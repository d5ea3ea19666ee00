/**
 * Both ways in which the modules decode, in float32 with one `Math.fround` a rounding, on the numbers that the module holds. The tests compare its
 * tokens with the modules'; its margins are then those that the modules compute.
 */
import {
  blockOf,
  type DecodingNumbers,
  KEY_WIDTH,
  QUERY_ROW,
  queryTable,
  ROW,
  tokensAtPosition,
} from "../../src/engine/wasm/decoding_tables.ts";
import { HIDDEN, TOKENS, variantOf, WIDTH } from "../../src/model/variant.ts";
import { EQUALS, FIRST_QUERY, promptTokens, QUERIES } from "../../src/model/vocabulary.ts";

const f = Math.fround;
const bits = new DataView(new ArrayBuffer(4));

/** `exp2From` of assembly/elementary.ts. */
function exp2(x: number, lowest: number): number {
  const clamped = lowest < x ? x : lowest;
  const shifted = f(clamped + 12582912);
  const part = f(clamped - f(shifted - 12582912));
  const coefficients = [0.009671512991189957, 0.05550733581185341, 0.24022242426872253, 0.6931470036506653, 1];
  let p = f(0.001326472731307149);
  for (const c of coefficients) p = f(f(c) + f(p * part));
  bits.setFloat32(0, shifted);
  const exponent = bits.getInt32(0) << 23;
  bits.setFloat32(0, p);
  bits.setInt32(0, bits.getInt32(0) + exponent | 0);
  return bits.getFloat32(0);
}

const LOG2_E = f(1.4426950408889634);
const PHI = [
  0.23893599212169647,
  -0.12184562534093857,
  0.17866526544094086,
  0.06805627048015594,
  0.10833282768726349,
  0.10341592133045197,
];

/** `geluErf`. */
function geluErf(u: number): number {
  const gauss = exp2(f(f(u * u) * f(-0.5 * LOG2_E)), -72);
  const t = f(1 / f(1 + f(Math.abs(u) * f(0.26))));
  let r = f(-0.07556076347827911);
  for (const c of PHI) r = f(f(c) + f(r * t));
  const tail = f(f(r * t) * gauss);
  return f(u * (u < 0 || Object.is(u, -0) ? tail : f(1 - tail)));
}

/** `geluTanh`. */
function geluTanh(u: number): number {
  const inner = f(1 + f(f(u * u) * f(0.044715)));
  const twoZ = f(f(u * f(1.5957691216057308)) * inner);
  const e = exp2(f(Math.abs(twoZ) * -LOG2_E), -72);
  const large = f(1 / f(e + 1));
  return f(u * (twoZ < 0 || Object.is(twoZ, -0) ? f(e * large) : large));
}

/** The sum of products in float32, from the first on, and `start` at the end. */
function linear(row: ArrayLike<number>, x: readonly number[], start?: number): number {
  let sum = f(row[0] * x[0]);
  for (let n = 1; n < x.length; n++) sum = f(sum + f(x[n] * row[n]));
  return start === undefined ? sum : f(sum + start);
}

function normalize(x: readonly number[], epsilon: number): number[] {
  let squares = 0;
  for (let c = 0; c < KEY_WIDTH; c++) squares = f(squares + f(x[c] * x[c]));
  const r = f(1 / f(Math.sqrt(f(f(epsilon) + f(squares * f(1 / 7))))));
  return [...x.slice(0, KEY_WIDTH).map((value) => f(value * r)), 1];
}

/** From the attention's output (6) to the logits. */
function logitsOf({ model, projection, w1, w2, output }: DecodingNumbers, x: ArrayLike<number>, o: number[]): number[] {
  const { gelu, layerNormEpsilon, finalNorm } = variantOf(model);
  const rows = (matrix: Float32Array, count: number) =>
    Array.from(
      { length: count },
      (_, i) => matrix.subarray(i * matrix.length / count, (i + 1) * matrix.length / count),
    );
  const x1 = rows(projection, WIDTH).map((row, m) => linear(row, [...o, 1], x[m]));
  const hidden = rows(w1, HIDDEN).map((row) => linear(row, normalize(x1, layerNormEpsilon)));
  const activated = hidden.map(gelu === "erf" ? geluErf : geluTanh);
  const x2 = rows(w2, WIDTH).map((row, m) => linear(row, activated, x1[m]));
  const input = finalNorm ? normalize(x2, layerNormEpsilon) : x2;
  return rows(output, TOKENS).map((row) => linear(row, input));
}

/** Logits of one step by tables: tokens of the prompt and of those written, of which the last asks. */
export function logitsByTables(numbers: DecodingNumbers, step: number, tokens: readonly number[]): number[] {
  const own = tokens[FIRST_QUERY + step];
  const block = blockOf(numbers, step, own);
  const rows = [
    0,
    ...Array.from({ length: 10 }, (_, key) => 1 + 10 * key + tokens[9 - key]),
    ...Array.from({ length: 10 }, (_, key) => 101 + 10 * key + tokens[20 - key]),
    ...Array.from({ length: step }, (_, i) => 201 + 14 * i + tokens[22 + i]),
  ];
  const sums = Array.from(block.subarray(0, ROW));
  for (const row of rows.slice(1)) sums.forEach((sum, c) => sums[c] = f(sum + block[row * ROW + c]));
  const inverse = f(1 / sums[KEY_WIDTH]);
  const { x } = queryTable(numbers, step, own);
  return logitsOf(numbers, x, sums.slice(0, KEY_WIDTH).map((sum) => f(sum * inverse)));
}

/** The token that alone can be there, or the one that is. */
function oneOf(tokens: readonly number[], token: number): number {
  return tokens.length === 1 ? tokens[0] : token;
}

/** The same key by key, as assembly/decode_keys.ts does. */
export function logitsByKeys(numbers: DecodingNumbers, step: number, tokens: readonly number[]): number[] {
  const own = tokens[FIRST_QUERY + step];
  const query = numbers.queries.subarray((step * TOKENS + own) * QUERY_ROW);
  const keys = tokens.slice(0, FIRST_QUERY + step + 1).map((token, position) => {
    const at = (position * TOKENS + oneOf(tokensAtPosition(position, step, own), token)) * ROW;
    return numbers.keys.subarray(at, at + KEY_WIDTH);
  });
  const scores = keys.map((key) => {
    let score = f(query[0] * key[0]);
    for (let c = 1; c < KEY_WIDTH; c++) score = f(score + f(query[c] * key[c]));
    return score;
  });
  const largest = Math.max(...scores);
  const weights = scores.map((score) => exp2(f(score - largest), -40));
  let sum = 0;
  for (let j = 0; j < weights.length; j += 2) {
    sum = f(sum + (j + 1 < weights.length ? f(weights[j] + weights[j + 1]) : weights[j]));
  }
  const inverse = f(1 / sum);
  const o = Array.from({ length: KEY_WIDTH }, (_, c) => {
    let total = 0;
    weights.forEach((weight, j) => total = f(total + f(weight * keys[j][c])));
    return f(total * inverse);
  });
  return logitsOf(numbers, queryTable(numbers, step, own).x, o);
}

/** What greedy decoding writes, by one of the two. */
export function decode(numbers: DecodingNumbers, a: number, b: number, logits: typeof logitsByKeys): number[] {
  const tokens = [...promptTokens(a, b)];
  tokens[FIRST_QUERY] = EQUALS;
  for (let step = 0; step < QUERIES; step++) {
    const values = logits(numbers, step, tokens);
    tokens.push(values.indexOf(Math.max(...values)));
  }
  return tokens.slice(FIRST_QUERY + 1);
}

/** The smaller of the two ways' margins of a token; -Infinity where a logit is none. */
export function marginOf(numbers: DecodingNumbers, step: number, tokens: readonly number[], target: number): number {
  const margins = [logitsByTables, logitsByKeys].map((logits) => {
    const values = logits(numbers, step, tokens);
    if (!values.every(Number.isFinite)) return -Infinity;
    return values[target] - Math.max(...values.toSpliced(target, 1));
  });
  return Math.min(...margins);
}
