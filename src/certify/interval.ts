/**
 * Products of intervals in float64: what x y can be for x in [xLo, xHi] and y in [yLo, yHi]. A bilinear function has its extremes at corners.
 *
 * Ends are numbers of their own and not objects, of which a proof would make hundreds of millions. They are rounded to nearest, not outward:
 * `ROUNDING` of bound.ts pays for that in one place.
 *
 * @module
 */

/** The least x y. */
export function leastProduct(xLo: number, xHi: number, yLo: number, yHi: number): number {
  return Math.min(xLo * yLo, xLo * yHi, xHi * yLo, xHi * yHi);
}

/** The greatest x y. */
export function mostProduct(xLo: number, xHi: number, yLo: number, yHi: number): number {
  return Math.max(xLo * yLo, xLo * yHi, xHi * yLo, xHi * yHi);
}

/** The least x^2, which is never negative. */
export function leastSquare(lo: number, hi: number): number {
  return lo > 0 ? lo * lo : hi < 0 ? hi * hi : 0;
}

/** The greatest x^2. */
export function mostSquare(lo: number, hi: number): number {
  return Math.max(lo * lo, hi * hi);
}
