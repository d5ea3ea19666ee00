// The layers of the model as products of small tiles: LayerNorm, linear layers, sums of outer products.
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

/** Has the bounds of a row of seven vectors checked, so that they need not be checked again later in the same function. */
@inline
export function touchRow(row: usize): void {
  // unroll
  for (let c = 0; c < 7; ++c) {
    v128.load(row, 16 * c);
  }
}

// The three products below do all multiplications of the model but a few. Each computes a small tile of its result in registers, so that a
// value that is loaded serves several products: two rows by four columns take six loads for eight products, and 8 sums, 2 + 1 factors and a product
// stay below the 15 registers that V8 leaves us. Seven columns are done as four and three.

/**
 * A linear layer with seven inputs and seven outputs, for two rows:
 * out[k][m] = start[k][m] + sum_n weight[m * mStride + n * nStride] * x[k][n], k < 2.
 *
 * x, start, out: (7, lanes) each, rows xRow, startRow, outRow bytes apart; `start` 0 for none, and it may be `out`.
 * `weight` and its strides, in floats, must be constants: from a constant address V8 loads and splats a weight in one instruction.
 */
@inline
export function linear7(
  weight: usize,
  mStride: usize,
  nStride: usize,
  x: usize,
  xRow: usize,
  start: usize,
  startRow: usize,
  out: usize,
  outRow: usize,
): void {
  // unroll
  for (let m = 0; m < 4; ++m) {
    let a$m = start == 0 ? f32x4.splat(0) : v128.load(start, 16 * m);
    let b$m = start == 0 ? f32x4.splat(0) : v128.load(start + startRow, 16 * m);
  }
  // unroll
  for (let n = 0; n < 7; ++n) {
    const x$n = v128.load(x, 16 * n);
    const y$n = v128.load(x + xRow, 16 * n);
    // unroll
    for (let m = 0; m < 4; ++m) {
      const w$n$m = splatAt(weight + 4 * (m * mStride + n * nStride));
      a$m = madd(x$n, w$n$m, a$m);
      b$m = madd(y$n, w$n$m, b$m);
    }
  }
  // unroll
  for (let m = 0; m < 4; ++m) {
    v128.store(out, a$m, 16 * m);
    v128.store(out + outRow, b$m, 16 * m);
  }
  // unroll
  for (let m = 4; m < 7; ++m) {
    let a$m = start == 0 ? f32x4.splat(0) : v128.load(start, 16 * m);
    let b$m = start == 0 ? f32x4.splat(0) : v128.load(start + startRow, 16 * m);
  }
  // unroll
  for (let n = 0; n < 7; ++n) {
    const u$n = v128.load(x, 16 * n);
    const v$n = v128.load(x + xRow, 16 * n);
    // unroll
    for (let m = 4; m < 7; ++m) {
      const w$n$m = splatAt(weight + 4 * (m * mStride + n * nStride));
      a$m = madd(u$n, w$n$m, a$m);
      b$m = madd(v$n, w$n$m, b$m);
    }
  }
  // unroll
  for (let m = 4; m < 7; ++m) {
    v128.store(out, a$m, 16 * m);
    v128.store(out + outRow, b$m, 16 * m);
  }
}

/** {@linkcode linear7} with fourteen inputs. */
@inline
export function linear14(
  weight: usize,
  mStride: usize,
  nStride: usize,
  x: usize,
  xRow: usize,
  start: usize,
  startRow: usize,
  out: usize,
  outRow: usize,
): void {
  // unroll
  for (let m = 0; m < 4; ++m) {
    let a$m = start == 0 ? f32x4.splat(0) : v128.load(start, 16 * m);
    let b$m = start == 0 ? f32x4.splat(0) : v128.load(start + startRow, 16 * m);
  }
  // unroll
  for (let n = 0; n < 14; ++n) {
    const x$n = v128.load(x, 16 * n);
    const y$n = v128.load(x + xRow, 16 * n);
    // unroll
    for (let m = 0; m < 4; ++m) {
      const w$n$m = splatAt(weight + 4 * (m * mStride + n * nStride));
      a$m = madd(x$n, w$n$m, a$m);
      b$m = madd(y$n, w$n$m, b$m);
    }
  }
  // unroll
  for (let m = 0; m < 4; ++m) {
    v128.store(out, a$m, 16 * m);
    v128.store(out + outRow, b$m, 16 * m);
  }
  // unroll
  for (let m = 4; m < 7; ++m) {
    let a$m = start == 0 ? f32x4.splat(0) : v128.load(start, 16 * m);
    let b$m = start == 0 ? f32x4.splat(0) : v128.load(start + startRow, 16 * m);
  }
  // unroll
  for (let n = 0; n < 14; ++n) {
    const u$n = v128.load(x, 16 * n);
    const v$n = v128.load(x + xRow, 16 * n);
    // unroll
    for (let m = 4; m < 7; ++m) {
      const w$n$m = splatAt(weight + 4 * (m * mStride + n * nStride));
      a$m = madd(u$n, w$n$m, a$m);
      b$m = madd(v$n, w$n$m, b$m);
    }
  }
  // unroll
  for (let m = 4; m < 7; ++m) {
    v128.store(out, a$m, 16 * m);
    v128.store(out + outRow, b$m, 16 * m);
  }
}

