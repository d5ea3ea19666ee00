// The layers of the model: LayerNorm and linear layers.
import { madd, nmadd, splatAt } from "./simd";

/**
 * Layer normalization of one row of seven vectors. Must equal `layerNorm` of src/engine/reference, four rows at a time.
 *
 * x, normalized, y: (7, lanes); rstd: (lanes), 1 / sqrt(variance + epsilon); weight, bias: 7 floats.
 * Two passes over the seven registers instead of Welford: nothing is reloaded.
 */
@inline
export function layerNorm(
  x: usize,
  weight: usize,
  bias: usize,
  epsilon: v128,
  normalized: usize,
  rstd: usize,
  y: usize,
): void {
  let sum = v128.load(x);
  // unroll
  for (let c = 1; c < D; ++c) {
    sum = f32x4.add(sum, v128.load(x, 16 * c));
  }
  const mean = f32x4.mul(sum, f32x4.splat(1.0 / 7.0));
  let squares = f32x4.splat(0);
  // unroll
  for (let c = 0; c < D; ++c) {
    const d$c = f32x4.sub(v128.load(x, 16 * c), mean);
    squares = madd(d$c, d$c, squares);
  }
  const r = f32x4.div(f32x4.splat(1.0), f32x4.sqrt(madd(squares, f32x4.splat(1.0 / 7.0), epsilon)));
  v128.store(rstd, r);
  // unroll
  for (let c = 0; c < D; ++c) {
    const n$c = f32x4.mul(d$c, r);
    v128.store(normalized, n$c, 16 * c);
    v128.store(y, madd(n$c, splatAt(weight + 4 * c), splatAt(bias + 4 * c)), 16 * c);
  }
}

/**
 * Backward of {@linkcode layerNorm}: stores base + dL/dx, and adds dL/dweight and dL/dbias to two rows of seven vectors.
 *
 * forward: y = normalized * weight + bias, normalized = (x - mean) * rstd. With g = dy * weight:
 * dx = rstd * (g - mean(g) - normalized * mean(g * normalized)).
 *
 * dy, base, out: (7, lanes); `base` may be `out`; dWeight, dBias: (7, lanes).
 */
@inline
export function layerNormBackward(
  dy: usize,
  normalized: usize,
  rstd: usize,
  weight: usize,
  base: usize,
  out: usize,
  dWeight: usize,
  dBias: usize,
): void {
  let sum = f32x4.splat(0);
  let dot = f32x4.splat(0);
  // unroll
  for (let c = 0; c < D; ++c) {
    const dy$c = v128.load(dy, 16 * c);
    const n$c = v128.load(normalized, 16 * c);
    v128.store(dBias, f32x4.add(v128.load(dBias, 16 * c), dy$c), 16 * c);
    v128.store(dWeight, madd(dy$c, n$c, v128.load(dWeight, 16 * c)), 16 * c);
    const g$c = f32x4.mul(dy$c, splatAt(weight + 4 * c));
    sum = f32x4.add(sum, g$c);
    dot = madd(g$c, n$c, dot);
  }
  const r = v128.load(rstd);
  const meanG = f32x4.mul(sum, f32x4.splat(1.0 / 7.0));
  const meanDot = f32x4.mul(dot, f32x4.splat(1.0 / 7.0));
  // unroll
  for (let c = 0; c < D; ++c) {
    const dx$c = f32x4.sub(nmadd(v128.load(normalized, 16 * c), meanDot, g$c), meanG);
    v128.store(out, madd(dx$c, r, v128.load(base, 16 * c)), 16 * c);
  }
}

// The two products below do the multiplications of all linear layers, forward and backward: matrices come packed, see packing.ts. Each computes a
// small tile of its result in registers, so that a value that is loaded serves several products: two rows by four columns take six loads for eight
// products, and 8 sums, 2 + 1 factors and a product stay below the 15 registers that V8 leaves us. Seven columns are done as four and three.
//
// They are not inlined: the code of a tile must fit into the processor's instruction cache, 32 or 64 KiB (measured: training is 1.06 times faster than with
// copies wherever they are used).

