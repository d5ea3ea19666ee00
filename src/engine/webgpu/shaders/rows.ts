/**
 * Vectors of seven and of fourteen numbers, matrices of the packed model times them, LayerNorm, and the outer products whose sums are gradients.
 * Needs `weights` and the constants of the packing.
 */
export const ROWS = /* wgsl */ `
// Seven numbers.
struct Row { a: vec4f, b: vec3f }
// Two of them, each a column.
struct Pair { a: mat2x4f, b: mat2x3f }
// Fourteen numbers and two zeros.
struct Hidden { a: vec4f, b: vec4f, c: vec4f, d: vec4f }
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
  return HiddenPair(mat2x4f(x.a, y.a), mat2x4f(x.b, y.b), mat2x4f(x.c, y.c), mat2x4f(x.d, y.d));
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
  return scaled(
    Row(
      dNormalized.a - shift.a - stretch * normed.normalized.a,
      dNormalized.b - shift.b - stretch * normed.normalized.b,
    ),
    normed.inverseDeviation,
  );
}
`;
