/**
 * exp, ln and both forms of GELU, by polynomials: WGSL leaves the errors of its own functions to the adapter (exp may be 3 + 2 |x| units in the last
 * place off, and software adapters are), and has no erf. These are the functions of assembly/elementary.ts.
 */

import { COEFFICIENTS as C } from "../../interface/coefficients.ts";

/** 2^x for one type of argument. n and f are found by `round`: adding 1.5 x 2^23 and taking it away again is what WGSL lets a compiler simplify. */
function exp2(name: string, float: string, int: string, uint: string): string {
  return /* wgsl */ `
// 2^x, relative error below 2e-7, with x < lowest taken for lowest; -126 <= lowest, x <= 127.
fn ${name}(x: ${float}, lowest: f32) -> ${float} {
  let clamped = max(x, ${float}(lowest));
  let n = round(clamped);
  let f = clamped - n; // |f| <= 1/2
  var p = f * ${C.EXP2_5} + ${C.EXP2_4};
  p = p * f + ${C.EXP2_3};
  p = p * f + ${C.EXP2_2};
  p = p * f + ${C.EXP2_1};
  p = p * f + 1.0;
  return p * bitcast<${float}>((${int}(n) + 127) << ${uint}(23u));
}
`;
}

/** The functions; they need the constant `TANH`. */
export const ELEMENTARY = /* wgsl */ `
const LOG2_E = 1.4426950408889634;
const LN_2 = 0.6931471805599453;

// Exponentials end where they no longer matter, so that no product of a few factors is a denormal number, which some processors are slow at: a softmax
// has a largest weight of 1, beside which 2^-40 is nothing in float32, and so is 2^-72 in GELU.
const LEAST_SHARE = f32(${C.MIN_SOFTMAX});
const LEAST_GAUSS = f32(${C.MIN_GAUSS});
${exp2("exp2Of", "f32", "i32", "u32")}
${exp2("exp2Of4", "vec4f", "vec4i", "vec4u")}
// Natural logarithm of x > 0, absolute error below 2e-7 x (1 + |ln x|): 2 artanh((m - 1) / (m + 1)) + e ln 2 with m in [0.7, 1.4].
fn lnOf(x: f32) -> f32 {
  let bits = bitcast<i32>(x);
  let exponent = (bits - 0x3f3504f3) >> 23u; // 0x3f3504f3 is sqrt(1/2): the mantissa lies around 1
  let m = bitcast<f32>(bits - (exponent << 23u));
  let z = (m - 1.0) / (m + 1.0);
  let z2 = z * z;
  var p = z2 * ${C.LN_7} + ${C.LN_5};
  p = p * z2 + ${C.LN_3};
  p = p * z2 + 2.0;
  return p * z + f32(exponent) * LN_2;
}

struct Gelu { value: vec4f, derivative: vec4f }

// GELU(u) = u Phi(u) and its derivative Phi(u) + u phi(u). Must equal \`gelu\` of src/engine/reference, as \`geluErf\` of assembly/elementary.ts.
fn geluErf(u: vec4f) -> Gelu {
  let gauss = exp2Of4(u * u * (-0.5 * LOG2_E), LEAST_GAUSS);
  let t = 1.0 / (abs(u) * ${C.PHI_SCALE} + 1.0);
  var r = t * ${C.PHI_7} + ${C.PHI_6};
  r = r * t + ${C.PHI_5};
  r = r * t + ${C.PHI_4};
  r = r * t + ${C.PHI_3};
  r = r * t + ${C.PHI_2};
  r = r * t + ${C.PHI_1};
  let tail = r * t * gauss;
  let phi = select(1.0 - tail, tail, u < vec4f());
  return Gelu(u * phi, u * gauss * ${C.INVERSE_SQRT_2PI} + phi);
}

// GELU(u) = u / 2 (1 + tanh(c (u + 0.044715 u^3))), c = sqrt(2 / pi): (1 + tanh z) / 2 is the logistic function of 2 z, from exp(-2 |z|).
fn geluTanh(u: vec4f) -> Gelu {
  let square = u * u;
  let twoZ = u * ${C.TANH_SCALE} * (square * ${C.TANH_CUBIC} + 1.0);
  let e = exp2Of4(abs(twoZ) * -LOG2_E, LEAST_GAUSS);
  let large = 1.0 / (e + 1.0);
  let small = e * large;
  let logistic = select(large, small, twoZ < vec4f());
  // the derivative of the logistic function is logistic (1 - logistic) = small x large
  let rate = small * large * ${C.TANH_SCALE} * (square * ${C.TANH_CUBIC_3} + 1.0);
  return Gelu(u * logistic, u * rate + logistic);
}

fn gelu(u: vec4f) -> Gelu {
  if (TANH) { return geluTanh(u); }
  return geluErf(u);
}
`;
