// Folded weights: two linear maps in a row are one matrix. A training step multiplies the small matrices once, so each example needs
// fewer and smaller products. The formulas are those of src/engine/reference, combined.
//
// Coordinates. The residual stream is kept as x' = R^T x, where the reflection R turns the mean into the last of seven coordinates.
// LayerNorm then drops that one and leaves u = r (x'_0 … x'_5) with r = (|x'_0…5|^2 / W + epsilon)^(-1/2). Its output,
// weight * normalized + bias, is a matrix times (u, 1): N = (diag(weight) R without its last column, bias).
//
// Attention. With q = Wq N1 (u, 1) and k = Wk N1 (u, 1), a score is q . k = (u, 1)^T (Wq N1)^T (Wk N1) (u_j, 1). Terms that do not
// depend on the key cancel in the softmax, so u_j itself is the key: query = C (u, 1), C = (Wk N1 without its last column)^T Wq N1.
// The attention weights sum to 1, so u_j is the value as well: the projection of sum_j p_j v_j is M (sum_j p_j u_j, 1) with
// M = Wproj Wv N1. A key has 6 numbers instead of 14.
//
// A narrow model of width W has its coordinates in the first W - 1 of the seven and in the last: others are 0 and get no gradient.
import { D, F, finalNorm, MATRIX_ROW, N, POSITIONS, ROW7, T, width } from "./dimensions";
import { Folded, GRADIENT, PARAMETERS, Slice, Slot, Tensor } from "./layout";
import { LOG2_E } from "./elementary";
import { madd, sumLanes } from "./simd";

/** softmax(q k / sqrt W) is computed as 2^(query u). */
function queryScale(): f32 {
  return LOG2_E * <f32> (1.0 / Math.sqrt(<f64> width));
}

// out = a b, of matrices (rows, 7) and (7, 7); added to what `out` holds if `more`. a: rows aRow and columns aColumn bytes apart, so it
// may be a transpose; b, out: rows MATRIX_ROW apart. Loads before the loop hoist bounds checks: see sums.ts.
function product(a: usize, aRow: usize, aColumn: usize, rows: i32, b: usize, out: usize, more: bool = false): void {
  for (let k = 0; k < 7; ++k) { // unroll
    v128.load(b, k * MATRIX_ROW);
    v128.load(b, k * MATRIX_ROW + 16);
  }
  for (let i = 0; i < rows; ++i) {
    let low = more ? v128.load(out) : f32x4.splat(0);
    let high = more ? v128.load(out, 16) : f32x4.splat(0);
    for (let k = 0; k < 7; ++k) { // unroll
      const factor$k = v128.load32_splat(a + k * aColumn);
      low = madd(factor$k, v128.load(b, k * MATRIX_ROW), low);
      high = madd(factor$k, v128.load(b, k * MATRIX_ROW + 16), high);
    }
    v128.store(out, low);
    v128.store(out, high, 16);
    a += aRow;
    out += MATRIX_ROW;
  }
}

/** Writes the transpose of a matrix (7, 7), its rows `stride` bytes apart. */
function transpose(from: usize, out: usize, stride: i32): void {
  for (let r = 0; r < D; ++r) {
    for (let c = 0; c < D; ++c) store<f32>(out + c * stride + r * 4, load<f32>(from + c * 4));
    from += MATRIX_ROW;
  }
}

// Writes R and its transpose: the reflection of the first W axes that swaps the mean's direction, (1, …, 1) / sqrt W, and axis
// W - 1 (Householder 1958, doi:10.1145/320941.320947), with column W - 1 moved to column 6.
export function writeReflection(): void {
  const c: f64 = 1.0 / Math.sqrt(<f64> width);
  const last = width - 1;
  memory.fill(Folded.REFLECTION, 0, 14 * MATRIX_ROW);
  for (let i = 0; i < width; ++i) {
    const v: f64 = i == last ? 1.0 - c : -c;
    for (let j = 0; j < width; ++j) {
      const delta: f64 = i == j ? 1.0 : 0.0;
      const element = <f32> (delta - v * (j == last ? 1.0 - c : -c) / (1.0 - c));
      const column = j == last ? N : j;
      store<f32>(Folded.REFLECTION + i * MATRIX_ROW + column * 4, element);
      store<f32>(Folded.REFLECTION_BACK + column * MATRIX_ROW + i * 4, element);
    }
  }
}

