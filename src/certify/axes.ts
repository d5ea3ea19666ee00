/**
 * The principal axes of the attention's output: along these it varies most, and independently.
 */
import { DIGITS, KEY_WIDTH, ROW } from "../engine/wasm/decoding_tables.ts";
import type { Query } from "./query.ts";

const MOST_SWEEPS = 50;

/**
 * The axes of a query as the rows of a (6, 6) matrix, the widest first: eigenvectors of the covariance of sum e (key - o), each digit that groups
 * leave free being equally likely. A proof holds with any axes; these make it short.
 */
export function principalAxes({ rows, free, freeRows }: Query): Float64Array {
  const total = new Float64Array(KEY_WIDTH + 1);
  for (let at = 0; at < rows.length; at++) if (at % ROW <= KEY_WIDTH) total[at % ROW] += rows[at];
  const covariance = new Float64Array(KEY_WIDTH * KEY_WIDTH);
  for (let i = 0; i < free.length; i++) {
    const own = freeRows.subarray(i * DIGITS * ROW, (i + 1) * DIGITS * ROW);
    const values = Array.from({ length: KEY_WIDTH }, (_, l) => {
      const column = Array.from(
        { length: DIGITS },
        (_, digit) => own[digit * ROW + l] - own[digit * ROW + KEY_WIDTH] * total[l] / total[KEY_WIDTH],
      );
      const mean = column.reduce((sum, value) => sum + value, 0) / DIGITS;
      return column.map((value) => value - mean);
    });
    for (let l = 0; l < KEY_WIDTH; l++) {
      for (let m = 0; m < KEY_WIDTH; m++) {
        for (let digit = 0; digit < DIGITS; digit++) {
          covariance[l * KEY_WIDTH + m] += values[l][digit] * values[m][digit];
        }
      }
    }
  }
  return eigenvectors(covariance);
}

/** Eigenvectors of a symmetric matrix as rows, by falling eigenvalue; Jacobi's rotations, as in Golub and Van Loan, section 8.5. */
export function eigenvectors(matrix: Float64Array): Float64Array {
  const n = KEY_WIDTH;
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  const rotate = (values: Float64Array, p: number, q: number, c: number, s: number, stride: number, step: number) => {
    for (let i = 0; i < n; i++) {
      const [x, y] = [values[p * stride + i * step], values[q * stride + i * step]];
      values[p * stride + i * step] = c * x - s * y;
      values[q * stride + i * step] = s * x + c * y;
    }
  };
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let rotated = false;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        const off = matrix[p * n + q];
        if (!(Math.abs(off) > 1e-15 * Math.sqrt(Math.abs(matrix[p * n + p] * matrix[q * n + q])))) continue;
        rotated = true;
        const tau = (matrix[q * n + q] - matrix[p * n + p]) / (2 * off);
        const t = (tau < 0 ? -1 : 1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
        const c = 1 / Math.sqrt(1 + t * t);
        rotate(matrix, p, q, c, t * c, n, 1);
        rotate(matrix, p, q, c, t * c, 1, n);
        rotate(vectors, p, q, c, t * c, n, 1);
      }
    }
    if (!rotated) break;
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => matrix[j * n + j] - matrix[i * n + i]);
  const sorted = new Float64Array(n * n);
  for (const [to, i] of order.entries()) sorted.set(vectors.subarray(i * n, (i + 1) * n), to * n);
  return sorted;
}
