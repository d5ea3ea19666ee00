// Sums of outer products: gradients of weights, and the sums over keys and over queries of attention. As the linear layers they are computed in tiles
// of two rows by four columns, see layers.ts.
//
// Where V8 compares an address with the size of the memory, as it does in Deno, it remembers for the rest of a function which pairs of base and
// offset it has compared (the build makes such pairs of our addresses). So a function that goes over the same rows again and again reads each of them
// once before its loop, in vain: the load is dropped, the comparison stays, and there is none in the loop (measured: training is 1.06 times faster).
import { D, KEYS, PROMPT, QUERIES, ROW14, ROW7, WEIGHTS, WEIGHTS_ROW } from "./layout";
import { madd } from "./simd";

/** Has the bounds of seven vectors compared. */
@inline
export function touchRow(row: usize): void {
  // unroll
  for (let c = 0; c < 7; ++c) {
    v128.load(row, 16 * c);
  }
}

/** {@linkcode touchRow} for a row of each of the twelve queries. */
@inline
export function touchQueries(rows: usize, stride: usize): void {
  // unroll
  for (let i = 0; i < 12; ++i) {
    touchRow(rows + i * stride);
  }
}

/**
 * Adds the sum over the queries k of d[k] x[k]^T to a matrix of 2 * pairs rows and seven columns.
 *
 * d[k]: vectors at d + k * ROW14; x[k]: (7, lanes) at x + k * ROW7; acc: (2 * pairs, 7, lanes).
 */
export function weightGradient(d: usize, x: usize, pairs: i32, acc: usize): void {
  touchQueries(x, ROW7);
  for (let r = 0; r < pairs; ++r) {
    sumOverQueries(d + r * 32, ROW14, x, ROW7, 0, acc + r * 2 * ROW7, ROW7, false);
  }
}

/** The first query, of an even index, that may see one of the keys j and j + 1. */
@inline
export function firstQuery(j: i32): i32 {
  return j < PROMPT ? 0 : j - PROMPT;
}

/**
 * For every key j the sum over the queries of weight[i][j] * x[i]. The weights are those in w; x: (12, 7, lanes), out: (34, 7, lanes), rows ROW14 apart.
 */
export function sumsOverQueries(w: usize, x: usize, out: usize): void {
  touchQueries(x, ROW14);
  for (let j = 0; j < KEYS; j += 2) {
    const column = w + WEIGHTS + j * 16;
    // unroll
    for (let i = 0; i < 12; ++i) {
      v128.load(column + i * WEIGHTS_ROW);
      v128.load(column + i * WEIGHTS_ROW, 16);
    }
    sumOverQueries(column, WEIGHTS_ROW, x, ROW14, firstQuery(j), out + j * ROW14, ROW14, true);
  }
}

/**
 * Two rows of seven sums over the queries k from `first` on, an even number: acc[r][c] = acc[r][c] + sum_k d[k][r] * x[k][c].
 *
 * d[k]: two vectors at d + k * dStep; x[k]: (7, lanes) at x + k * xStep; acc: (7, lanes), rows accRow bytes apart.
 * `fresh`: the sums start from 0. The loop is written out, so that the offsets of x are constants.
 */
@inline
function sumOverQueries(
  d: usize,
  dStep: usize,
  x: usize,
  xStep: usize,
  first: i32,
  acc: usize,
  accRow: usize,
  fresh: bool,
): void {
  // unroll
  for (let h = 0; h < 2; ++h) {
    // unroll
    for (let c = 4 * h; c < 4 + 3 * h; ++c) {
      let a$c = fresh ? f32x4.splat(0) : v128.load(acc, 16 * c);
      let b$c = fresh ? f32x4.splat(0) : v128.load(acc + accRow, 16 * c);
    }
    // unroll
    for (let k = 0; k < 6; ++k) {
      if (first <= 2 * k) {
        // unroll
        for (let u = 0; u < 2; ++u) {
          const p$h$k$u = v128.load(d + (2 * k + u) * dStep);
          const q$h$k$u = v128.load(d + (2 * k + u) * dStep, 16);
          // unroll
          for (let c = 4 * h; c < 4 + 3 * h; ++c) {
            const x$k$u$c = v128.load(x + (2 * k + u) * xStep, 16 * c);
            a$c = madd(p$h$k$u, x$k$u$c, a$c);
            b$c = madd(q$h$k$u, x$k$u$c, b$c);
          }
        }
      }
    }
    // unroll
    for (let c = 4 * h; c < 4 + 3 * h; ++c) {
      v128.store(acc, a$c, 16 * c);
      v128.store(acc + accRow, b$c, 16 * c);
    }
  }
}

