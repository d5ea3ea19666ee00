// exp, ln and both forms of GELU by polynomials, in four lanes.
import { CONSTANTS } from "./layout";
import { madd } from "./simd";

export const LOG2_E: f32 = 1.4426950408889634;
export const LN_2: f32 = 0.6931471805599453;

// Constants are kept in memory, four copies each: V8 rebuilds a `v128.const` at every use, with three instructions, while a load is one (measured:
// training is 1.15 times faster).
const MIN_EXPONENT = 0;
const ROUNDER = 1;
const EXP2_5 = 2;
const EXP2_4 = 3;
const EXP2_3 = 4;
const EXP2_2 = 5;
const EXP2_1 = 6;
const ONE = 7;
const HALF_LOG2_E = 8;
const PHI_SLOPE = 9;
const PHI_7 = 10;
const PHI_6 = 11;
const PHI_5 = 12;
const PHI_4 = 13;
const PHI_3 = 14;
const PHI_2 = 15;
const PHI_1 = 16;
const INVERSE_SQRT_2PI = 17;
const TANH_SCALE = 18;
const TANH_CUBIC = 19;
const MINUS_LOG2_E = 20;
const TANH_CUBIC_3 = 21;
const MIN_SHARE = 22;
const MIN_GAUSS = 23;
// inline
function constant(index: i32): v128 {
  return v128.load(CONSTANTS + 16 * index);
}

// inline
function setConstant(index: i32, value: f32): void {
  v128.store(CONSTANTS + 16 * index, f32x4.splat(value));
}

/** Writes the table of constants; call it once for each memory. */
export function writeConstants(): void {
  setConstant(MIN_EXPONENT, -126.0);
  setConstant(ROUNDER, 12582912.0);
  setConstant(EXP2_5, 0.001326472731307149);
  setConstant(EXP2_4, 0.009671512991189957);
  setConstant(EXP2_3, 0.05550733581185341);
  setConstant(EXP2_2, 0.24022242426872253);
  setConstant(EXP2_1, 0.6931470036506653);
  setConstant(ONE, 1.0);
  setConstant(HALF_LOG2_E, -0.5 * LOG2_E);
  setConstant(PHI_SLOPE, 0.26);
  setConstant(PHI_7, -0.07556076347827911);
  setConstant(PHI_6, 0.23893599212169647);
  setConstant(PHI_5, -0.12184562534093857);
  setConstant(PHI_4, 0.17866526544094086);
  setConstant(PHI_3, 0.06805627048015594);
  setConstant(PHI_2, 0.10833282768726349);
  setConstant(PHI_1, 0.10341592133045197);
  setConstant(INVERSE_SQRT_2PI, 0.3989422804014327);
  setConstant(TANH_SCALE, 1.5957691216057308);
  setConstant(TANH_CUBIC, 0.044715);
  setConstant(MINUS_LOG2_E, -LOG2_E);
  setConstant(TANH_CUBIC_3, 0.134145);
  setConstant(MIN_SHARE, -40.0);
  setConstant(MIN_GAUSS, -72.0);
}

// Denormals: a product below 2^-126 takes some processors 150 cycles instead of one (measured: a model that had learned trained ten times slower on an
// Intel core), and WASM cannot flush denormals to zero. So exponentials are cut off where they no longer matter. The largest weight of a softmax is 1,
// next to which 2^-40 is nothing in float32; and the tail of GELU is nothing next to the other hidden units long before 2^-72. The factors of a gradient
// then have a product far above 2^-126.

/** 2^x with a relative error below 2e-7; x <= 127, and x < -126 counts as -126. */
// inline
export function exp2(x: v128): v128 {
  return exp2From(x, constant(MIN_EXPONENT));
}

/** 2^x for x <= 0, as softmax needs it: x < -40 counts as -40. */
// inline
export function exp2Share(x: v128): v128 {
  return exp2From(x, constant(MIN_SHARE));
}