/**
 * out[k][m] = start[k][m] + sum_n weight[n][m] * x[k][n], for `rows` rows k, taken in pairs; n, m < 7.
 *
 * weight: seven rows of floats, 14 floats apart; x, start, out: (7, lanes) each, rows xRow, startRow, outRow bytes apart; `start` 0 for none; it may be
 * `out`.
 */
export function linear7(
  weight: usize,
  x: usize,
  xRow: usize,
  start: usize,
  startRow: usize,
  out: usize,
  outRow: usize,
  rows: i32,
): void {
  // unroll
  for (let n = 0; n < 7; ++n) {
    // unroll
    for (let m = 0; m < 7; ++m) {
      splatAt(weight + 4 * (14 * n + m));
    }
  }
  for (let k = 0; k < rows; k += 2) {
    const y = x + xRow;
    const out1 = out + outRow;
    const start1 = start + startRow;
    // unroll
    for (let h = 0; h < 2; ++h) {
      // unroll
      for (let m = 4 * h; m < 4 + 3 * h; ++m) {
        let a$m = start == 0 ? f32x4.splat(0) : v128.load(start, 16 * m);
        let b$m = start == 0 ? f32x4.splat(0) : v128.load(start1, 16 * m);
      }
      // unroll
      for (let n = 0; n < 7; ++n) {
        const x$h$n = v128.load(x, 16 * n);
        const y$h$n = v128.load(y, 16 * n);
        // unroll
        for (let m = 4 * h; m < 4 + 3 * h; ++m) {
          const w$n$m = splatAt(weight + 4 * (14 * n + m));
          a$m = madd(x$h$n, w$n$m, a$m);
          b$m = madd(y$h$n, w$n$m, b$m);
        }
      }
      // stored before the other half is begun: otherwise V8 keeps x for it, on the stack
      // unroll
      for (let m = 4 * h; m < 4 + 3 * h; ++m) {
        v128.store(out, a$m, 16 * m);
        v128.store(out1, b$m, 16 * m);
      }
    }
    x += 2 * xRow;
    out += 2 * outRow;
    if (start != 0) start += 2 * startRow;
  }
}

/** {@linkcode linear7} with fourteen inputs; rows of `weight` are 7 floats apart. */
export function linear14(
  weight: usize,
  x: usize,
  xRow: usize,
  start: usize,
  startRow: usize,
  out: usize,
  outRow: usize,
  rows: i32,
): void {
  // unroll
  for (let n = 0; n < 14; ++n) {
    // unroll
    for (let m = 0; m < 7; ++m) {
      splatAt(weight + 4 * (7 * n + m));
    }
  }
  for (let k = 0; k < rows; k += 2) {
    const y = x + xRow;
    const out1 = out + outRow;
    const start1 = start + startRow;
    // unroll
    for (let h = 0; h < 2; ++h) {
      // unroll
      for (let m = 4 * h; m < 4 + 3 * h; ++m) {
        let a$m = start == 0 ? f32x4.splat(0) : v128.load(start, 16 * m);
        let b$m = start == 0 ? f32x4.splat(0) : v128.load(start1, 16 * m);
      }
      // unroll
      for (let n = 0; n < 14; ++n) {
        const x$h$n = v128.load(x, 16 * n);
        const y$h$n = v128.load(y, 16 * n);
        // unroll
        for (let m = 4 * h; m < 4 + 3 * h; ++m) {
          const w$n$m = splatAt(weight + 4 * (7 * n + m));
          a$m = madd(x$h$n, w$n$m, a$m);
          b$m = madd(y$h$n, w$n$m, b$m);
        }
      }
      // stored before the other half is begun: otherwise V8 keeps x for it, on the stack
      // unroll
      for (let m = 4 * h; m < 4 + 3 * h; ++m) {
        v128.store(out, a$m, 16 * m);
        v128.store(out1, b$m, 16 * m);
      }
    }
    x += 2 * xRow;
    out += 2 * outRow;
    if (start != 0) start += 2 * startRow;
  }
}
