// Four lanes at once: multiply-add, exp, log, GELU, transposition.
import { CONSTANTS } from "./layout";

/** a * b + c. The only place where the `exact` and the `fast` module differ: one rounding instead of two, where the machine can. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/** c - a * b. */
// @ts-ignore: decorator
@inline
export function nmadd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_nmadd(a, b, c) : f32x4.sub(c, f32x4.mul(a, b));
}

/** One float in all four lanes. */
// @ts-ignore: decorator
@inline
export function splatAt(address: usize): v128 {
  return v128.load32_splat(address);
}

export const LOG2_E: f32 = 1.4426950408889634;
export const LN_2: f32 = 0.6931471805599453;

// Constants live in memory, four times each: V8 builds a `v128.const` anew at every use, three instructions, where a load is one (measured:
// training WASMGAIN faster).
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

// @ts-ignore: decorator
@inline
function constant(index: i32): v128 {
  return v128.load(CONSTANTS + 16 * index);
}

// @ts-ignore: decorator
@inline
function setConstant(index: i32, value: f32): void {
  v128.store(CONSTANTS + 16 * index, f32x4.splat(value));
}

/** Writes the table of constants; must be called once per memory. */
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
}

/**
 * 2^x, relative error below 2e-7; x <= 127, and x < -126 counts as -126.
 *
 * x = n + f with |f| <= 1/2: adding 1.5 x 2^23 rounds to n and leaves it in the low bits, from where a shift moves it into the
 * exponent. The polynomial is the minimax one for 2^f, degree 5, fitted with the constant term held at 1.
 */
