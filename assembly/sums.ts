// Sums of outer products, in tiles of two rows by four columns like the linear layers: gradients of weights.
//
// Hoisted bounds checks: V8 (in Deno) compares addresses with the size of the memory once in a function for each pair of base and
// offset, so kernels write constants as offsets. A function that reads the same rows in a loop first loads each of them once: V8 drops
// the unused load but keeps the check (measured: training is 1.06 times faster).
import { D, ROW14, ROW7 } from "./dimensions";
import { madd } from "./simd";

// Adds the sum over the queries k of d[k] x[k]^T to a matrix, acc: (2 * pairs, 7, lanes). d[k]: vectors at d + k * ROW14; x[k]: (7, lanes)
// at x + k * ROW7. The loop over the queries is unrolled, so that the offsets of x are constants.
export function weightGradient(d: usize, x: usize, pairs: i32, acc: usize): void {
  for (let k = 0; k < 12; ++k) { // unroll
    for (let c = 0; c < D; ++c) { // unroll
      v128.load(x, k * ROW7 + 16 * c);
    }
  }
  for (let r = 0; r < pairs; ++r) {
    for (let h = 0; h < 2; ++h) { // unroll
      for (let c = 4 * h; c < 4 + 3 * h; ++c) { // unroll
        let a$c = v128.load(acc, 16 * c);
        let b$c = v128.load(acc, ROW7 + 16 * c);
      }
      for (let k = 0; k < 12; ++k) { // unroll
        const p$h$k = v128.load(d, k * ROW14);
        const q$h$k = v128.load(d, k * ROW14 + 16);
        for (let c = 4 * h; c < 4 + 3 * h; ++c) { // unroll
          const x$k$c = v128.load(x, k * ROW7 + 16 * c);
          a$c = madd(p$h$k, x$k$c, a$c);
          b$c = madd(q$h$k, x$k$c, b$c);
        }
      }
      for (let c = 4 * h; c < 4 + 3 * h; ++c) { // unroll
        v128.store(acc, a$c, 16 * c);
        v128.store(acc, b$c, ROW7 + 16 * c);
      }
    }
    d += 32;
    acc += 2 * ROW7;
  }
}

// One row of such a matrix: adds the sum of d[k] x[k]^T over `count` k to `acc`, (7, lanes). d[k]: a vector at d + k * dStep; x[k]: (7, lanes)
// at x + k * xStep.
export function weightGradientRow(d: usize, dStep: usize, x: usize, xStep: usize, count: i32, acc: usize): void { // inline
  for (let c = 0; c < D; ++c) { // unroll
    let acc$c = v128.load(acc, 16 * c);
  }
  for (let k = 0; k < count; ++k) {
    const dk = v128.load(d);
    for (let c = 0; c < D; ++c) { // unroll
      acc$c = madd(dk, v128.load(x, 16 * c), acc$c);
    }
    d += dStep;
    x += xStep;
  }
  for (let c = 0; c < D; ++c) { // unroll
    v128.store(acc, acc$c, 16 * c);
  }
}
