// exp, ln and both forms of GELU by polynomials, in four lanes. `at` has the addresses of their coefficients.
import * as at from "./coefficients";
import { madd } from "./simd";

export const LOG2_E: f32 = 1.4426950408889634;
export const LN_2: f32 = 0.6931471805599453;

// Denormals: a product below 2^-126 takes some processors 150 cycles (measured: a trained model trained ten times slower on an Intel
// core), and WASM cannot flush denormals to zero. So exponentials end where they no longer matter in float32: at 2^-40 next to the
// largest weight of a softmax, which is 1, and at 2^-72 in the tail of GELU.

/** 2^x with a relative error below 2e-7; x <= 127, and x < -126 counts as -126. */
export function exp2(x: v128): v128 { // inline
  return exp2From(x, v128.load(at.MIN_EXPONENT));
}

/** 2^x for x <= 0, as softmax needs it: x < -40 counts as -40. */
export function exp2Softmax(x: v128): v128 { // inline
  return exp2From(x, v128.load(at.MIN_SOFTMAX));
}

/** A polynomial by Horner's rule; its coefficients follow each other, the highest first. */
function polynomial(x: v128, highest: usize, degree: i32): v128 { // inline
  let p = v128.load(highest);
  for (let k = 1; k < 7; ++k) { // unroll
    if (k <= degree) p = madd(p, x, v128.load(highest, 16 * k));
  }
  return p;
}

/** 2^x; x < lowest counts as `lowest`. Adding 1.5 x 2^23 rounds x to n and leaves n in the low bits, to be shifted into the exponent. */
function exp2From(x: v128, lowest: v128): v128 { // inline
  const clamped = f32x4.pmax(lowest, x);
  const shifted = f32x4.add(clamped, v128.load(at.ROUNDER));
  const f = f32x4.sub(clamped, f32x4.sub(shifted, v128.load(at.ROUNDER)));
  return i32x4.add(polynomial(f, at.EXP2_5, 5), i32x4.shl(shifted, 23));
}

/** Stores {@linkcode exp2Softmax} of two vectors, and returns their sum. */
export function storeExp2Softmax(x0: v128, x1: v128, out: usize): v128 { // inline
  const e0 = exp2Softmax(x0);
  const e1 = exp2Softmax(x1);
  v128.store(out, e0);
  v128.store(out, e1, 16);
  return f32x4.add(e0, e1);
}

/** ln x for x > 0 as 2 artanh((m - 1) / (m + 1)) + e ln 2 with m in [0.7, 1.4]; absolute error below 2e-7 x (1 + |ln x|). */
export function ln(x: v128): v128 { // inline
  // 0x3f3504f3 is sqrt(1/2): subtracting it first centres the mantissa on 1
  const shifted = i32x4.sub(x, i32x4.splat(0x3f3504f3));
  const exponent = i32x4.shr_s(shifted, 23);
  const m = i32x4.sub(x, i32x4.shl(exponent, 23));
  const z = f32x4.div(f32x4.sub(m, v128.load(at.ONE)), f32x4.add(m, v128.load(at.ONE)));
  const z2 = f32x4.mul(z, z);
  return madd(polynomial(z2, at.LN_7, 3), z, f32x4.mul(f32x4.convert_i32x4_s(exponent), f32x4.splat(LN_2)));
}

// GELU(u) = u Phi(u) with the error function, and its derivative Phi(u) + u phi(u), of two vectors at `from`; no derivative if
// `derivatives` is the constant 0. Must equal `GELU.erf` of src/engine/reference/gelu.ts.
// Phi(-|u|) = exp(-u^2 / 2) R(t), t = 1 / (1 + 0.26 |u|), with a polynomial R: nothing cancels in the tail.
export function geluErf(from: usize, values: usize, derivatives: usize): void { // inline
  const one = v128.load(at.ONE);
  const scale = v128.load(at.PHI_SCALE);
  const half = v128.load(at.HALF_LOG2_E);
  for (let i = 0; i < 2; ++i) { // unroll
    const u$i = v128.load(from, 16 * i);
    const gauss$i = exp2From(f32x4.mul(f32x4.mul(u$i, u$i), half), v128.load(at.MIN_GAUSS));
    const t$i = f32x4.div(one, madd(f32x4.abs(u$i), scale, one));
  }
  const normalizer = v128.load(at.INVERSE_SQRT_2PI);
  for (let i = 0; i < 2; ++i) { // unroll
    const tail$i = f32x4.mul(f32x4.mul(polynomial(t$i, at.PHI_7, 6), t$i), gauss$i);
    const phi$i = v128.bitselect(tail$i, f32x4.sub(one, tail$i), i32x4.shr_s(u$i, 31));
    v128.store(values, f32x4.mul(u$i, phi$i), 16 * i);
    if (derivatives != 0) v128.store(derivatives, madd(f32x4.mul(u$i, gauss$i), normalizer, phi$i), 16 * i);
  }
}

// GELU(u) = u / 2 (1 + tanh(c (u + 0.044715 u^3))), c = sqrt(2 / pi), and its derivative, as `geluErf` does. Must equal `GELU.tanh`.
// (1 + tanh z) / 2 is the logistic function of 2 z, computed from exp(-2 |z|), which cannot overflow.
export function geluTanh(from: usize, values: usize, derivatives: usize): void { // inline
  const one = v128.load(at.ONE);
  const scale = v128.load(at.TANH_SCALE);
  for (let i = 0; i < 2; ++i) { // unroll
    const u$i = v128.load(from, 16 * i);
    const square$i = f32x4.mul(u$i, u$i);
    const twoZ$i = f32x4.mul(f32x4.mul(u$i, scale), madd(square$i, v128.load(at.TANH_CUBIC), one));
    const e$i = exp2From(f32x4.mul(f32x4.abs(twoZ$i), v128.load(at.MINUS_LOG2_E)), v128.load(at.MIN_GAUSS));
    const large$i = f32x4.div(one, f32x4.add(e$i, one));
    const small$i = f32x4.mul(e$i, large$i);
    const logistic$i = v128.bitselect(small$i, large$i, i32x4.shr_s(twoZ$i, 31));
    v128.store(values, f32x4.mul(u$i, logistic$i), 16 * i);
    if (derivatives != 0) {
      // the derivative of the logistic function is logistic (1 - logistic) = small x large
      const cubic$i = madd(square$i, v128.load(at.TANH_CUBIC_3), one);
      const rate$i = f32x4.mul(f32x4.mul(f32x4.mul(small$i, large$i), scale), cubic$i);
      v128.store(derivatives, madd(u$i, rate$i, logistic$i), 16 * i);
    }
  }
}
