/**
 * How far float32 logits can be from real ones in an engine that adds in any order: the model as PyTorch, ONNX and WebGPU compute it, matrix by matrix.
 * A running error analysis with a term for every product (Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.3), for each input
 * alone. exp and erf are taken to be right to 4 units in the last place.
 *
 * deno run --config tests/deno.json --allow-read tests/certify/any_order.ts
 */
import { type Tensors, tensorsOf } from "../../src/engine/reference/model.ts";
import type { LayerNormTensors } from "../../src/engine/reference/layer_norm.ts";
import { hardCases } from "../../src/evaluation/hard.ts";
import { drawOperands } from "../../src/model/sampler.ts";
import { HIDDEN, type ModelName, variantOf, WIDTH } from "../../src/model/variant.ts";
import { FIRST_QUERY, promptTokens, QUERIES, targetTokens } from "../../src/model/vocabulary.ts";
import { GELU } from "../../src/engine/reference/gelu.ts";
import type { Certificate } from "../../src/certify/types.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";

const UNIT = 2 ** -24;
const FUNCTION = 4 * UNIT;
const INPUTS = 100;

/** A number that float32 computes: its real value, and how far the computed one may be. */
interface Computed {
  readonly value: number;
  readonly error: number;
}

const exact = (value: number): Computed => ({ value, error: 0 });
const sizeOf = ({ value, error }: Computed) => Math.abs(value) + error;

/** The sum of products in any order: each of n terms is rounded at most n times. */
function dot(xs: readonly Computed[], ys: readonly Computed[]): Computed {
  let [value, error, size] = [0, 0, 0];
  xs.forEach((x, i) => {
    const y = ys[i];
    value += x.value * y.value;
    error += Math.abs(x.value) * y.error + Math.abs(y.value) * x.error + x.error * y.error;
    size += sizeOf(x) * sizeOf(y);
  });
  return { value, error: error + 1.01 * xs.length * UNIT * size };
}

const ONE = exact(1);
const add = (...terms: Computed[]) => dot(terms, terms.map(() => ONE));
const times = (x: Computed, y: Computed) => dot([x], [y]);

/** A matrix [out, in] times a vector. */
function linear(matrix: Float64Array, xs: readonly Computed[]): Computed[] {
  return Array.from({ length: matrix.length / xs.length }, (_, row) => {
    return dot(Array.from(matrix.subarray(row * xs.length, (row + 1) * xs.length), exact), xs);
  });
}

function layerNorm(xs: readonly Computed[], { weight, bias }: LayerNormTensors, epsilon: number): Computed[] {
  const seventh = { value: 1 / WIDTH, error: UNIT / WIDTH };
  const mean = times(add(...xs), { value: -1 / WIDTH, error: UNIT / WIDTH });
  const centered = xs.map((x) => add(x, mean));
  const variance = add(times(dot(centered, centered), seventh), exact(epsilon));
  const value = variance.value ** -0.5;
  const scale = { value, error: (variance.value - variance.error) ** -0.5 - value + 3 * UNIT * value };
  return centered.map((x, i) => add(times(times(x, scale), exact(weight[i])), exact(bias[i])));
}

function softmaxSum(scores: readonly Computed[], values: readonly Computed[][]): Computed[] {
  const most = Math.max(...scores.map(({ value }) => value));
  const weights = scores.map(({ value }) => Math.exp(value - most));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const errors = scores.map(({ value, error }) => Math.expm1(error + UNIT * (most - value + error)) + FUNCTION);
  const largest = Math.max(...errors);
  return Array.from({ length: WIDTH }, (_, c) => {
    const value = weights.reduce((sum, weight, j) => sum + weight * values[j][c].value, 0) / total;
    const error = weights.reduce((sum, weight, j) => {
      const own = values[j][c];
      return sum + weight / total *
          (errors[j] / (1 - largest) * Math.abs(own.value - value) + own.error +
            (2 * scores.length + 3) * UNIT * sizeOf(own));
    }, 0);
    return { value, error };
  });
}