/** Writes the matrix N of a LayerNorm. */
function writeNorm(weight: i32, bias: i32, out: usize): void {
  for (let i = 0; i < D; ++i) {
    const factor = v128.load32_splat(PARAMETERS + (weight + i) * 4);
    const row: usize = out + i * MATRIX_ROW;
    v128.store(row, f32x4.mul(factor, v128.load(Folded.REFLECTION + i * MATRIX_ROW)));
    v128.store(row, f32x4.mul(factor, v128.load(Folded.REFLECTION + i * MATRIX_ROW, 16)), 16);
    store<f32>(row + N * 4, load<f32>(PARAMETERS + (bias + i) * 4));
  }
}

const KEY: usize = Folded.QKV + 7 * MATRIX_ROW;
const VALUE: usize = Folded.QKV + 14 * MATRIX_ROW;

/** Computes all folded matrices; call it whenever the weights have changed. */
export function foldWeights(): void {
  writeNorm(Tensor.LN1_WEIGHT, Tensor.LN1_BIAS, Folded.NORM1);
  writeNorm(Tensor.LN2_WEIGHT, Tensor.LN2_BIAS, Folded.NORM2);
  if (finalNorm) writeNorm(Tensor.LNF_WEIGHT, Tensor.LNF_BIAS, Folded.NORM_F);
  else memory.copy(Folded.NORM_F, Folded.REFLECTION, 7 * MATRIX_ROW);

  product(PARAMETERS + Tensor.QKV * 4, 28, 4, 3 * D, Folded.NORM1, Folded.QKV);
  for (let i = 0; i < D; ++i) store<f32>(KEY + i * MATRIX_ROW + N * 4, 0);
  product(KEY, 4, MATRIX_ROW, D, Folded.QKV, Folded.QUERY_BACK);
  const scale = f32x4.splat(queryScale());
  for (let at = Folded.QUERY_BACK; at < Folded.PROJECTION_BACK; at += 16) {
    v128.store(at, f32x4.mul(v128.load(at), scale));
  }
  product(PARAMETERS + Tensor.PROJECTION * 4, 28, 4, D, VALUE, Folded.PROJECTED_VALUE);
  product(Folded.REFLECTION_BACK, MATRIX_ROW, 4, D, Folded.PROJECTED_VALUE, Folded.PROJECTION_BACK);
  product(PARAMETERS + Tensor.W1 * 4, 28, 4, F, Folded.NORM2, Folded.W1_BACK);
  product(PARAMETERS + Tensor.W2 * 4, 4, 56, F, Folded.REFLECTION, Folded.W2);
  product(PARAMETERS + Tensor.TOK * 4, 28, 4, T, Folded.REFLECTION, Folded.TOK);
  product(PARAMETERS + Tensor.TOK * 4, 28, 4, T, Folded.NORM_F, Folded.OUTPUT_BACK);
  product(PARAMETERS + Tensor.POS * 4, 28, 4, POSITIONS, Folded.REFLECTION, Folded.POS);

  const transposes = Folded.QUERY - Folded.QUERY_BACK;
  for (let at = Folded.QUERY_BACK; at < Folded.QUERY; at += 7 * MATRIX_ROW) transpose(at, at + transposes, MATRIX_ROW);
}

/** Sums `rows` rows of seven vectors over their lanes and multiplies the sums by `scale`. */
function sumMatrix(vectors: usize, rows: i32, scale: f32, out: usize): void {
  for (let r = 0; r < rows; ++r) {
    for (let c = 0; c < D; ++c) store<f32>(out + c * 4, sumLanes(v128.load(vectors + c * 16)) * scale);
    vectors += ROW7;
    out += MATRIX_ROW;
  }
}

/** Backward of {@linkcode writeNorm}: from the gradient of N to those of weight and bias. */
function normGradient(dNorm: usize, weight: i32, bias: i32): void {
  for (let i = 0; i < D; ++i) {
    let sum: f32 = 0;
    for (let c = 0; c < N; ++c) {
      sum += load<f32>(dNorm + i * MATRIX_ROW + c * 4) * load<f32>(Folded.REFLECTION + i * MATRIX_ROW + c * 4);
    }
    store<f32>(GRADIENT + (weight + i) * 4, sum);
    store<f32>(GRADIENT + (bias + i) * 4, load<f32>(dNorm + i * MATRIX_ROW + N * 4));
  }
}

