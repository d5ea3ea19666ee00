// Sums of outer products, in tiles of two rows by four columns like the linear layers: gradients of weights.
//
// Hoisted bounds checks: V8 compares addresses with the size of the memory (in Deno it does) and remembers, for the rest of a function,
// which pairs of base and offset it has checked; the build turns our addresses into such pairs. So a function that reads the same rows in
// a loop first loads each of them once: V8 drops the unused load but keeps the check (measured: training is 1.06 times faster).
import { D, ROW14, ROW7 } from "./layout";
import { madd } from "./simd";

/** Hoists the bounds checks of a row of `columns` vectors, six or seven. */
// inline
export function hoistBoundsCheck(row: usize, columns: i32): void {
  // unroll
  for (let c = 0; c < D; ++c) {
    if (c < columns) v128.load(row, 16 * c);
  }
}

/** {@linkcode hoistBoundsCheck} for a row of each of the twelve queries, `stride` bytes apart. */
// inline
export function hoistBoundsChecks(rows: usize, stride: usize, columns: i32): void {
  // unroll
  for (let i = 0; i < 12; ++i) {
    hoistBoundsCheck(rows + i * stride, columns);
  }
}

/**
 * Adds the sum over the queries k of d[k] x[k]^T to a matrix of 2 * pairs rows and seven columns.
 *
 * d[k]: vectors at d + k * ROW14; x[k]: (7, lanes) at x + k * ROW7; acc: (2 * pairs, 7, lanes).
 * The loop over the queries is unrolled, so that the offsets of x are constants.
 */
export function weightGradient(d: usize, x: usize, pairs: i32, acc: usize): void {
  hoistBoundsChecks(x, ROW7, D);
  for (let r = 0; r < pairs; ++r) {
    // unroll
    for (let h = 0; h < 2; ++h) {
      // unroll
      for (let c = 4 * h; c < 4 + 3 * h; ++c) {
        let a$c = v128.load(acc, 16 * c);
        let b$c = v128.load(acc + ROW7, 16 * c);
      }
      // unroll
      for (let k = 0; k < 12; ++k) {
        const p$h$k = v128.load(d + k * ROW14);
        const q$h$k = v128.load(d + k * ROW14, 16);
        // unroll
        for (let c = 4 * h; c < 4 + 3 * h; ++c) {
          const x$k$c = v128.load(x + k * ROW7, 16 * c);
          a$c = madd(p$h$k, x$k$c, a$c);
          b$c = madd(q$h$k, x$k$c, b$c);
        }
      }
      // unroll
      for (let c = 4 * h; c < 4 + 3 * h; ++c) {
        v128.store(acc, a$c, 16 * c);
        v128.store(acc + ROW7, b$c, 16 * c);
      }
    }
    d += 32;
    acc += 2 * ROW7;
  }
}

/**
 * Two rows of seven sums over k < 2 * pairs: acc[r][c] = sum_k d[k][r] * x[k][c].
 *
 * d[k][r]: one vector at d + k * dStep + r * 16; x[k]: (7, lanes) at x + k * xStep; acc: (7, lanes), rows ROW7 apart.
 */
export function outerProduct(d: usize, dStep: usize, x: usize, xStep: usize, pairs: i32, acc: usize): void {
  // unroll
  for (let h = 0; h < 2; ++h) {
    // unroll
    for (let c = 4 * h; c < 4 + 3 * h; ++c) {
      let a$c = f32x4.splat(0);
      let b$c = f32x4.splat(0);
    }
    let d$h = d;
    let x$h = x;
    for (let k = 0; k < pairs; ++k) {
      // unroll
      for (let u = 0; u < 2; ++u) {
        const p$h$u = v128.load(d$h + u * dStep);
        const q$h$u = v128.load(d$h + u * dStep, 16);
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
      v128.store(acc + ROW7, b$c, 16 * c);
    }
  }
}

/** Adds one row of {@linkcode outerProduct}, summed over `count` k, to `acc`: for the odd row that pairs leave. */
// inline
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