/**
 * Two rows of seven sums over k < 2 * pairs: acc[r][c] = acc[r][c] + sum_k d[k][r] * x[k][c].
 *
 * d[k][r]: one vector at d + k * dStep + r * dRow; x[k]: (7, lanes) at x + k * xStep; acc: (7, lanes), rows accRow bytes apart.
 * `fresh`: the sums start from 0.
 */
@inline
export function outerProduct(
  d: usize,
  dRow: usize,
  dStep: usize,
  x: usize,
  xStep: usize,
  pairs: i32,
  acc: usize,
  accRow: usize,
  fresh: bool,
): void {
  // unroll
  for (let c = 0; c < 4; ++c) {
    let a$c = fresh ? f32x4.splat(0) : v128.load(acc, 16 * c);
    let b$c = fresh ? f32x4.splat(0) : v128.load(acc + accRow, 16 * c);
  }
  let di = d;
  let xi = x;
  for (let k = 0; k < pairs; ++k) {
    // unroll
    for (let u = 0; u < 2; ++u) {
      const p$u = v128.load(di + u * dStep);
      const q$u = v128.load(di + dRow + u * dStep);
      // unroll
      for (let c = 0; c < 4; ++c) {
        const x$u$c = v128.load(xi + u * xStep, 16 * c);
        a$c = madd(p$u, x$u$c, a$c);
        b$c = madd(q$u, x$u$c, b$c);
      }
    }
    di += 2 * dStep;
    xi += 2 * xStep;
  }
  // unroll
  for (let c = 0; c < 4; ++c) {
    v128.store(acc, a$c, 16 * c);
    v128.store(acc + accRow, b$c, 16 * c);
  }
  // unroll
  for (let c = 4; c < 7; ++c) {
    let a$c = fresh ? f32x4.splat(0) : v128.load(acc, 16 * c);
    let b$c = fresh ? f32x4.splat(0) : v128.load(acc + accRow, 16 * c);
  }
  di = d;
  xi = x;
  for (let k = 0; k < pairs; ++k) {
    // unroll
    for (let u = 0; u < 2; ++u) {
      const r$u = v128.load(di + u * dStep);
      const s$u = v128.load(di + dRow + u * dStep);
      // unroll
      for (let c = 4; c < 7; ++c) {
        const x$u$c = v128.load(xi + u * xStep, 16 * c);
        a$c = madd(r$u, x$u$c, a$c);
        b$c = madd(s$u, x$u$c, b$c);
      }
    }
    di += 2 * dStep;
    xi += 2 * xStep;
  }
  // unroll
  for (let c = 4; c < 7; ++c) {
    v128.store(acc, a$c, 16 * c);
    v128.store(acc + accRow, b$c, 16 * c);
  }
}

/**
 * {@linkcode outerProduct} over the twelve queries, k from `first` on, an even number. Written out: then the addresses of x are known when it
 * begins, see {@linkcode touchRow}.
 */
@inline
export function outerProductQueries(
  d: usize,
  dRow: usize,
  dStep: usize,
  x: usize,
  xStep: usize,
  first: i32,
  acc: usize,
  accRow: usize,
  fresh: bool,
): void {
  // unroll
  for (let c = 0; c < 4; ++c) {
    let a$c = fresh ? f32x4.splat(0) : v128.load(acc, 16 * c);
    let b$c = fresh ? f32x4.splat(0) : v128.load(acc + accRow, 16 * c);
  }
  // unroll
  for (let k = 0; k < 6; ++k) {
    if (first <= 2 * k) {
      // unroll
      for (let u = 0; u < 2; ++u) {
        const p$k$u = v128.load(d + (2 * k + u) * dStep);
        const q$k$u = v128.load(d + dRow + (2 * k + u) * dStep);
        // unroll
        for (let c = 0; c < 4; ++c) {
          const x$k$u$c = v128.load(x + (2 * k + u) * xStep, 16 * c);
          a$c = madd(p$k$u, x$k$u$c, a$c);
          b$c = madd(q$k$u, x$k$u$c, b$c);
        }
      }
    }
  }
  // unroll
  for (let c = 0; c < 4; ++c) {
    v128.store(acc, a$c, 16 * c);
    v128.store(acc + accRow, b$c, 16 * c);
  }
  // unroll
  for (let c = 4; c < 7; ++c) {
    let a$c = fresh ? f32x4.splat(0) : v128.load(acc, 16 * c);
    let b$c = fresh ? f32x4.splat(0) : v128.load(acc + accRow, 16 * c);
  }
  // unroll
  for (let k = 0; k < 6; ++k) {
    if (first <= 2 * k) {
      // unroll
      for (let u = 0; u < 2; ++u) {
        const r$k$u = v128.load(d + (2 * k + u) * dStep);
        const s$k$u = v128.load(d + dRow + (2 * k + u) * dStep);
        // unroll
        for (let c = 4; c < 7; ++c) {
          const x$k$u$c = v128.load(x + (2 * k + u) * xStep, 16 * c);
          a$c = madd(r$k$u, x$k$u$c, a$c);
          b$c = madd(s$k$u, x$k$u$c, b$c);
        }
      }
    }
  }
  // unroll
  for (let c = 4; c < 7; ++c) {
    v128.store(acc, a$c, 16 * c);
    v128.store(acc + accRow, b$c, 16 * c);
  }
}