/** Backward of a n, of a tensor (rows, 7), rows a multiple of 7, and n (7, 7): writes da = dProduct n^T, and dn = a^T dProduct to `dn`. */
function productBackward(dProduct: usize, a: i32, rows: i32, n: usize, dn: usize, scratch: usize): void {
  transpose(n, scratch, MATRIX_ROW);
  const da = scratch + 8 * MATRIX_ROW;
  product(dProduct, MATRIX_ROW, 4, rows, scratch, da);
  for (let row = 0; row < rows; ++row) {
    const to: usize = GRADIENT + (a + row * D) * 4;
    // seven floats as two vectors that share the fourth
    v128.store(to, v128.load(da + row * MATRIX_ROW));
    v128.store(to, v128.load(da + row * MATRIX_ROW, 12), 12);
  }
  for (let row = 0; row < rows; row += 7) {
    product(PARAMETERS + (a + row * D) * 4, 4, 28, D, dProduct + row * MATRIX_ROW, dn, row > 0);
  }
}

// Backward of `foldWeights`: from the sums of a slice and of the slots, times `scale`, to the gradients of all tensors but the
// embeddings; of those it writes what comes from the output layer. `w`: room for matrices, 150 rows.
export function foldWeightsBackward(w: usize, slice: usize, scale: f32): void {
  const dNorm = w; // (7, 7)
  const d = dNorm + 8 * MATRIX_ROW; // (21, 7)
  const e = d + 24 * MATRIX_ROW; // (14, 7)
  const scratch = e + 16 * MATRIX_ROW; // (8 + 24, 7)
  memory.fill(w, 0, 80 * MATRIX_ROW);

  // query = scale key^T q: dq = scale key dquery, dkey = scale q dquery^T
  sumMatrix(Slot.DFOLDED_QUERY, N, scale * queryScale(), e);
  product(KEY, MATRIX_ROW, 4, D, e, d); // the seventh row of e is 0
  transpose(e, scratch, MATRIX_ROW);
  product(Folded.QKV, MATRIX_ROW, 4, D, scratch, d + 7 * MATRIX_ROW);
  // projection = R^T (wproj value): dwproj = R dprojection value^T, dvalue = wproj^T R dprojection
  sumMatrix(slice + Slice.DPROJECTION, D, scale, scratch);
  product(Folded.REFLECTION, MATRIX_ROW, 4, D, scratch, e);
  productBackward(e, Tensor.PROJECTION, D, VALUE, d + 14 * MATRIX_ROW, scratch);
  productBackward(d, Tensor.QKV, 3 * D, Folded.NORM1, dNorm, scratch);
  normGradient(dNorm, Tensor.LN1_WEIGHT, Tensor.LN1_BIAS);

  sumMatrix(slice + Slice.DW1, F, scale, e);
  productBackward(e, Tensor.W1, F, Folded.NORM2, dNorm, scratch);
  normGradient(dNorm, Tensor.LN2_WEIGHT, Tensor.LN2_BIAS);
  sumMatrix(slice + Slice.DW2, F, scale, e);
  product(e, MATRIX_ROW, 4, F, Folded.REFLECTION_BACK, d);
  transpose(d, GRADIENT + Tensor.W2 * 4, 56);
  transpose(d + 7 * MATRIX_ROW, GRADIENT + (Tensor.W2 + 7) * 4, 56);
  sumMatrix(slice + Slice.DOUTPUT, T, scale, e);
  productBackward(e, Tensor.TOK, T, Folded.NORM_F, dNorm, scratch);
  if (finalNorm) normGradient(dNorm, Tensor.LNF_WEIGHT, Tensor.LNF_BIAS);
}

/** Adds to the gradients of the embeddings, from those of x' (a row for each token, then for each position) times `scale`. */
export function embeddingGradients(rows: usize, scale: f32, scratch: usize): void {
  product(rows, MATRIX_ROW, 4, T + POSITIONS, Folded.REFLECTION_BACK, scratch);
  const factor = f32x4.splat(scale);
  let to: usize = GRADIENT + Tensor.TOK * 4;
  for (let r = 0; r < T + POSITIONS; ++r) {
    const low = madd(v128.load(scratch), factor, v128.load(to));
    const high = madd(v128.load(scratch, 12), factor, v128.load(to, 12));
    v128.store(to, low);
    v128.store(to, high, 12);
    scratch += MATRIX_ROW;
    to += D * 4;
  }
}
