import { MATRIX_ROW, N, ROW14, ROW7 } from "./dimensions";
import { EPSILON, INVERSE_WIDTH } from "./layout";
import { madd, nmadd } from "./simd";

// LayerNorm of x', without its weight and bias, which fold_weights.ts folds into the next matrix. Must equal `normalized` of
// `layerNorm` in src/engine/reference/layer_norm.ts, for four rows at a time.
// x: (7, lanes); rstd: (lanes), 1 / sqrt(variance + epsilon); out: (7, lanes), six coordinates and 1.
export function normalize(x: usize, rstd: usize, out: usize): void { // inline
  let squares = f32x4.splat(0);
  for (let c = 0; c < N; ++c) { // unroll
    const x$c = v128.load(x, 16 * c);
    squares = madd(x$c, x$c, squares);
  }
  const variance = madd(squares, v128.load(INVERSE_WIDTH), v128.load(EPSILON));
  const r = f32x4.div(f32x4.splat(1), f32x4.sqrt(variance));
  v128.store(rstd, r);
  for (let c = 0; c < N; ++c) { // unroll
    v128.store(out, f32x4.mul(x$c, r), 16 * c);
  }
  v128.store(out, f32x4.splat(1), 96);
}

// Backward of `normalize`: stores base + dL/dx. du: (6, lanes); normalized, base, out: (7, lanes); `base` may be `out`.
// Forward: u = r x with r = (|x|^2 / W + epsilon)^(-1/2), so dx = r (du - u (u . du) / W). The seventh coordinate of x is not used.
export function normalizeBackward(du: usize, normalized: usize, rstd: usize, base: usize, out: usize): void { // inline
  let dot = f32x4.splat(0);
  for (let c = 0; c < N; ++c) { // unroll
    const u$c = v128.load(normalized, 16 * c);
    const d$c = v128.load(du, 16 * c);
    dot = madd(u$c, d$c, dot);
  }
  const r = v128.load(rstd);
  const mean = f32x4.mul(dot, v128.load(INVERSE_WIDTH));
  for (let c = 0; c < N; ++c) { // unroll
    v128.store(out, madd(nmadd(u$c, mean, d$c), r, v128.load(base, 16 * c)), 16 * c);
  }
  v128.store(out, v128.load(base, 96), 96);
}

// out[k][m] = sum_n weight[n][m] * x[k][n] + start[k][m], for `rows` rows k, taken in pairs; m < 7, n < inputs.
// All linear layers, forward and backward, are this product with a matrix of fold_weights.ts.
//
// weight: a row of floats for each input; x: (inputs, lanes), start, out: (7, lanes), rows xRow, startRow and outRow bytes apart.
// `start` is 0 for none; it may be `out`.
//
// Two rows by four columns are computed in registers, so six loads serve eight products: 8 sums, 2 + 1 factors and a product
// stay below the 15 registers that V8 leaves us. Loads before the loop hoist bounds checks: see sums.ts.
function linear(
  inputs: i32,
  weight: usize,
  x: usize,
  xRow: usize,
  start: usize,
  startRow: usize,
  out: usize,
  outRow: usize,
  rows: i32,
): void { // inline
  for (let n = 0; n < 14; ++n) { // unroll
    if (n < inputs) {
      for (let m = 0; m < 7; ++m) { // unroll
        v128.load32_splat(weight, n * MATRIX_ROW + 4 * m);
      }
    }
  }
  for (let k = 0; k < rows; k += 2) {
    const y = x + xRow;
    const out1 = out + outRow;
    const start1 = start + startRow;
    for (let h = 0; h < 2; ++h) { // unroll
      const x$h = v128.load(x);
      const y$h = v128.load(y);
      for (let m = 4 * h; m < 4 + 3 * h; ++m) { // unroll
        const w$m = v128.load32_splat(weight, 4 * m);
        let a$m = f32x4.mul(x$h, w$m);
        let b$m = f32x4.mul(y$h, w$m);
      }
      for (let n = 1; n < 14; ++n) { // unroll
        if (n < inputs) {
          const x$h$n = v128.load(x, 16 * n);
          const y$h$n = v128.load(y, 16 * n);
          for (let m = 4 * h; m < 4 + 3 * h; ++m) { // unroll
            const w$n$m = v128.load32_splat(weight, n * MATRIX_ROW + 4 * m);
            a$m = madd(x$h$n, w$n$m, a$m);
            b$m = madd(y$h$n, w$n$m, b$m);
          }
        }
      }
      if (start != 0) {
        for (let m = 4 * h; m < 4 + 3 * h; ++m) { // unroll
          a$m = f32x4.add(a$m, v128.load(start, 16 * m));
          b$m = f32x4.add(b$m, v128.load(start1, 16 * m));
        }
      }
      // stored before the other half starts: otherwise V8 keeps x for it, on the stack
      for (let m = 4 * h; m < 4 + 3 * h; ++m) { // unroll
        v128.store(out, a$m, 16 * m);
        v128.store(out1, b$m, 16 * m);
      }
    }
    x += 2 * xRow;
    out += 2 * outRow;
    if (start != 0) start += 2 * startRow;
  }
}

// Not inlined, so that the code of a tile fits into the instruction cache (measured: 1.06 x).

/** {@linkcode linear} of seven inputs; rows of `start` are ROW14 apart. */
export function linear7(w: usize, x: usize, xRow: usize, start: usize, out: usize, outRow: usize, rows: i32): void {
  linear(7, w, x, xRow, start, ROW14, out, outRow, rows);
}

/** {@linkcode linear} of fourteen inputs; rows of x are ROW14 apart, those of `start` and `out` ROW7. */
export function linear14(w: usize, x: usize, start: usize, out: usize, rows: i32): void {
  linear(14, w, x, ROW14, start, ROW7, out, ROW7, rows);
}