/** Logits of one step. */
function logits(tensors: Tensors, tokens: readonly number[], model: ModelName): Computed[] {
  const { layerNormEpsilon: epsilon, gelu } = variantOf(model);
  const row = (matrix: Float64Array, at: number) => Array.from(matrix.subarray(at * WIDTH, (at + 1) * WIDTH), exact);
  const stream = tokens.map((token, position) => {
    const [own, place] = [row(tensors.tokenEmbedding, token), row(tensors.positionEmbedding, position)];
    return own.map((value, c) => add(value, place[c]));
  });
  const qkv = stream.map((x) => linear(tensors.qkv, layerNorm(x, tensors.norm1, epsilon)));
  const query = qkv.at(-1)!.slice(0, WIDTH);
  const scale = { value: WIDTH ** -0.5, error: UNIT };
  const scores = qkv.map((own) => times(dot(query, own.slice(WIDTH, 2 * WIDTH)), scale));
  const attended = linear(tensors.projection, softmaxSum(scores, qkv.map((own) => own.slice(2 * WIDTH))));
  const x1 = stream.at(-1)!.map((x, c) => add(x, attended[c]));
  const hidden = linear(tensors.w1, layerNorm(x1, tensors.norm2, epsilon)).map((h) => ({
    value: GELU[gelu].value(h.value),
    error: 1.13 * h.error + FUNCTION * sizeOf(h),
  }));
  if (hidden.length !== HIDDEN) throw new Error("Cannot analyse a narrow model");
  const fed = linear(tensors.w2, hidden);
  const x2 = x1.map((x, c) => add(x, fed[c]));
  return linear(tensors.tokenEmbedding, tensors.finalNorm ? layerNorm(x2, tensors.finalNorm, epsilon) : x2);
}

const { model, parameters } = shippedCheckpoint();
const tensors = tensorsOf(Float64Array.from(parameters), variantOf(model));
const certificate: Certificate = JSON.parse(
  await Deno.readTextFile(new URL("../../src/weights/shipped_763.certificate.json", import.meta.url)),
);

/** Prints bounds of the error of margins, each the sum of those of two logits. */
function report(name: string, questions: readonly { a: number; b: number; step: number }[]): void {
  const errors: number[] = [];
  let covered = 0;
  for (const { a, b, step } of questions) {
    const answer = targetTokens(a, b);
    const all = logits(tensors, [...promptTokens(a, b), ...answer].slice(0, FIRST_QUERY + step + 1), model);
    const target = all[answer[step]];
    const others = all.filter((own) => own !== target);
    errors.push(Math.max(...others.map(({ error }) => target.error + error)));
    if (others.every(({ value, error }) => target.value - target.error > value + error)) covered++;
  }
  errors.sort((x, y) => x - y);
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  console.log(
    `${name}: ${errors.length} margins, bounds of their error ${mean.toFixed(1)} in the mean, ` +
      `${errors[errors.length >> 1].toFixed(1)} in the middle, ${errors.at(-1)!.toFixed(1)} at most; ` +
      `${covered} margins are larger than that`,
  );
}

const steps = Array.from({ length: QUERIES }, (_, step) => step);
for (
  const [name, operands] of [
    ["long carries", hardCases({ count: INPUTS, seed: 2 })],
    ["random pairs", drawOperands({ seed: 2, stream: "evaluation", count: INPUTS })],
  ] as const
) {
  const pairs = Array.from({ length: INPUTS }, (_, i) => ({ a: operands[2 * i], b: operands[2 * i + 1] }));
  report(name, pairs.flatMap((pair) => steps.map((step) => ({ ...pair, step }))));
}
report("the worst pair of each step", certificate.steps.map(({ step, worst }) => ({ ...worst, step })));
