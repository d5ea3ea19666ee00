/**
 * The two forms of GELU, their derivatives, and what these can be over an interval.
 *
 * @module
 */
import { erf } from "../engine/reference/gelu.ts";
import type { Variant } from "../model/variant.ts";

/** One form of GELU and its derivatives. */
export interface GeluForm {
  /** gelu(x). */
  value(x: number): number;
  /** gelu'(x). */
  slope(x: number): number;
  /** gelu''(x). */
  bend(x: number): number;
  /** Writes the least and the greatest gelu'(x), then those of gelu''(x), for lo <= x <= hi. */
  range(lo: number, hi: number, out: Float64Array): void;
}

/** GELU in the form of a variant. */
export function geluForm(form: Variant["gelu"]): GeluForm {
  return form === "erf" ? ERF_FORM : TANH_FORM;
}

const ROOT_OF_TAU = Math.sqrt(2 * Math.PI);
/** The normal distribution function is tabulated with so many points a unit, */
const POINTS = 16;
/** up to this |x|, past which it is 0 or 1 in float64, */
const REACH = 8.5;
/** as a polynomial of this degree around each point, within 1e-15. */
const DEGREE = 7;

/**
 * Taylor coefficients around each point: Phi(p + h) = Phi(p) + phi(p) (h - He_1(p) h^2 / 2! + He_2(p) h^3 / 3! - …) with Hermite's
 * polynomials, He_{n+1}(p) = p He_n(p) - n He_{n-1}(p). For |h| <= 1/32 the first term left out is below 4e-16.
 */
const DISTRIBUTION = tabulate();

function tabulate(): Float64Array {
  const points = 2 * REACH * POINTS + 1;
  const table = new Float64Array(points * (DEGREE + 1));
  for (let i = 0; i < points; i++) {
    const p = i / POINTS - REACH;
    let [before, hermite] = [0, 1];
    let factor = Math.exp(-p * p / 2) / ROOT_OF_TAU;
    table[i * (DEGREE + 1)] = (1 + erf(p / Math.SQRT2)) / 2;
    for (let n = 0; n < DEGREE; n++) {
      factor /= n + 1;
      table[i * (DEGREE + 1) + n + 1] = (n % 2 === 0 ? factor : -factor) * hermite;
      [before, hermite] = [hermite, p * hermite - n * before];
    }
  }
  return table;
}

/** The normal distribution function. */
function distribution(x: number): number {
  if (!(Math.abs(x) < REACH)) return x > 0 ? 1 : x < 0 ? 0 : NaN;
  const i = Math.round((x + REACH) * POINTS);
  const h = x + REACH - i / POINTS;
  let sum = 0;
  for (let at = (i + 1) * (DEGREE + 1) - 1; at >= i * (DEGREE + 1); at--) sum = sum * h + DISTRIBUTION[at];
  return sum;
}

/** The normal density. */
function density(x: number): number {
  return Math.exp(-x * x / 2) / ROOT_OF_TAU;
}

/** gelu' = Phi + x phi, whose derivative (2 - x^2) phi is 0 at both square roots of 2 alone: these are its extremes for all x. */
const TURN = Math.SQRT2;
const MOST_FIRST = distribution(TURN) + TURN * Math.exp(-1) / ROOT_OF_TAU;
/** gelu'' at 0, and at -2 and 2, where alone its derivative (x^3 - 4 x) phi is 0. */
const MOST_SECOND = 2 / ROOT_OF_TAU;
const LEAST_SECOND = -2 * Math.exp(-2) / ROOT_OF_TAU;

