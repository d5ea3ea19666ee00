/** The two forms of GELU: Hendrycks and Gimpel 2016, arXiv:1606.08415: x * Phi(x), with Phi the normal distribution function. */
import type { Variant } from "../../model/variant.ts";

const INVERSE_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI);
/** For |x| from here on Phi(-|x|) and exp(-x^2 / 2) are below the least float64. */
const TAIL_END = 39;

/**
 * Rational approximations of W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of Computation 23 (1969),
 * 631-637, with the coefficients that he gives for the normal distribution in ANORM of SPECFUN (ACM Algorithm 715, 1993). Numerators and
 * denominators, highest power first.
 */
const CENTER = [
  [0.065682337918207449113, 2.2352520354606839287, 161.02823106855587881, 1067.6894854603709582, 18154.981253343561249],
  [1, 47.20258190468824187, 976.09855173777669322, 10260.932208618978205, 45507.789335026729956],
];
// deno-fmt-ignore
const MIDDLE = [
  [1.0765576773720192317e-8, 0.39894151208813466764, 8.8831497943883759412, 93.506656132177855979, 597.27027639480026226,
    2494.5375852903726711, 6848.1904505362823326, 11602.651437647350124, 9842.7148383839780218],
  [1, 22.266688044328115691, 235.38790178262499861, 1519.377599407554805, 6485.558298266760755,
    18615.571640885098091, 34900.952721145977266, 38912.003286093271411, 19685.429676859990727],
];
// deno-fmt-ignore
const FAR = [
  [0.02307344176494017303, 0.21589853405795699, 0.1274011611602473639, 0.022235277870649807, 0.001421619193227893466,
    2.9112874951168792e-5],
  [1, 1.28426009614491121, 0.468238212480865118, 0.0659881378689285515, 0.00378239633202758244, 7.29751555083966205e-5],
];

/** The quotient of two polynomials of the same degree. */
function rational(x: number, [numerator, denominator]: readonly (readonly number[])[]): number {
  let [n, d] = [numerator[0], denominator[0]];
  for (let i = 1; i < numerator.length; i++) {
    n = n * x + numerator[i];
    d = d * x + denominator[i];
  }
  return n / d;
}

/** exp(-x^2 / 2): `head` has an exact square, and the rest of x^2 is small, so the relative error does not grow with x^2. */
function gauss(x: number): number {
  const head = Math.trunc(16 * x) / 16;
  return Math.exp(-head * head / 2) * Math.exp(-(x - head) * (x + head) / 2);
}

/** Phi(-x) for x >= 0. */
function upperTail(x: number): number {
  if (x <= 0.67448975) return 0.5 - x * rational(x * x, CENTER);
  if (x <= 5.657) return gauss(x) * rational(x, MIDDLE);
  if (x >= TAIL_END) return 0;
  const inverseSquare = 1 / (x * x);
  return gauss(x) * (INVERSE_SQRT_2PI - inverseSquare * rational(inverseSquare, FAR)) / x;
}

/** Phi(x), the normal distribution function: nothing cancels in either tail. */
export function distribution(x: number): number {
  return x < 0 ? upperTail(-x) : 1 - upperTail(x);
}

const LOGISTIC_SCALE = Math.sqrt(8 / Math.PI);
const TANH_CUBIC = 0.044715;

/** (1 + tanh z) / 2 and (1 - tanh z) / 2 as logistic functions of 2 z and -2 z, so that nothing cancels; z = sqrt(2 / pi) (x + 0.044715 x^3). */
function logistics(x: number): [number, number] {
  const e = Math.exp(-LOGISTIC_SCALE * Math.abs(x) * (1 + TANH_CUBIC * x * x));
  const large = 1 / (1 + e);
  return x < 0 ? [e * large, large] : [large, e * large];
}

/**
 * GELU of one number and its derivative. As long as it is a normal float64, the value has a relative error of at most 1e-15 (erf) or 1e-15 (1 + |z|)
 * (tanh). So has each of the two terms of the derivative, which cancel only around its zero near -0.75.
 */
export const GELU: Readonly<Record<Variant["gelu"], { value(x: number): number; derivative(x: number): number }>> = {
  erf: {
    value: (x) => x * distribution(x),
    derivative: (x) => distribution(x) + (Math.abs(x) < TAIL_END ? x * gauss(x) * INVERSE_SQRT_2PI : 0),
  },
  tanh: {
    value: (x) => x * logistics(x)[0],
    derivative(x) {
      const [logistic, complement] = logistics(x);
      return logistic + x * logistic * complement * LOGISTIC_SCALE * (1 + 3 * TANH_CUBIC * x * x);
    },
  },
};

export function gelu(x: Float64Array, form: Variant["gelu"]): Float64Array {
  return x.map((element) => GELU[form].value(element));
}

/** Backward of {@linkcode gelu}: dL/dx, from dL/dy and the x of the forward pass. */
export function geluBackward(dy: Float64Array, x: Float64Array, form: Variant["gelu"]): Float64Array {
  // in the forward pass this was: y[i] = f(x[i])
  return dy.map((value, i) => value * GELU[form].derivative(x[i]));
}
