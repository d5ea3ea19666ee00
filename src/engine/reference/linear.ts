/** A linear layer without bias: y[o] = sum over i of weight[o, i] * x[i]; x has length n, y has length m, and weight is [m, n], row-major. */
export function linear(x: Float64Array, weight: Float64Array): Float64Array {
  const y = new Float64Array(weight.length / x.length);
  return y.map((_, o) => dot(rowOf(weight, o, x.length), x));
}

/** Backward of {@linkcode linear}: dL/dx, length n; dL/dweight is added to `gradient`, [m, n]. */
export function linearBackward(
  dy: Float64Array,
  x: Float64Array,
  weight: Float64Array,
  gradient: Float64Array,
): Float64Array {
  const dx = new Float64Array(x.length);
  // in the forward pass this was: y[o] += weight[o, i] * x[i]
  for (let o = 0; o < dy.length; o++) {
    addScaled(rowOf(gradient, o, x.length), dy[o], x);
    addScaled(dx, dy[o], rowOf(weight, o, x.length));
  }
  return dx;
}

/** Row `index` of a matrix [m, n], as a view. */
export function rowOf(matrix: Float64Array, index: number, n: number): Float64Array {
  return matrix.subarray(index * n, (index + 1) * n);
}

export function sum(x: Float64Array, y: Float64Array): Float64Array {
  return x.map((value, i) => value + y[i]);
}

export function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

export function addScaled(target: Float64Array, factor: number, x: Float64Array): void {
  for (let i = 0; i < target.length; i++) target[i] += factor * x[i];
}
