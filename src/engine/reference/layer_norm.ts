/** Weight and bias of a LayerNorm, or their gradients; each of length d. */
export type LayerNormTensors = Readonly<Record<"weight" | "bias", Float64Array>>;

export type LayerNormState = Readonly<ReturnType<typeof layerNorm>>;

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Layer normalization of one row: y = (x - mean) / sqrt(variance + epsilon) * weight + bias.
 * Ba et al. 2016, arXiv:1607.06450, equation 4; the variance is the biased one, as in PyTorch.
 *
 * @param x One row, length d
 * @returns y, and for the backward pass (x - mean) / sqrt(variance + epsilon), both of length d, and the inverse deviation
 */
export function layerNorm(x: Float64Array, { weight, bias }: LayerNormTensors, epsilon: number) {
  const center = mean(x);
  const centered = x.map((value) => value - center);
  const variance = mean(centered.map((value) => value ** 2));
  const inverseDeviation = 1 / Math.sqrt(variance + epsilon);
  const normalized = centered.map((value) => value * inverseDeviation);
  const y = normalized.map((value, i) => value * weight[i] + bias[i]);
  return { y, normalized, inverseDeviation };
}

/** Backward of {@linkcode layerNorm}: dL/dx, length d; dL/dweight and dL/dbias are added to `gradient`. */
export function layerNormBackward(
  dy: Float64Array,
  { normalized, inverseDeviation }: LayerNormState,
  { weight }: LayerNormTensors,
  gradient: LayerNormTensors,
): Float64Array {
  // in the forward pass this was: y = normalized * weight + bias
  for (let i = 0; i < dy.length; i++) {
    gradient.weight[i] += dy[i] * normalized[i];
    gradient.bias[i] += dy[i];
  }
  const dNormalized = dy.map((value, i) => value * weight[i]);

  // in the forward pass this was: normalized = (x - mean) * inverseDeviation. Each x[i] moves normalized[i], and through mean
  // and variance all of them: what dNormalized has in common with a constant row and with `normalized` itself has no effect.
  const shift = mean(dNormalized);
  const stretch = mean(dNormalized.map((value, i) => value * normalized[i]));
  return dNormalized.map((value, i) => inverseDeviation * (value - shift - stretch * normalized[i]));
}
