/**
 * The model: its forward pass, its loss and every gradient, one sequence after the other, in float64. This file is the definition that all engines are
 * held to. Read `forward` first; `backward` is the same lines upwards.
 */
import { chunksOf, type Operands } from "../../model/problem.ts";
import { parameterCount, tensorView, type Variant } from "../../model/variant.ts";
import { FIRST_QUERY, POSITIONS_READ, promptTokens, QUERIES, targetTokens } from "../../model/vocabulary.ts";
import { type ActivationName, attention, attentionBackward, type QkvRow, qkvRow } from "./attention.ts";
import { gelu, geluBackward } from "./gelu.ts";
import { layerNorm, layerNormBackward, type LayerNormState, type LayerNormTensors } from "./layer_norm.ts";
import { addScaled, linear, linearBackward, rowOf, sum } from "./linear.ts";
import { crossEntropy, crossEntropyBackward } from "./softmax.ts";

export type Tensors = ReturnType<typeof tensorsOf>;

/** The tensors of a model, or their gradients, each a view of one flat vector; W is the width, H that of the feed-forward layer. */
export function tensorsOf(values: Float64Array, variant: Variant) {
  const tensor = (name: string) => tensorView(values, variant, name);
  const norm = (name: string): LayerNormTensors => ({ weight: tensor(`${name}.weight`), bias: tensor(`${name}.bias`) });
  return {
    tokenEmbedding: tensor("tok_emb.weight"), // [14, W]; also the output projection
    positionEmbedding: tensor("pos_emb.weight"), // [35, W]
    norm1: norm("blocks.0.ln1"),
    qkv: tensor("blocks.0.attn.qkv.weight"), // [3 W, W]: W rows each make the query, the key and the value
    projection: tensor("blocks.0.attn.proj.weight"), // [W, W]
    norm2: norm("blocks.0.ln2"),
    w1: tensor("blocks.0.ffn.w1.weight"), // [H, W]
    w2: tensor("blocks.0.ffn.w2.weight"), // [W, H]
    finalNorm: variant.finalNorm ? norm("ln_f") : undefined,
  };
}

/** Values that the forward pass keeps for a query position. */
export interface QueryState {
  readonly position: number;
  readonly attended: ReturnType<typeof attention>;
  readonly normed2: LayerNormState;
  readonly hidden: Float64Array; // the feed-forward layer before GELU, length H
  readonly activated: Float64Array;
  readonly finalNormed?: LayerNormState;
  readonly output: Float64Array; // the input of the output projection, length W
  readonly logits: Float64Array; // one number a token, length 14
}

export interface ForwardOptions {
  /** Positions in all: behind `given`, the model reads the tokens that it writes. @default {those that are given} */
  length?: number;
  /** Gets every activation by name and position, and returns what to go on with. @default {nothing is changed} */
  hook?: (name: ActivationName, position: number, row: Float64Array) => Float64Array;
}

/** The index of the largest element, the first of several. */
export function argmax(values: Float64Array): number {
  return values.indexOf(Math.max(...values));
}

/**
 * The forward pass over one sequence, position by position: none sees a later one. Every position gives a key and a value. Only positions from `firstQuery`
 * on predict the next token: within the one layer nothing ever reads what the earlier ones would have answered, and no loss is taken there.
 *
 * @param given The sequence or its beginning, at most 35 tokens
 * @returns What the backward pass needs: tokens, LayerNorms before the attention and q, k, v by position, the rest by query position
 */
export function forward(
  tensors: Tensors,
  variant: Variant,
  given: readonly number[],
  firstQuery: number,
  { length = given.length, hook = (_name, _position, row) => row }: ForwardOptions = {},
) {
  const { layerNormEpsilon: epsilon, width } = variant;
  const tokens: number[] = [];
  const normed1: LayerNormState[] = [];
  const qkv: QkvRow[] = [];
  const queries: QueryState[] = [];
  for (let position = 0; position < length; position++) {
    const isQuery = position >= firstQuery;
    const pass = (name: ActivationName, row: Float64Array) => hook(name, position, row);
    const token = given[position] ?? argmax(queries.at(-1)!.logits);
    const embedding = rowOf(tensors.tokenEmbedding, token, width);
    const x0 = pass("embedded", sum(embedding, rowOf(tensors.positionEmbedding, position, width)));

    const normed = layerNorm(x0, tensors.norm1, epsilon);
    const { row, query, key, value } = qkvRow(linear(normed.y, tensors.qkv)); // row is (3 W), the others are (W)
    tokens.push(token);
    normed1.push(normed);
    qkv.push({
      row,
      query: isQuery ? pass("query", query) : query,
      key: pass("key", key),
      value: pass("value", value),
    });
    if (!isQuery) continue;

    const attended = attention(qkv, pass);
    const x1 = pass("middle", sum(x0, pass("attentionOut", linear(attended.output, tensors.projection))));

    const normed2 = layerNorm(x1, tensors.norm2, epsilon);
    const hidden = pass("hidden", linear(normed2.y, tensors.w1));
    const activated = pass("activated", gelu(hidden, variant.gelu));
    const x2 = sum(x1, pass("feedForwardOut", linear(activated, tensors.w2)));

    const finalNormed = tensors.finalNorm && layerNorm(x2, tensors.finalNorm, epsilon);
    const output = pass("output", finalNormed?.y ?? x2);
    const logits = pass("logits", linear(output, tensors.tokenEmbedding));
    queries.push({ position, attended, normed2, hidden, activated, finalNormed, output, logits });
  }
  return { tokens, normed1, qkv, queries };
}