/**
 * For every query i the sum over the keys that it sees of weight[i][j] * x[j]. The weights are those in w; x: (34, 7, lanes), rows ROW14 apart;
 * out: (12, 7, lanes), rows outRow apart.
 */
export function sumsOverKeys(w: usize, x: usize, out: usize, outRow: usize): void {
  // unroll
  for (let j = 0; j < 22; ++j) {
    touchRow(x + j * ROW14);
  }
  for (let i = 0; i < QUERIES; i += 2) {
    sumOverKeys(w + WEIGHTS + i * WEIGHTS_ROW, WEIGHTS_ROW, x, ROW14, i / 2 + 1, out + <usize> i * outRow, outRow);
  }
}

/**
 * Two rows of seven sums over the keys that two queries see: the 22 of the prompt, written out, and `pairs` pairs of those after it.
 * d[k][r]: at d + k * 16 + r * dRow; x[k]: at x + k * xStep.
 */
@inline
function sumOverKeys(d: usize, dRow: usize, x: usize, xStep: usize, pairs: i32, acc: usize, accRow: usize): void {
  // unroll
  for (let h = 0; h < 2; ++h) {
    // unroll
    for (let c = 4 * h; c < 4 + 3 * h; ++c) {
      let a$c = f32x4.splat(0);
      let b$c = f32x4.splat(0);
    }
    // unroll
    for (let k = 0; k < 22; ++k) {
      const p$h$k = v128.load(d, 16 * k);
      const q$h$k = v128.load(d + dRow, 16 * k);
      // unroll
      for (let c = 4 * h; c < 4 + 3 * h; ++c) {
        const x$k$c = v128.load(x + k * xStep, 16 * c);
        a$c = madd(p$h$k, x$k$c, a$c);
        b$c = madd(q$h$k, x$k$c, b$c);
      }
    }
    let d$h = d + 22 * 16;
    let x$h = x + 22 * xStep;
    for (let k = 0; k < pairs; ++k) {
      // unroll
      for (let u = 0; u < 2; ++u) {
        const r$h$u = v128.load(d$h, u * 16);
        const s$h$u = v128.load(d$h + dRow, u * 16);
        // unroll
        for (let c = 4 * h; c < 4 + 3 * h; ++c) {
          const y$u$c = v128.load(x$h + u * xStep, 16 * c);
          a$c = madd(r$h$u, y$u$c, a$c);
          b$c = madd(s$h$u, y$u$c, b$c);
        }
      }
      d$h += 32;
      x$h += 2 * xStep;
    }
    // unroll
    for (let c = 4 * h; c < 4 + 3 * h; ++c) {
      v128.store(acc, a$c, 16 * c);
      v128.store(acc + accRow, b$c, 16 * c);
    }
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
  for (let h = 0; h < 2; ++h) {
    // unroll
    for (let c = 4 * h; c < 4 + 3 * h; ++c) {
      let a$c = fresh ? f32x4.splat(0) : v128.load(acc, 16 * c);
      let b$c = fresh ? f32x4.splat(0) : v128.load(acc + accRow, 16 * c);
    }
    let d$h = d;
    let x$h = x;
    for (let k = 0; k < pairs; ++k) {
      // unroll
      for (let u = 0; u < 2; ++u) {
        const p$h$u = v128.load(d$h + u * dStep);
        const q$h$u = v128.load(d$h + dRow + u * dStep);
        // unroll
        for (let c = 4 * h; c < 4 + 3 * h; ++c) {
          const x$u$c = v128.load(x$h + u * xStep, 16 * c);
          a$c = madd(p$h$u, x$u$c, a$c);
          b$c = madd(q$h$u, x$u$c, b$c);
        }
      }
      d$h += 2 * dStep;
      x$h += 2 * xStep;
    }
    // unroll
    for (let c = 4 * h; c < 4 + 3 * h; ++c) {
      v128.store(acc, a$c, 16 * c);
      v128.store(acc + accRow, b$c, 16 * c);
    }
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
