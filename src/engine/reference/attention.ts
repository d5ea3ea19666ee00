import { addScaled, dot, rowOf } from "./linear.ts";
import { softmax, softmaxBackward } from "./softmax.ts";

/** Query, key and value of one position, views of the three parts of one row of length 3 d; or the gradients of them. */
export type QkvRow = Readonly<Record<"row" | "query" | "key" | "value", Float64Array>>;

/**
 * The names of the activations, in the order in which the forward pass computes them.
 *
 * @example Usage
 * ```ts
 * import { ACTIVATIONS } from "@x/tiny-adder/inspect";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([ACTIVATIONS.length, ACTIVATIONS[5]], [14, "pattern"]);
 * ```
 */
export const ACTIVATIONS = [
  ...["embedded", "query", "key", "value", "scores", "pattern", "mixed", "attentionOut", "middle"] as const,
  ...["hidden", "activated", "feedForwardOut", "output", "logits"] as const,
] as const;

/** The name of an activation: docs/study.md lists them with their shapes, and with the names that TransformerLens gives them. */
export type ActivationName = typeof ACTIVATIONS[number];

export function qkvRow(row: Float64Array): QkvRow {
  const [query, key, value] = [0, 1, 2].map((part) => rowOf(row, part, row.length / 3));
  return { row, query, key, value };
}

/**
 * What one position reads from itself and those before it: output = softmax(query . keys / sqrt(d)) . values.
 * Vaswani et al. 2017, arXiv:1706.03762, equation 1. It is causal as no later position is passed.
 *
 * @param seen Every position up to the query's own, which is the last
 * @param hook Gets each activation, and returns what the forward pass goes on with
 * @returns The mixed values, length d, and the weight of each position; they add up to 1
 */
export function attention(
  seen: readonly QkvRow[],
  hook: (name: ActivationName, row: Float64Array) => Float64Array,
) {
  const { query } = seen.at(-1)!;
  const scores = hook("scores", Float64Array.from(seen, ({ key }) => dot(query, key) / Math.sqrt(query.length)));
  const weights = hook("pattern", softmax(scores));
  const mixed = new Float64Array(query.length);
  seen.forEach(({ value }, j) => addScaled(mixed, weights[j], value));
  return { output: hook("mixed", mixed), weights };
}

/** Backward of {@linkcode attention}: adds the gradients of query, keys and values to `gradient`, one row a position. */
export function attentionBackward(
  dOutput: Float64Array,
  { weights }: ReturnType<typeof attention>,
  seen: readonly QkvRow[],
  gradient: readonly QkvRow[],
): void {
  // in the forward pass this was: output += weights[j] * values[j]
  const dWeights = Float64Array.from(seen, ({ value }) => dot(dOutput, value));
  gradient.forEach(({ value }, j) => addScaled(value, weights[j], dOutput));

  // in the forward pass this was: weights = softmax(scores)
  const dScores = softmaxBackward(dWeights, weights);

  // in the forward pass this was: scores[j] = query . keys[j] / sqrt(d)
  const { query } = seen.at(-1)!;
  const scale = 1 / Math.sqrt(query.length);
  for (const [j, { key }] of seen.entries()) {
    addScaled(gradient.at(-1)!.query, dScores[j] * scale, key);
    addScaled(gradient[j].key, dScores[j] * scale, query);
  }
}
