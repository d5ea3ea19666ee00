import { COEFFICIENTS as C } from "../../interface/coefficients.ts";

/** One statement for several variables of an invocation, by their names: those of an array might not stay in registers. */
export function each(names: string, statement: (name: string) => string): string {
  return [...names].map(statement).join("\n");
}

/** A polynomial of x by Horner's rule; coefficients from that of the highest power on. */
function polynomial(x: string, ...coefficients: readonly (number | string)[]): string {
  return coefficients.map(String).reduce((sum, coefficient) => `(${sum} * ${x} + ${coefficient})`);
}

/**
 * exp, ln and both forms of GELU, by the polynomials of assembly/elementary.ts: WGSL leaves the errors of its own functions to the adapter (exp may be
 * 3 + 2 |x| units in the last place off, and software adapters are), and has no erf. Then vectors of seven and of fourteen numbers, matrices of the packed
 * model times them, LayerNorm, and the outer products whose sums are gradients. Needs `weights`, `TANH` and the constants of the packing.
 */
export const VECTORS = /* wgsl */ `
const LOG2_E = 1.4426950408889634;
const LN_2 = 0.6931471805599453;

// Exponentials end where they no longer matter, so that no product of a few factors is a denormal number, which some processors are slow at: a softmax
// has a largest weight of 1, beside which 2^-40 is nothing in float32, and so is 2^-72 in GELU.
const LEAST_SHARE = f32(${C.MIN_SOFTMAX});
const LEAST_GAUSS = f32(${C.MIN_GAUSS});

// 2^x, relative error below 2e-7, with x < lowest taken for lowest; -126 <= lowest, x <= 127. n and f are found by \`round\`: adding 1.5 x 2^23 and taking
// it away again is what WGSL lets a compiler simplify.
fn exp2Of4(x: vec4f, lowest: f32) -> vec4f {
  let clamped = max(x, vec4f(lowest));
  let n = round(clamped);
  let f = clamped - n; // |f| <= 1/2
  let p = ${polynomial("f", C.EXP2_5, C.EXP2_4, C.EXP2_3, C.EXP2_2, C.EXP2_1, "1.0")};
  return p * bitcast<vec4f>((vec4i(n) + 127) << vec4u(23u));
}

fn exp2Of(x: f32, lowest: f32) -> f32 { return exp2Of4(vec4f(x), lowest).x; }

// Natural logarithm of x > 0, absolute error below 2e-7 x (1 + |ln x|): 2 artanh((m - 1) / (m + 1)) + e ln 2 with m in [0.7, 1.4].
fn lnOf(x: f32) -> f32 {
  let bits = bitcast<i32>(x);
  let exponent = (bits - 0x3f3504f3) >> 23u; // 0x3f3504f3 is sqrt(1/2): the mantissa lies around 1
  let m = bitcast<f32>(bits - (exponent << 23u));
  let z = (m - 1.0) / (m + 1.0);
  let z2 = z * z;
  return ${polynomial("z2", C.LN_7, C.LN_5, C.LN_3, "2.0")} * z + f32(exponent) * LN_2;
}

struct Gelu { value: vec4f, derivative: vec4f }

// GELU(u) = u Phi(u) and its derivative Phi(u) + u phi(u). Must equal \`gelu\` of src/engine/reference, as \`geluErf\` of assembly/elementary.ts.
fn geluErf(u: vec4f) -> Gelu {
  let gauss = exp2Of4(u * u * (-0.5 * LOG2_E), LEAST_GAUSS);
  let t = 1.0 / (abs(u) * ${C.PHI_SCALE} + 1.0);
  let tail = ${polynomial("t", C.PHI_7, C.PHI_6, C.PHI_5, C.PHI_4, C.PHI_3, C.PHI_2, C.PHI_1)} * t * gauss;
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
// Seven numbers.
struct Row { a: vec4f, b: vec3f }
// Two of them, each a column.
struct Pair { a: mat2x4f, b: mat2x3f }
// Fourteen numbers and two zeros.
alias Hidden = mat4x4f;
struct HiddenPair { a: mat2x4f, b: mat2x4f, c: mat2x4f, d: mat2x4f }
// Four rows of a matrix, or of its gradient: columns 0 … 3, columns 4 … 6.
struct Block { left: mat4x4f, right: mat3x4f }

fn plus(x: Row, y: Row) -> Row { return Row(x.a + y.a, x.b + y.b); }
fn times(x: Row, y: Row) -> Row { return Row(x.a * y.a, x.b * y.b); }
fn scaled(x: Row, factor: f32) -> Row { return Row(x.a * factor, x.b * factor); }
fn product(x: Row, y: Row) -> f32 { return dot(x.a, y.a) + dot(x.b, y.b); }
fn mean(x: Row) -> f32 { return (dot(x.a, vec4f(1.0)) + dot(x.b, vec3f(1.0))) / WIDTH; }
// A number at the coordinates of the model; 0 at those that only pad a narrow one.
fn everywhere(x: f32) -> Row { return Row(x * LANES_A, x * LANES_B); }

fn pair(x: Row, y: Row) -> Pair { return Pair(mat2x4f(x.a, y.a), mat2x3f(x.b, y.b)); }
fn row0(x: Pair) -> Row { return Row(x.a[0], x.b[0]); }
fn row1(x: Pair) -> Row { return Row(x.a[1], x.b[1]); }
fn plus2(x: Pair, y: Pair) -> Pair { return Pair(x.a + y.a, x.b + y.b); }
fn hiddenPair(x: Hidden, y: Hidden) -> HiddenPair {
  return HiddenPair(mat2x4f(x[0], y[0]), mat2x4f(x[1], y[1]), mat2x4f(x[2], y[2]), mat2x4f(x[3], y[3]));
}
fn hidden0(x: HiddenPair) -> Hidden { return Hidden(x.a[0], x.b[0], x.c[0], x.d[0]); }
fn hidden1(x: HiddenPair) -> Hidden { return Hidden(x.a[1], x.b[1], x.c[1], x.d[1]); }

fn vectorAt(at: u32) -> Row { return Row(weights[at], weights[at + 1u].xyz); }

fn blockAt(at: u32) -> Block {
  return Block(
    mat4x4f(weights[at], weights[at + 1u], weights[at + 2u], weights[at + 3u]),
    mat3x4f(weights[at + 4u], weights[at + 5u], weights[at + 6u]),
  );
}

// The linear layers must equal \`linear\` of src/engine/reference, and the other two the dx of \`linearBackward\`. An invocation does two queries at a
// time: what it loads of a matrix serves both.

fn fourRows(at: u32, x: Pair) -> mat2x4f {
  let block = blockAt(at);
  return block.left * x.a + block.right * x.b;
}

// In the forward pass this was: y = fourRows(at, x). Gives their part of dL/dx.
fn fourRowsBack(at: u32, dy: mat2x4f) -> Pair {
  let block = blockAt(at);
  return Pair(transpose(block.left) * dy, transpose(block.right) * dy);
}

// y = W x, W (7, 7)
fn linear7(at: u32, x: Pair) -> Pair {
  let b = fourRows(at + 7u, x);
  return Pair(fourRows(at, x), mat2x3f(b[0].xyz, b[1].xyz));
}

fn linear7Back(at: u32, dy: Pair) -> Pair {
  return plus2(fourRowsBack(at, dy.a), fourRowsBack(at + 7u, mat2x4f(vec4f(dy.b[0], 0.0), vec4f(dy.b[1], 0.0))));
}

// y = W x, W (14, 7)
fn linear14(at: u32, x: Pair) -> HiddenPair {
  return HiddenPair(fourRows(at, x), fourRows(at + 7u, x), fourRows(at + 14u, x), fourRows(at + 21u, x));
}

fn linear14Back(at: u32, dy: HiddenPair) -> Pair {
  return plus2(
    plus2(fourRowsBack(at, dy.a), fourRowsBack(at + 7u, dy.b)),
    plus2(fourRowsBack(at + 14u, dy.c), fourRowsBack(at + 21u, dy.d)),
  );
}

// sums + a b^T
fn withOuterProduct(sums: Block, a: vec4f, b: Row) -> Block {
  return Block(
    sums.left + mat4x4f(a * b.a.x, a * b.a.y, a * b.a.z, a * b.a.w),
    sums.right + mat3x4f(a * b.b.x, a * b.b.y, a * b.b.z),
  );
}

struct Normed { y: Row, normalized: Row, inverseDeviation: f32 }

// Must equal \`layerNorm\` of src/engine/reference.
fn layerNorm(x: Row, at: u32) -> Normed {
  let middle = everywhere(mean(x));
  let centred = Row(x.a - middle.a, x.b - middle.b);
  let inverseDeviation = 1.0 / sqrt(product(centred, centred) / WIDTH + LAYER_NORM_EPSILON);
  let normalized = scaled(centred, inverseDeviation);
  return Normed(plus(times(normalized, vectorAt(at)), vectorAt(at + 2u)), normalized, inverseDeviation);
}

// dL/dx; the gradients of weight and bias are the sums of dy * normalized and of dy. Must equal \`layerNormBackward\` of src/engine/reference.
fn layerNormBack(dy: Row, normed: Normed, at: u32) -> Row {
  let dNormalized = times(dy, vectorAt(at));
  let shift = everywhere(mean(dNormalized));
  let stretch = product(dNormalized, normed.normalized) / WIDTH;
  let a = dNormalized.a - shift.a - stretch * normed.normalized.a;
  let b = dNormalized.b - shift.b - stretch * normed.normalized.b;
  return scaled(Row(a, b), normed.inverseDeviation);
}
`;
