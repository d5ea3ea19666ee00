/**
 * The two forms of GELU and their derivatives.
 * Hendrycks and Gimpel 2016, arXiv:1606.08415: x * Phi(x), with Phi the normal distribution function.
 *
 * @module
 */
import type { Variant } from "../../model/variant.ts";

/**
 * The error function, within 3e-15.
 *
 * NIST Digital Library of Mathematical Functions, equation 7.6.2:
 * erf(x) = 2 / sqrt(pi) * exp(-x^2) * (x + 2 x^3 / 3 + 4 x^5 / (3 * 5) + 8 x^7 / (3 * 5 * 7) + …).
 * All terms have the sign of x, so nothing cancels. From |x| = 6 on erf(x) is 1 or -1 in float64.
 */
export function erf(x: number): number {
  if (Math.abs(x) >= 6) return Math.sign(x);
  let term = x;
  let series = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(series); n++) {
    term *= 2 * x * x / (2 * n + 1);
    series += term;
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * series;
}

function geluErf(x: number): number {
  return x * (1 + erf(x / Math.SQRT2)) / 2;
}

function geluErfDerivative(x: number): number {
  const distribution = (1 + erf(x / Math.SQRT2)) / 2;
  const density = Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
  return distribution + x * density;
}

const TANH_SCALE = Math.sqrt(2 / Math.PI);
const TANH_CUBIC = 0.044715;

function geluTanh(x: number): number {
  return x * (1 + Math.tanh(TANH_SCALE * (x + TANH_CUBIC * x ** 3))) / 2;
}

function geluTanhDerivative(x: number): number {
  const t = Math.tanh(TANH_SCALE * (x + TANH_CUBIC * x ** 3));
  const dt = (1 - t ** 2) * TANH_SCALE * (1 + 3 * TANH_CUBIC * x ** 2);
  return (1 + t) / 2 + x * dt / 2;
}

/** GELU of one number and its derivative, by the form of the variant. */
export const GELU: Readonly<Record<Variant["gelu"], { value(x: number): number; derivative(x: number): number }>> = {
  erf: { value: geluErf, derivative: geluErfDerivative },
  tanh: { value: geluTanh, derivative: geluTanhDerivative },
};

/** GELU of each element, in the form of the variant. */
export function gelu(x: Float64Array, form: Variant["gelu"]): Float64Array {
  const { value } = GELU[form];
  return x.map((element) => value(element));
}

/**
 * Backward of {@linkcode gelu}.
 *
 * @param dy dL/dy
 * @param x What the forward pass was given
 * @returns dL/dx
 */
export function geluBackward(dy: Float64Array, x: Float64Array, form: Variant["gelu"]): Float64Array {
  const { derivative } = GELU[form];
  // in the forward pass this was: y[i] = f(x[i])
  return dy.map((value, i) => value * derivative(x[i]));
}
