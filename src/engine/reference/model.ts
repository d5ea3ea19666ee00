/**
 * The model: its forward pass, its loss and every gradient, one sequence after the other, in float64.
 *
 * This file is the definition that all engines are held to. Read `forward` first; `backward` is the same lines upwards.
 */
import type { Operands } from "../../model/problem.ts";
import { parameterCount, tensorView, type Variant } from "../../model/variant.ts";
import { FIRST_QUERY, POSITIONS_READ, promptTokens, QUERIES, targetTokens } from "../../model/vocabulary.ts";
import {
  type ActivationName,
  attention,
  attentionBackward,
  type AttentionState,
  type QkvRow,
  qkvRow,
} from "./attention.ts";
import { gelu, geluBackward } from "./gelu.ts";
import { layerNorm, layerNormBackward, type LayerNormState, type LayerNormTensors } from "./layer_norm.ts";
import { addScaled, linear, linearBackward, rowOf, sum } from "./linear.ts";
import { crossEntropy, crossEntropyBackward } from "./softmax.ts";

/** The tensors of a model, each a view of one flat vector, or their gradients. */
export interface Tensors {
  /** [14, W]; also the output projection. */
  readonly tokenEmbedding: Float64Array;
  /** [35, W]. */
  readonly positionEmbedding: Float64Array;
  readonly norm1: LayerNormTensors;
  /** [3 W, W]: W rows each make the query, the key and the value. */
  readonly qkv: Float64Array;
  /** [W, W]. */
  readonly projection: Float64Array;
  readonly norm2: LayerNormTensors;
  /** [H, W]. */
  readonly w1: Float64Array;
  /** [W, H]. */
  readonly w2: Float64Array;
  readonly finalNorm?: LayerNormTensors;
}

/** The tensors of `variant` as views of a flat vector. */
export function tensorsOf(values: Float64Array, variant: Variant): Tensors {
  const tensor = (name: string) => tensorView(values, variant, name);
  const norm = (name: string) => ({ weight: tensor(`${name}.weight`), bias: tensor(`${name}.bias`) });
  return {
    tokenEmbedding: tensor("tok_emb.weight"),
    positionEmbedding: tensor("pos_emb.weight"),
    norm1: norm("blocks.0.ln1"),
    qkv: tensor("blocks.0.attn.qkv.weight"),
    projection: tensor("blocks.0.attn.proj.weight"),
    norm2: norm("blocks.0.ln2"),
    w1: tensor("blocks.0.ffn.w1.weight"),
    w2: tensor("blocks.0.ffn.w2.weight"),
    finalNorm: variant.finalNorm ? norm("ln_f") : undefined,
  };
}

/** Values that the forward pass keeps for a query position. */
export interface QueryState {
  readonly position: number;
  readonly attended: AttentionState;
  readonly normed2: LayerNormState;
  /** The feed-forward layer before GELU, length H. */
  readonly hidden: Float64Array;
  readonly activated: Float64Array;
  readonly finalNormed?: LayerNormState;
  /** The input of the output projection, length W. */
  readonly output: Float64Array;
  /** One number a token, length 14. */
  readonly logits: Float64Array;
}

/** What {@linkcode forward} gives, and keeps for its backward pass. */
export interface Activations {
  readonly tokens: readonly number[];
  /** LayerNorm before the attention, one a position. */
  readonly normed1: readonly LayerNormState[];
  readonly qkv: readonly QkvRow[];
  /** Everything above the attention, one entry a query position. */
  readonly queries: readonly QueryState[];
}

/** Options of {@linkcode forward}. */
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
 * The forward pass over one sequence, position by position: none sees a later one.
 *
 * Every position gives a key and a value. Only positions from `firstQuery` on predict the next token: within the one
 * layer nothing ever reads what the earlier ones would have answered, and no loss is taken there.
 *
 * @param given The sequence or its beginning, at most 35 tokens
 */
export function forward(
  tensors: Tensors,
  variant: Variant,
  given: readonly number[],
  firstQuery: number,
  { length = given.length, hook = (_name, _position, row) => row }: ForwardOptions = {},
): Activations {
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
  { tokens, normed1, qkv, queries }: Activations,
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

/** A sequence of 33 tokens with the right sum in it, and what is to be predicted at its 12 query positions. */
function taughtSequence(a: number, b: number): { tokens: number[]; targets: number[] } {
  const targets = targetTokens(a, b);
  const tokens = [...promptTokens(a, b), ...targets].slice(0, POSITIONS_READ); // the end of the sequence is never read
  return { tokens, targets };
}

/** Logits [n, 12, 14] at the query positions, with the right sum in the sequence. */
export function teacherForcedLogits(tensors: Tensors, variant: Variant, operands: Operands): Float64Array[] {
  const rows = [];
  for (let i = 0; i < operands.length; i += 2) {
    const { tokens } = taughtSequence(operands[i], operands[i + 1]);
    rows.push(...forward(tensors, variant, tokens, FIRST_QUERY).queries.map(({ logits }) => logits));
  }
  return rows;
}

/** The mean cross-entropy over the 12 query positions and the batch, in nats, and its gradient, for at least one problem. */
export function lossAndGradient(
  tensors: Tensors,
  variant: Variant,
  operands: Operands,
): { loss: number; gradient: Float64Array } {
  const gradient = new Float64Array(parameterCount(variant));
  const gradientTensors = tensorsOf(gradient, variant);
  const predictions = QUERIES * operands.length / 2;
  let total = 0;
  for (let i = 0; i < operands.length; i += 2) {
    const { tokens, targets } = taughtSequence(operands[i], operands[i + 1]);
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