// @ts-ignore: decorator
@inline
export function exp2(x: v128): v128 {
  const clamped = f32x4.pmax(constant(MIN_EXPONENT), x);
  const shifted = f32x4.add(clamped, constant(ROUNDER));
  const f = f32x4.sub(clamped, f32x4.sub(shifted, constant(ROUNDER)));
  let p = madd(f, constant(EXP2_5), constant(EXP2_4));
  p = madd(p, f, constant(EXP2_3));
  p = madd(p, f, constant(EXP2_2));
  p = madd(p, f, constant(EXP2_1));
  p = madd(p, f, constant(ONE));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** Natural logarithm of x > 0, absolute error below 2e-7 x (1 + |ln x|): 2 artanh((m - 1) / (m + 1)) + e ln 2 with m in [0.7, 1.4]. */
// @ts-ignore: decorator
@inline
export function ln(x: v128): v128 {
  // 0x3f3504f3 is sqrt(1/2): subtracting it first makes the mantissa lie around 1
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
 * GELU(u) = u Phi(u) by the error function, and its derivative Phi(u) + u phi(u); stores both.
 * Must equal `geluErf` of src/engine/reference.
 *
 * Phi(-|u|) = exp(-u^2 / 2) R(t), t = 1 / (1 + 0.26 |u|), with R the minimax polynomial of degree 7 for the relative error on
 * 0 <= |u| <= 10 (3e-7): no cancellation in the tail.
 */
// @ts-ignore: decorator
@inline
export function geluErf(u: v128, value: usize, derivative: usize): void {
  const magnitude = f32x4.abs(u);
  const gauss = exp2(f32x4.mul(f32x4.mul(u, u), constant(HALF_LOG2_E)));
  const t = f32x4.div(constant(ONE), madd(magnitude, constant(PHI_SLOPE), constant(ONE)));
  let r = madd(t, constant(PHI_7), constant(PHI_6));
  r = madd(r, t, constant(PHI_5));
  r = madd(r, t, constant(PHI_4));
  r = madd(r, t, constant(PHI_3));
  r = madd(r, t, constant(PHI_2));
  r = madd(r, t, constant(PHI_1));
  const tail = f32x4.mul(f32x4.mul(r, t), gauss);
  const negative = i32x4.shr_s(u, 31);
  const phi = v128.bitselect(tail, f32x4.sub(constant(ONE), tail), negative);
  v128.store(value, f32x4.mul(u, phi));
  v128.store(derivative, madd(f32x4.mul(u, gauss), constant(INVERSE_SQRT_2PI), phi));
}

/**
 * GELU(u) = u / 2 (1 + tanh(c (u + 0.044715 u^3))), c = sqrt(2 / pi), and its derivative; stores both.
 * Must equal `geluTanh` of src/engine/reference.
 *
 * (1 + tanh z) / 2 is the logistic function of 2 z, computed from exp(-2 |z|), which cannot overflow.
 */
// @ts-ignore: decorator
@inline
export function geluTanh(u: v128, value: usize, derivative: usize): void {
  const u2 = f32x4.mul(u, u);
  const twoZ = f32x4.mul(
    f32x4.mul(u, constant(TANH_SCALE)),
    madd(u2, constant(TANH_CUBIC), constant(ONE)),
  );
  const e = exp2(f32x4.mul(f32x4.abs(twoZ), constant(MINUS_LOG2_E)));
  const large = f32x4.div(constant(ONE), f32x4.add(e, constant(ONE)));
  const small = f32x4.mul(e, large);
  const logistic = v128.bitselect(small, large, i32x4.shr_s(twoZ, 31));
  v128.store(value, f32x4.mul(u, logistic));
  // the derivative of the logistic function is logistic (1 - logistic) = small x large
  const slope = f32x4.mul(
    f32x4.mul(f32x4.mul(small, large), constant(TANH_SCALE)),
    madd(u2, constant(TANH_CUBIC_3), constant(ONE)),
  );
  v128.store(derivative, madd(u, slope, logistic));
}

/** Stores the transpose of four vectors: lane i of a, b, c, d becomes the vector at to + i * stride. */
// @ts-ignore: decorator
@inline
export function storeTransposed(a: v128, b: v128, c: v128, d: v128, to: usize, stride: usize): void {
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
  v128.store(to + stride, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
  const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(to + 2 * stride, v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5));
  v128.store(to + 3 * stride, v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7));
}

/** Adds lane i of a, b, c, d as a vector to the one at to_i. */
// @ts-ignore: decorator
@inline
export function addTransposed(
  a: v128,
  b: v128,
  c: v128,
  d: v128,
  to0: usize,
  to1: usize,
  to2: usize,
  to3: usize,
  offset: usize,
): void {
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const ab2 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd2 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  // one after the other: two lanes may name the same row
  addTo(to0 + offset, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
  addTo(to1 + offset, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
  addTo(to2 + offset, v128.shuffle<f32>(ab2, cd2, 0, 1, 4, 5));
  addTo(to3 + offset, v128.shuffle<f32>(ab2, cd2, 2, 3, 6, 7));
}

/** Adds a vector to the one in memory. */
// @ts-ignore: decorator
@inline
export function addTo(address: usize, value: v128): void {
  v128.store(address, f32x4.add(v128.load(address), value));
}

/** The sum of the four lanes, always in the same order. */
// @ts-ignore: decorator
@inline
export function sumLanes(a: v128): f32 {
  return (f32x4.extract_lane(a, 0) + f32x4.extract_lane(a, 1)) + (f32x4.extract_lane(a, 2) + f32x4.extract_lane(a, 3));
}

/**
 * Layer normalization of one row of seven vectors. Must equal `layerNorm` of src/engine/reference, four rows at a time.
 *
 * x, normalized, y: (7, lanes); rstd: (lanes), 1 / sqrt(variance + epsilon); weight, bias: 7 floats.
 * Two passes over the seven registers instead of Welford: nothing is reloaded.
 */
// @ts-ignore: decorator
@inline
export function layerNorm(
  x: usize,
  weight: usize,
  bias: usize,
  epsilon: v128,
  normalized: usize,
  rstd: usize,
  y: usize,
): void {
  let sum = v128.load(x);
  // unroll
  for (let c = 1; c < D; ++c) {
    sum = f32x4.add(sum, v128.load(x + 16 * c));
  }
  const mean = f32x4.mul(sum, f32x4.splat(1.0 / 7.0));
  let squares = f32x4.splat(0);
  // unroll
  for (let c = 0; c < D; ++c) {
    const d$c = f32x4.sub(v128.load(x + 16 * c), mean);
    squares = madd(d$c, d$c, squares);
  }
  const r = f32x4.div(f32x4.splat(1.0), f32x4.sqrt(madd(squares, f32x4.splat(1.0 / 7.0), epsilon)));
  v128.store(rstd, r);
  // unroll
  for (let c = 0; c < D; ++c) {
    const n$c = f32x4.mul(d$c, r);
    v128.store(normalized + 16 * c, n$c);
    v128.store(y + 16 * c, madd(n$c, splatAt(weight + 4 * c), splatAt(bias + 4 * c)));
  }
}

/**
 * Backward of {@linkcode layerNorm}: stores base + dL/dx, and adds dL/dweight and dL/dbias to two rows of seven vectors.
 *
 * forward: y = normalized * weight + bias, normalized = (x - mean) * rstd. With g = dy * weight:
 * dx = rstd * (g - mean(g) - normalized * mean(g * normalized)).
 *
 * dy, base, out: (7, lanes); `base` may be `out`; dWeight, dBias: (7, lanes).
 */
// @ts-ignore: decorator
@inline
export function layerNormBackward(
  dy: usize,
  normalized: usize,
  rstd: usize,
  weight: usize,
  base: usize,
  out: usize,
  dWeight: usize,
  dBias: usize,
): void {
  let sum = f32x4.splat(0);
  let dot = f32x4.splat(0);
  // unroll
  for (let c = 0; c < D; ++c) {
    const dy$c = v128.load(dy + 16 * c);
    const n$c = v128.load(normalized + 16 * c);
    addTo(dBias + 16 * c, dy$c);
    addTo(dWeight + 16 * c, f32x4.mul(dy$c, n$c));
    const g$c = f32x4.mul(dy$c, splatAt(weight + 4 * c));
    sum = f32x4.add(sum, g$c);
    dot = madd(g$c, n$c, dot);
  }
  const r = v128.load(rstd);
  const meanG = f32x4.mul(sum, f32x4.splat(1.0 / 7.0));
  const meanDot = f32x4.mul(dot, f32x4.splat(1.0 / 7.0));
  // unroll
  for (let c = 0; c < D; ++c) {
    const dx$c = f32x4.sub(nmadd(v128.load(normalized + 16 * c), meanDot, g$c), meanG);
    v128.store(out + 16 * c, madd(dx$c, r, v128.load(base + 16 * c)));
  }
}

/**
 * Seven outputs of a linear layer with seven inputs: out[m] = start[m] + sum_n weight[m * mStride + n * nStride] * x[n].
 *
 * x: (7, lanes); out, start: (7, lanes), `start` 0 for none; weight in floats. One accumulator register per output: seven
 * independent chains hide the latency of an addition, and each input is loaded once for seven products. `weight` and the strides
 * must be constants: with a constant address V8 loads and splats a weight in one instruction.
 */
// @ts-ignore: decorator
@inline
export function linear7(weight: usize, mStride: usize, nStride: usize, x: usize, start: usize, out: usize): void {
  // unroll
  for (let m = 0; m < 7; ++m) {
    let acc$m = start == 0 ? f32x4.splat(0) : v128.load(start + 16 * m);
  }
  // unroll
  for (let n = 0; n < 7; ++n) {
    const x$n = v128.load(x + 16 * n);
    // unroll
    for (let m = 0; m < 7; ++m) {
      acc$m = madd(x$n, splatAt(weight + 4 * (m * mStride + n * nStride)), acc$m);
    }
  }
  // unroll
  for (let m = 0; m < 7; ++m) {
    v128.store(out + 16 * m, acc$m);
  }
}

/** {@linkcode linear7} with fourteen inputs. */
// @ts-ignore: decorator
@inline
export function linear14(weight: usize, mStride: usize, nStride: usize, x: usize, start: usize, out: usize): void {
  // unroll
  for (let m = 0; m < 7; ++m) {
    let acc$m = start == 0 ? f32x4.splat(0) : v128.load(start + 16 * m);
  }
  // unroll
  for (let n = 0; n < 14; ++n) {
    const x$n = v128.load(x + 16 * n);
    // unroll
    for (let m = 0; m < 7; ++m) {
      acc$m = madd(x$n, splatAt(weight + 4 * (m * mStride + n * nStride)), acc$m);
    }
  }
  // unroll
  for (let m = 0; m < 7; ++m) {
    v128.store(out + 16 * m, acc$m);
  }
}

/**
 * The gradient of one row of a weight matrix: acc[c] += sum_k d[k] * x[k][c], c < 7, over `count` queries or groups.
 *
 * d, x: one vector, seven vectors every dStride, xStride bytes; acc: (7, lanes).
 */
// @ts-ignore: decorator
@inline
export function outerProduct7(d: usize, dStride: usize, x: usize, xStride: usize, count: i32, acc: usize): void {
  // unroll
  for (let c = 0; c < D; ++c) {
    let acc$c = v128.load(acc + 16 * c);
  }
  for (let k = 0; k < count; ++k) {
    const dk = v128.load(d);
    // unroll
    for (let c = 0; c < D; ++c) {
      acc$c = madd(dk, v128.load(x + 16 * c), acc$c);
    }
    d += dStride;
    x += xStride;
  }
  // unroll
  for (let c = 0; c < D; ++c) {
    v128.store(acc + 16 * c, acc$c);
  }
}
