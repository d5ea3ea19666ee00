import { softmax, softmaxBackward } from "./softmax.ts";

/** What {@linkcode attention} gives, and keeps for its backward pass. */
export interface AttentionState {
  /** The mixed values, length d. */
  readonly output: Float64Array;
  /** How much of each position, one number a position; they add up to 1. */
  readonly weights: Float64Array;
}

/**
 * What one position reads from itself and those before it: output = softmax(query . keys / sqrt(d)) . values.
 * Vaswani et al. 2017, arXiv:1706.03762, equation 1. It is causal as no later key is passed.
 *
 * @param query Length d
 * @param keys One row of length d for every position up to the query's own
 * @param values As many rows of length d
 */
export function attention(
  query: Float64Array,
  keys: readonly Float64Array[],
  values: readonly Float64Array[],
): AttentionState {
  const scores = Float64Array.from(keys, (key) => dot(query, key) / Math.sqrt(query.length));
  const weights = softmax(scores);
  const output = new Float64Array(query.length);
  values.forEach((value, j) => addScaled(output, weights[j], value));
  return { output, weights };
}

/**
 * Backward of {@linkcode attention}.
 *
 * @param dOutput dL/doutput, length d
 * @param dQuery dL/dquery is added to it
 * @param dKeys dL/dkeys is added to it, one row a position
 * @param dValues dL/dvalues is added to it
 */
export function attentionBackward(
  dOutput: Float64Array,
  { weights }: AttentionState,
  { query, keys, values }: {
    query: Float64Array;
    keys: readonly Float64Array[];
    values: readonly Float64Array[];
  },
  { dQuery, dKeys, dValues }: {
    dQuery: Float64Array;
    dKeys: readonly Float64Array[];
    dValues: readonly Float64Array[];
  },
): void {
  // in the forward pass this was: output += weights[j] * values[j]
  const dWeights = Float64Array.from(values, (value) => dot(dOutput, value));
  dValues.forEach((dValue, j) => addScaled(dValue, weights[j], dOutput));

  // in the forward pass this was: weights = softmax(scores)
  const dScores = softmaxBackward(dWeights, weights);

  // in the forward pass this was: scores[j] = query . keys[j] / sqrt(d)
  const scale = 1 / Math.sqrt(query.length);
  for (const [j, key] of keys.entries()) {
    addScaled(dQuery, dScores[j] * scale, key);
    addScaled(dKeys[j], dScores[j] * scale, query);
  }
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

function addScaled(target: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] += factor * x[i];
}