/**
 * {@linkcode outerProduct} over the keys that two queries see: the 22 of the prompt, written out, and `pairs` pairs of those after it.
 * d[k][r]: at d + k * 16 + r * dRow; x[k]: at x + k * xStep.
 */
@inline
export function outerProductKeys(d: usize, dRow: usize, x: usize, xStep: usize, pairs: i32, acc: usize, accRow: usize): void {
  const dRest = d + 22 * 16;
  const xRest = x + 22 * xStep;
  // unroll
  for (let c = 0; c < 4; ++c) {
    let a$c = f32x4.splat(0);
    let b$c = f32x4.splat(0);
  }
  // unroll
  for (let k = 0; k < 22; ++k) {
    const p$k = v128.load(d, 16 * k);
    const q$k = v128.load(d + dRow, 16 * k);
    // unroll
    for (let c = 0; c < 4; ++c) {
      const x$k$c = v128.load(x + k * xStep, 16 * c);
      a$c = madd(p$k, x$k$c, a$c);
      b$c = madd(q$k, x$k$c, b$c);
    }
  }
  let di = dRest;
  let xi = xRest;
  for (let k = 0; k < pairs; ++k) {
    // unroll
    for (let u = 0; u < 2; ++u) {
      const f$u = v128.load(di, u * 16);
      const g$u = v128.load(di + dRow, u * 16);
      // unroll
      for (let c = 0; c < 4; ++c) {
        const y$u$c = v128.load(xi + u * xStep, 16 * c);
        a$c = madd(f$u, y$u$c, a$c);
        b$c = madd(g$u, y$u$c, b$c);
      }
    }
    di += 32;
    xi += 2 * xStep;
  }
  // unroll
  for (let c = 0; c < 4; ++c) {
    v128.store(acc, a$c, 16 * c);
    v128.store(acc + accRow, b$c, 16 * c);
  }
  // unroll
  for (let c = 4; c < 7; ++c) {
    let a$c = f32x4.splat(0);
    let b$c = f32x4.splat(0);
  }
  // unroll
  for (let k = 0; k < 22; ++k) {
    const r$k = v128.load(d, 16 * k);
    const s$k = v128.load(d + dRow, 16 * k);
    // unroll
    for (let c = 4; c < 7; ++c) {
      const x$k$c = v128.load(x + k * xStep, 16 * c);
      a$c = madd(r$k, x$k$c, a$c);
      b$c = madd(s$k, x$k$c, b$c);
    }
  }
  di = dRest;
  xi = xRest;
  for (let k = 0; k < pairs; ++k) {
    // unroll
    for (let u = 0; u < 2; ++u) {
      const t$u = v128.load(di, u * 16);
      const v$u = v128.load(di + dRow, u * 16);
      // unroll
      for (let c = 4; c < 7; ++c) {
        const y$u$c = v128.load(xi + u * xStep, 16 * c);
        a$c = madd(t$u, y$u$c, a$c);
        b$c = madd(v$u, y$u$c, b$c);
      }
    }
    di += 32;
    xi += 2 * xStep;
  }
  // unroll
  for (let c = 4; c < 7; ++c) {
    v128.store(acc, a$c, 16 * c);
    v128.store(acc + accRow, b$c, 16 * c);
  }
}

/** One row of {@linkcode outerProduct}, over any number of k: for the corners that pairs do not reach. */
@inline
export function outerProductRow(d: usize, dStep: usize, x: usize, xStep: usize, count: i32, acc: usize): void {
  // unroll
  for (let c = 0; c < D; ++c) {
    let acc$c = v128.load(acc, 16 * c);
  }
  for (let k = 0; k < count; ++k) {
    const dk = v128.load(d);
    // unroll
    for (let c = 0; c < D; ++c) {
      acc$c = madd(dk, v128.load(x, 16 * c), acc$c);
    }
    d += dStep;
    x += xStep;
  }
  // unroll
  for (let c = 0; c < D; ++c) {
    v128.store(acc, acc$c, 16 * c);
  }
}
