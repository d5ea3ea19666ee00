/** exp(x[i]) / sum over j of exp(x[j]); the largest x is subtracted first, which changes nothing and cannot overflow. */
export function softmax(x: Float64Array): Float64Array {
  const largest = Math.max(...x);
  const exponentials = x.map((value) => Math.exp(value - largest));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  return exponentials.map((value) => value / total);
}

/** Backward of {@linkcode softmax}: dL/dx, from dL/dy and the y of the forward pass. */
export function softmaxBackward(dy: Float64Array, y: Float64Array): Float64Array {
  // in the forward pass this was: y[i] = exp(x[i]) / total, and each x[j] is part of the total
  const common = dy.reduce((sum, value, i) => sum + value * y[i], 0);
  return dy.map((value, i) => y[i] * (value - common));
}

/** Cross-entropy of one prediction, in nats: -ln softmax(logits)[target]. */
export function crossEntropy(logits: ArrayLike<number>, target: number): number {
  let [largest, total] = [-Infinity, 0];
  for (let i = 0; i < logits.length; i++) largest = Math.max(largest, logits[i]);
  for (let i = 0; i < logits.length; i++) total += Math.exp(logits[i] - largest);
  return Math.log(total) - (logits[target] - largest);
}

/** Backward of {@linkcode crossEntropy}: dL/dlogits, from dL/dloss. */
export function crossEntropyBackward(dLoss: number, logits: Float64Array, target: number): Float64Array {
  // in the forward pass this was: loss = ln(total) - logits[target], and d ln(total) / dlogits[i] is softmax(logits)[i]
  return softmax(logits).map((probability, i) => dLoss * (probability - (i === target ? 1 : 0)));
}
