/**
 * The two forms of GELU with their first two derivatives, and bounds of the higher ones.
 *
 * @module
 */
import { erf } from "../engine/reference/gelu.ts";
import type { Variant } from "../model/variant.ts";
import { both, type Interval } from "./interval.ts";

/** GELU and its derivatives at one point. */
export interface GeluJet {
  /** gelu(x). */
  value: number;
  /** gelu'(x). */
  first: number;
  /** gelu''(x). */
  second: number;
}

/** GELU with the error function: g = x Phi, g' = Phi + x phi, g'' = (2 - x^2) phi, as phi' = -x phi. */
function erfJet(x: number): GeluJet {
  const distribution = (1 + erf(x / Math.SQRT2)) / 2;
  const density = Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  return { value: x * distribution, first: distribution + x * density, second: (2 - x * x) * density };
}

const TANH_SCALE = Math.sqrt(2 / Math.PI);
const TANH_CUBIC = 0.044715;

/** GELU with tanh: g = x (1 + t) / 2 for t = tanh(u), u = scale (x + cubic x^3); t' = (1 - t^2) u', t'' = (1 - t^2) (u'' - 2 t u'^2). */
function tanhJet(x: number): GeluJet {
  const t = Math.tanh(TANH_SCALE * (x + TANH_CUBIC * x ** 3));
  const u1 = TANH_SCALE * (1 + 3 * TANH_CUBIC * x * x);
  const u2 = TANH_SCALE * 6 * TANH_CUBIC * x;
  const t1 = (1 - t * t) * u1;
  const t2 = (1 - t * t) * (u2 - 2 * t * u1 * u1);
  return { value: x * (1 + t) / 2, first: (1 + t) / 2 + x * t1 / 2, second: t1 + x * t2 / 2 };
}

/** GELU and its derivatives, in the form of the variant. */
export function geluJet(form: Variant["gelu"]): (x: number) => GeluJet {
  return form === "erf" ? erfJet : tanhJet;
}

/** What the derivatives of GELU can be over an interval. */
export interface GeluRange {
  /** All gelu'(x). */
  first: Interval;
  /** All gelu''(x). */
  second: Interval;
}

/** Bounds for all x. With the error function -0.129 <= g' <= 1.129; with tanh -0.130 <= g' <= 1.130. */
const ANY_FIRST: Interval = { lo: -0.14, hi: 1.14 };
/** With tanh -0.12 <= g'' <= 0.80 for all x, and |g'''| <= 0.86: tests/certify shows both by intervals over the whole line. */
const ANY_SECOND: Interval = { lo: -0.13, hi: 0.81 };
const MOST_THIRD = 0.88;

/** Where g''' = (x^3 - 4x) phi is 0: between two of these g'' is monotone, so its extremes lie there or at the ends. */
const TURNS = [-2, 0, 2];

function erfSecond(x: number): number {
  return (2 - x * x) * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
}

function erfSecondOver({ lo, hi }: Interval): Interval {
  const [p, q] = [erfSecond(lo), erfSecond(hi)];
  let least = Math.min(p, q);
  let most = Math.max(p, q);
  for (const x of TURNS) {
    if (x <= lo || x >= hi) continue;
    least = Math.min(least, erfSecond(x));
    most = Math.max(most, erfSecond(x));
  }
  return { lo: least, hi: most };
}

/**
 * g'' = t' + x t'' / 2 over an interval: by the mean value theorem it is within |g'''| * radius of that of the middle. Where 0 lies
 * outside, from a to b away from 0, 1 - t^2 is at most that at a, and u' and u'', which grow with |x|, at most those at b.
 */
function tanhSecondOver({ lo, hi }: Interval): Interval {
  const reach = MOST_THIRD * (hi - lo) / 2;
  const { second } = tanhJet((lo + hi) / 2);
  const near = both({ lo: second - reach, hi: second + reach }, ANY_SECOND);
  if (lo <= 0 && hi >= 0) return near;
  const [a, b] = lo > 0 ? [lo, hi] : [-hi, -lo];
  const t = Math.tanh(TANH_SCALE * (a + TANH_CUBIC * a ** 3));
  const u1 = TANH_SCALE * (1 + 3 * TANH_CUBIC * b * b);
  const u2 = TANH_SCALE * 6 * TANH_CUBIC * b;
  // 1e-12 stands for the rounding of t, whose square is subtracted from 1
  const most = ((1 - t * t) + 1e-12) * (u1 + b / 2 * (u2 + 2 * u1 * u1));
  return both(near, { lo: -most, hi: most });
}

/** Bounds GELU's derivatives over intervals; g' by the mean value theorem from that of the middle. */
export function geluRange(form: Variant["gelu"]): (x: Interval) => GeluRange {
  const jet = geluJet(form);
  const secondOver = form === "erf" ? erfSecondOver : tanhSecondOver;
  return (x) => {
    const second = secondOver(x);
    const reach = Math.max(-second.lo, second.hi) * (x.hi - x.lo) / 2;
    const { first } = jet((x.lo + x.hi) / 2);
    return { first: both({ lo: first - reach, hi: first + reach }, ANY_FIRST), second };
  };
}
