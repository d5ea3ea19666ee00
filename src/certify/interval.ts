/**
 * Interval arithmetic in float64: what an expression can be, given what its parts can be.
 *
 * The bounds are rounded to nearest, not outward: `ROUNDING` of limits.ts pays for that in one place.
 *
 * @module
 */

/** All real numbers from `lo` to `hi`. */
export interface Interval {
  /** The least. */
  readonly lo: number;
  /** The greatest. */
  readonly hi: number;
}

/** The interval that holds one number. */
export function point(value: number): Interval {
  return { lo: value, hi: value };
}

/** x + y. */
export function plus(x: Interval, y: Interval): Interval {
  return { lo: x.lo + y.lo, hi: x.hi + y.hi };
}

/** x * y: a bilinear function has its extremes at corners. */
export function times(x: Interval, y: Interval): Interval {
  const [p, q, r, s] = [x.lo * y.lo, x.lo * y.hi, x.hi * y.lo, x.hi * y.hi];
  return { lo: Math.min(p, q, r, s), hi: Math.max(p, q, r, s) };
}

/** factor * x for a number. */
export function scaled(factor: number, x: Interval): Interval {
  return factor >= 0 ? { lo: factor * x.lo, hi: factor * x.hi } : { lo: factor * x.hi, hi: factor * x.lo };
}

/** x * x, which is never negative. */
export function squared(x: Interval): Interval {
  const [p, q] = [x.lo * x.lo, x.hi * x.hi];
  return { lo: x.lo <= 0 && x.hi >= 0 ? 0 : Math.min(p, q), hi: Math.max(p, q) };
}

/** t * x for all t in [0, 1]: x and zero and what lies between. */
export function shrunk(x: Interval): Interval {
  return { lo: Math.min(0, x.lo), hi: Math.max(0, x.hi) };
}

/** What lies in both, for intervals that are known to meet. */
export function both(x: Interval, y: Interval): Interval {
  return { lo: Math.max(x.lo, y.lo), hi: Math.min(x.hi, y.hi) };
}