/** Backward of {@linkcode forward}: from one row of length 14 a query position; adds to the gradient of each tensor. */
export function backward(
  dLogits: readonly Float64Array[],
  { tokens, normed1, qkv, queries }: ReturnType<typeof forward>,
  tensors: Tensors,
  variant: Variant,
  gradient: Tensors,
): void {
  const { width } = variant;
  const dX0 = tokens.map(() => new Float64Array(width));
  const dQkv = tokens.map(() => qkvRow(new Float64Array(3 * width)));

  for (const [i, state] of queries.entries()) {
    const { position, attended, normed2, hidden, activated, finalNormed, output } = state;

    // in the forward pass this was: logits = linear(output, tokenEmbedding)
    const dOutput = linearBackward(dLogits[i], output, tensors.tokenEmbedding, gradient.tokenEmbedding);
    // in the forward pass this was: output = finalNorm(x2), or x2 where there is none
    const dX2 = finalNormed
      ? layerNormBackward(dOutput, finalNormed, tensors.finalNorm!, gradient.finalNorm!)
      : dOutput;

    // in the forward pass this was: x2 = x1 + linear(gelu(linear(norm2(x1), w1)), w2)
    const dActivated = linearBackward(dX2, activated, tensors.w2, gradient.w2);
    const dHidden = geluBackward(dActivated, hidden, variant.gelu);
    const dNormed2 = linearBackward(dHidden, normed2.y, tensors.w1, gradient.w1);
    const dX1 = sum(dX2, layerNormBackward(dNormed2, normed2, tensors.norm2, gradient.norm2));

    // in the forward pass this was: x1 = x0 + linear(attention(query, keys, values), projection)
    addScaled(dX0[position], 1, dX1);
    const dAttended = linearBackward(dX1, attended.output, tensors.projection, gradient.projection);
    const seen = position + 1;
    attentionBackward(dAttended, attended, qkv.slice(0, seen), dQkv.slice(0, seen));
  }

  for (const [position, token] of tokens.entries()) {
    // in the forward pass this was: qkv = linear(norm1(x0), qkv)
    const dNormed1 = linearBackward(dQkv[position].row, normed1[position].y, tensors.qkv, gradient.qkv);
    addScaled(dX0[position], 1, layerNormBackward(dNormed1, normed1[position], tensors.norm1, gradient.norm1));

    // in the forward pass this was: x0 = tokenEmbedding[token] + positionEmbedding[position]
    addScaled(rowOf(gradient.tokenEmbedding, token, width), 1, dX0[position]);
    addScaled(rowOf(gradient.positionEmbedding, position, width), 1, dX0[position]);
  }
}

/** Sequences of 33 tokens with the right sum in them, and what is to be predicted at their 12 query positions. */
function* taughtSequences(operands: Operands) {
  for (const { chunk: [a, b] } of chunksOf(operands, 1)) {
    const targets = targetTokens(a, b);
    const tokens = [...promptTokens(a, b), ...targets].slice(0, POSITIONS_READ); // the end of the sequence is never read
    yield { tokens, targets };
  }
}

/** Logits [n, 12, 14] at the query positions, with the right sum in the sequence. */
export function teacherForcedLogits(tensors: Tensors, variant: Variant, operands: Operands): Float64Array[] {
  const passes = Array.from(taughtSequences(operands), ({ tokens }) => forward(tensors, variant, tokens, FIRST_QUERY));
  return passes.flatMap(({ queries }) => queries.map(({ logits }) => logits));
}

/** The mean cross-entropy over the 12 query positions and the batch, in nats, and its gradient, for at least one problem. */
export function lossAndGradient(tensors: Tensors, variant: Variant, operands: Operands) {
  const gradient = new Float64Array(parameterCount(variant));
  const gradientTensors = tensorsOf(gradient, variant);
  const predictions = QUERIES * operands.length / 2;
  let total = 0;
  for (const { tokens, targets } of taughtSequences(operands)) {
    const activations = forward(tensors, variant, tokens, FIRST_QUERY);
    const dLogits = activations.queries.map(({ logits }, query) => {
      total += crossEntropy(logits, targets[query]);
      // in the forward pass this was: loss = total / predictions
      return crossEntropyBackward(1 / predictions, logits, targets[query]);
    });
    backward(dLogits, activations, tensors, variant, gradientTensors);
  }
  return { loss: total / predictions, gradient };
}

/**
 * The 12 tokens that the model writes after `a + b =`: each is the likeliest next one after the prompt and the tokens written before it. With other weights
 * the same code writes another answer.
 */
export function decodeGreedily(tensors: Tensors, variant: Variant, a: number, b: number): number[] {
  const { queries } = forward(tensors, variant, promptTokens(a, b), FIRST_QUERY, { length: POSITIONS_READ });
  return queries.map(({ logits }) => argmax(logits));
}

/** Token ids [n, 12] of many problems. */
export function decodeAll(tensors: Tensors, variant: Variant, operands: Operands): Uint8Array {
  const decode = ({ chunk: [a, b] }: { chunk: Operands }) => decodeGreedily(tensors, variant, a, b);
  return Uint8Array.from(Array.from(chunksOf(operands, 1), decode).flat());
}
