/**
 * The principal axes of what the attention can give: along these o varies most, and independently.
 *
 * @module
 */
import { WIDTH } from "../model/variant.ts";
import { FIRST_QUERY, OPERAND_DIGITS } from "../model/vocabulary.ts";
import { DIGITS, positionOfA, positionOfB } from "./places.ts";
import { ENTRY, type Query } from "./query.ts";

const MOST_SWEEPS = 50;

/**
 * The axes of a query as the rows of a (7, 7) matrix, the widest first: eigenvectors of the covariance of sum_j e_j (v_j - o), each digit that the
 * regions leave free being equally likely. A proof holds with any axes; these make it short.
 */
export function principalAxes({ entries, positions }: Query, step: number): Float64Array {
  const settled = new Set([OPERAND_DIGITS, FIRST_QUERY, positions - 1]);
  for (const place of [step, step - 1]) {
    settled.add(positionOfA(place));
    settled.add(positionOfB(place));
  }
  const free = Array.from({ length: positions }, (_, position) => position).filter((position) =>
    !settled.has(position)
  );
  const total = new Float64Array(ENTRY);
  for (let at = 0; at < positions * DIGITS; at++) {
    for (let l = 0; l < ENTRY; l++) total[l] += entries[at * ENTRY + l];
  }
  const covariance = new Float64Array(WIDTH * WIDTH);
  const row = new Float64Array(DIGITS * WIDTH);
  for (const position of free) {
    for (let l = 0; l < WIDTH; l++) {
      let mean = 0;
      for (let digit = 0; digit < DIGITS; digit++) {
        const entry = (position * DIGITS + digit) * ENTRY;
        row[digit * WIDTH + l] = entries[entry + l] - entries[entry + WIDTH] * total[l] / total[WIDTH];
        mean += row[digit * WIDTH + l] / DIGITS;
      }
      for (let digit = 0; digit < DIGITS; digit++) row[digit * WIDTH + l] -= mean;
    }
    for (let digit = 0; digit < DIGITS; digit++) {
      for (let l = 0; l < WIDTH; l++) {
        for (let m = 0; m < WIDTH; m++) {
          covariance[l * WIDTH + m] += row[digit * WIDTH + l] * row[digit * WIDTH + m];
        }
      }
    }
  }
  return eigenvectors(covariance);
}

/** Eigenvectors of a symmetric matrix as rows, by falling eigenvalue; Jacobi's rotations, as in Golub and Van Loan, section 8.5. */
function eigenvectors(matrix: Float64Array): Float64Array {
  const n = WIDTH;
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