/** With the error function: g = x Phi, g' = Phi + x phi, g'' = (2 - x^2) phi, as phi' = -x phi. */
const ERF_FORM: GeluForm = {
  value: (x) => x * distribution(x),
  slope: (x) => distribution(x) + x * density(x),
  bend: (x) => (2 - x * x) * density(x),
  // between two zeros of its derivative a function is monotone, so its extremes over an interval lie there or at the ends
  range(lo, hi, out) {
    const p = density(lo);
    const q = density(hi);
    const firstLo = distribution(lo) + lo * p;
    const firstHi = distribution(hi) + hi * q;
    const secondLo = (2 - lo * lo) * p;
    const secondHi = (2 - hi * hi) * q;
    out[0] = lo < -TURN && hi > -TURN ? 1 - MOST_FIRST : Math.min(firstLo, firstHi);
    out[1] = lo < TURN && hi > TURN ? MOST_FIRST : Math.max(firstLo, firstHi);
    out[2] = (lo < -2 && hi > -2) || (lo < 2 && hi > 2) ? LEAST_SECOND : Math.min(secondLo, secondHi);
    out[3] = lo < 0 && hi > 0 ? MOST_SECOND : Math.max(secondLo, secondHi);
  },
};

const TANH_SCALE = Math.sqrt(2 / Math.PI);
const TANH_CUBIC = 0.044715;

/** With tanh -0.14 <= g' <= 1.14, -0.13 <= g'' <= 0.81 and |g'''| <= 0.88: tests/certify shows it by intervals over the whole line. */
const ANY_TANH = { leastFirst: -0.14, mostFirst: 1.14, leastSecond: -0.13, mostSecond: 0.81, mostThird: 0.88 };

/** 1 - tanh(u)^2, without the loss of digits where tanh is near 1. */
function squaredSech(u: number): number {
  const e = Math.exp(-2 * Math.abs(u));
  return 4 * e / ((1 + e) * (1 + e));
}

/** With tanh: g = x (1 + t) / 2 for t = tanh(u), u = scale (x + cubic x^3); t' = (1 - t^2) u', t'' = (1 - t^2) (u'' - 2 t u'^2). */
const TANH_FORM: GeluForm = {
  value: (x) => x * (1 + Math.tanh(TANH_SCALE * (x + TANH_CUBIC * x * x * x))) / 2,
  slope(x) {
    const u = TANH_SCALE * (x + TANH_CUBIC * x * x * x);
    const u1 = TANH_SCALE * (1 + 3 * TANH_CUBIC * x * x);
    return (1 + Math.tanh(u)) / 2 + x * squaredSech(u) * u1 / 2;
  },
  bend(x) {
    const u = TANH_SCALE * (x + TANH_CUBIC * x * x * x);
    const u1 = TANH_SCALE * (1 + 3 * TANH_CUBIC * x * x);
    const u2 = TANH_SCALE * 6 * TANH_CUBIC * x;
    return squaredSech(u) * (u1 + x * (u2 - 2 * Math.tanh(u) * u1 * u1) / 2);
  },
  // Both are within |g'''| or |g''| times the half width of their values in the middle, by the mean value theorem. Where 0 lies outside, from a
  // to b away from 0, 1 - t^2 is at most that at a, and u' and u'', which grow with |x|, at most those at b.
  range(lo, hi, out) {
    const radius = (hi - lo) / 2;
    const first = TANH_FORM.slope((lo + hi) / 2);
    const second = TANH_FORM.bend((lo + hi) / 2);
    let leastSecond = Math.max(second - ANY_TANH.mostThird * radius, ANY_TANH.leastSecond);
    let mostSecond = Math.min(second + ANY_TANH.mostThird * radius, ANY_TANH.mostSecond);
    if (lo > 0 || hi < 0) {
      const [a, b] = lo > 0 ? [lo, hi] : [-hi, -lo];
      const u1 = TANH_SCALE * (1 + 3 * TANH_CUBIC * b * b);
      const u2 = TANH_SCALE * 6 * TANH_CUBIC * b;
      const most = squaredSech(TANH_SCALE * (a + TANH_CUBIC * a * a * a)) * (u1 + b / 2 * (u2 + 2 * u1 * u1)) + 1e-300;
      // far out `most` is Infinity times 0: nothing is known by it then
      if (most < mostSecond) mostSecond = most;
      if (-most > leastSecond) leastSecond = -most;
    }
    const reach = Math.max(-leastSecond, mostSecond) * radius;
    out[0] = Math.max(first - reach, ANY_TANH.leastFirst);
    out[1] = Math.min(first + reach, ANY_TANH.mostFirst);
    out[2] = leastSecond;
    out[3] = mostSecond;
  },
};