/**
 * 2^x; x < lowest counts as `lowest`.
 *
 * x = n + f with |f| <= 1/2: adding 1.5 x 2^23 rounds x to n and leaves n in the low bits, and a shift moves it into the exponent.
 * The polynomial is the minimax polynomial of degree 5 for 2^f with the constant term fixed at 1.
 */
// inline
function exp2From(x: v128, lowest: v128): v128 {
  const clamped = f32x4.pmax(lowest, x);
  const shifted = f32x4.add(clamped, constant(ROUNDER));
  const f = f32x4.sub(clamped, f32x4.sub(shifted, constant(ROUNDER)));
  let p = madd(f, constant(EXP2_5), constant(EXP2_4));
  p = madd(p, f, constant(EXP2_3));
  p = madd(p, f, constant(EXP2_2));
  p = madd(p, f, constant(EXP2_1));
  p = madd(p, f, constant(ONE));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** Stores {@linkcode exp2Share} of two vectors, one after the other, and returns their sum. The two share the loads of the constants. */
// inline
export function storeShares(x0: v128, x1: v128, out: usize): v128 {
  const lowest = constant(MIN_SHARE);
  const rounder = constant(ROUNDER);
  // unroll
  for (let i = 0; i < 2; ++i) {
    const clamped$i = f32x4.pmax(lowest, x$i);
    const shifted$i = f32x4.add(clamped$i, rounder);
    const f$i = f32x4.sub(clamped$i, f32x4.sub(shifted$i, rounder));
  }
  const c5 = constant(EXP2_5);
  const c4 = constant(EXP2_4);
  const c3 = constant(EXP2_3);
  // unroll
  for (let i = 0; i < 2; ++i) {
    let p$i = madd(f$i, c5, c4);
    p$i = madd(p$i, f$i, c3);
  }
  const c2 = constant(EXP2_2);
  const c1 = constant(EXP2_1);
  const c0 = constant(ONE);
  // unroll
  for (let i = 0; i < 2; ++i) {
    p$i = madd(p$i, f$i, c2);
    p$i = madd(p$i, f$i, c1);
    p$i = madd(p$i, f$i, c0);
    const e$i = i32x4.add(p$i, i32x4.shl(shifted$i, 23));
    v128.store(out, e$i, 16 * i);
  }
  return f32x4.add(e0, e1);
}

/** ln x for x > 0 as 2 artanh((m - 1) / (m + 1)) + e ln 2 with m in [0.7, 1.4]; absolute error below 2e-7 x (1 + |ln x|). */
// inline
export function ln(x: v128): v128 {
  // 0x3f3504f3 is sqrt(1/2): subtracting it first centres the mantissa on 1
  const shifted = i32x4.sub(x, i32x4.splat(0x3f3504f3));
  const exponent = i32x4.shr_s(shifted, 23);
  const m = i32x4.sub(x, i32x4.shl(exponent, 23));
  const z = f32x4.div(f32x4.sub(m, f32x4.splat(1.0)), f32x4.add(m, f32x4.splat(1.0)));
  const z2 = f32x4.mul(z, z);
  let p = madd(z2, f32x4.splat(0.2992447018623352), f32x4.splat(0.3997485935688019));
  p = madd(p, z2, f32x4.splat(0.666668176651001));
  p = madd(p, z2, f32x4.splat(2.0));
  return madd(p, z, f32x4.mul(f32x4.convert_i32x4_s(exponent), f32x4.splat(LN_2)));
}

/**
 * GELU(u) = u Phi(u) with the error function, and its derivative Phi(u) + u phi(u), of two vectors at `at`; they share the loads of the constants.
 * Values go to `values`, derivatives to `derivatives` unless that is the constant 0. Must equal `GELU.erf` of src/engine/reference/gelu.ts.
 *
 * Phi(-|u|) = exp(-u^2 / 2) R(t), t = 1 / (1 + 0.26 |u|), where R is the minimax polynomial of degree 7 for the relative error on 0 <= |u| <= 10, which
 * is 3e-7: nothing cancels in the tail.
 */
// inline
export function geluErf(at: usize, values: usize, derivatives: usize): void {
  const one = constant(ONE);
  const slope = constant(PHI_SLOPE);
  const half = constant(HALF_LOG2_E);
  // unroll
  for (let i = 0; i < 2; ++i) {
    const u$i = v128.load(at, 16 * i);
    const gauss$i = exp2From(f32x4.mul(f32x4.mul(u$i, u$i), half), constant(MIN_GAUSS));
    const t$i = f32x4.div(one, madd(f32x4.abs(u$i), slope, one));
  }
  const c7 = constant(PHI_7);
  const c6 = constant(PHI_6);
  const c5 = constant(PHI_5);
  // unroll
  for (let i = 0; i < 2; ++i) {
    let r$i = madd(t$i, c7, c6);
    r$i = madd(r$i, t$i, c5);
  }
  const c4 = constant(PHI_4);
  const c3 = constant(PHI_3);
  // unroll
  for (let i = 0; i < 2; ++i) {
    r$i = madd(r$i, t$i, c4);
    r$i = madd(r$i, t$i, c3);
  }
  const c2 = constant(PHI_2);
  const c1 = constant(PHI_1);
  // unroll
  for (let i = 0; i < 2; ++i) {
    r$i = madd(r$i, t$i, c2);
    r$i = madd(r$i, t$i, c1);
  }
  const normalizer = constant(INVERSE_SQRT_2PI);
  // unroll
  for (let i = 0; i < 2; ++i) {
    const tail$i = f32x4.mul(f32x4.mul(r$i, t$i), gauss$i);
    const phi$i = v128.bitselect(tail$i, f32x4.sub(one, tail$i), i32x4.shr_s(u$i, 31));
    v128.store(values, f32x4.mul(u$i, phi$i), 16 * i);
    if (derivatives != 0) v128.store(derivatives, madd(f32x4.mul(u$i, gauss$i), normalizer, phi$i), 16 * i);
  }
}

/**
 * GELU(u) = u / 2 (1 + tanh(c (u + 0.044715 u^3))), c = sqrt(2 / pi), and its derivative; arguments as in {@linkcode geluErf}.
 * Must equal `GELU.tanh` of src/engine/reference/gelu.ts.
 *
 * (1 + tanh z) / 2 is the logistic function of 2 z, computed from exp(-2 |z|), which cannot overflow.
 */
// inline
export function geluTanh(at: usize, values: usize, derivatives: usize): void {
  const one = constant(ONE);
  const scale = constant(TANH_SCALE);
  // unroll
  for (let i = 0; i < 2; ++i) {
    const u$i = v128.load(at, 16 * i);
    const square$i = f32x4.mul(u$i, u$i);
    const twoZ$i = f32x4.mul(f32x4.mul(u$i, scale), madd(square$i, constant(TANH_CUBIC), one));
    const e$i = exp2From(f32x4.mul(f32x4.abs(twoZ$i), constant(MINUS_LOG2_E)), constant(MIN_GAUSS));
    const large$i = f32x4.div(one, f32x4.add(e$i, one));
    const small$i = f32x4.mul(e$i, large$i);
    const logistic$i = v128.bitselect(small$i, large$i, i32x4.shr_s(twoZ$i, 31));
    v128.store(values, f32x4.mul(u$i, logistic$i), 16 * i);
    if (derivatives != 0) {
      // the derivative of the logistic function is logistic (1 - logistic) = small x large
      const rate$i = f32x4.mul(
        f32x4.mul(f32x4.mul(small$i, large$i), scale),
        madd(square$i, constant(TANH_CUBIC_3), one),
      );
      v128.store(derivatives, madd(u$i, rate$i, logistic$i), 16 * i);
    }
  }
}
