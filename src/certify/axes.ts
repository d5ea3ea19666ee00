/**
 * The axes of cells.
 */
import { KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";

const MOST_SWEEPS = 50;
const AXIS_STEPS = 1e12;

/**
 * The axes along which a part is cut, as the rows of a (6, 6) matrix: those first along which the bound loses most. Bounds lose by the bends of
 * hidden units, each along the direction of o that moves it, so these are the eigenvectors of the sum of weight^2 direction direction^T; along
 * the principal axes of o itself a hard proof takes a hundred times as many cells (measured).
 */
export function lossAxes(losses: readonly { direction: Float64Array; weight: number }[]): Float64Array {
  const matrix = new Float64Array(KEY_WIDTH * KEY_WIDTH);
  for (const { direction, weight } of losses) {
    for (let l = 0; l < KEY_WIDTH; l++) {
      for (let m = 0; m < KEY_WIDTH; m++) matrix[l * KEY_WIDTH + m] += weight ** 2 * direction[l] * direction[m];
    }
  }
  // certificates hold them with few digits
  return eigenvectors(matrix).map((value) => Math.round(value * AXIS_STEPS) / AXIS_STEPS);
}

/** Eigenvectors of a symmetric matrix as rows, by falling eigenvalue; Jacobi's rotations, as in Golub and Van Loan, section 8.5. */
function eigenvectors(matrix: Float64Array): Float64Array {
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
