/**
 * A linear layer without bias: y[o] = sum over i of weight[o, i] * x[i].
 *
 * @param x Length n
 * @param weight PyTorch's layout [m, n], row-major
 * @returns y, length m
 */
export function linear(x: Float64Array, weight: Float64Array): Float64Array {
  const y = new Float64Array(weight.length / x.length);
  for (let o = 0; o < y.length; o++) {
    for (let i = 0; i < x.length; i++) y[o] += weight[o * x.length + i] * x[i];
  }
  return y;
}

/**
 * Backward of {@linkcode linear}.
 *
 * @param dy dL/dy, length m
 * @param gradient dL/dweight is added to it, [m, n]
 * @returns dL/dx, length n
 */
export function linearBackward(
  dy: Float64Array,
  x: Float64Array,
  weight: Float64Array,
  gradient: Float64Array,
): Float64Array {
  const dx = new Float64Array(x.length);
  // in the forward pass this was: y[o] += weight[o, i] * x[i]
  for (let o = 0; o < dy.length; o++) {
    for (let i = 0; i < x.length; i++) {
      gradient[o * x.length + i] += dy[o] * x[i];
      dx[i] += dy[o] * weight[o * x.length + i];
    }
  }
  return dx;
}

/** Row `index` of a matrix [m, n], as a view. */
export function rowOf(matrix: Float64Array, index: number, n: number): Float64Array {
  return matrix.subarray(index * n, (index + 1) * n);
}

/** The sum of two rows. */
export function sum(x: Float64Array, y: Float64Array): Float64Array {
  return x.map((value, i) => value + y[i]);
}

/** Adds `x` to `target`. */
export function addTo(target: Float64Array, x: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] += x[i];
}
