// From the attention output to the loss and back: output projection, LayerNorm 2, feed-forward layer, final norm, tied output.
// `rows` counts the rows of the workspace to process: the 12 queries of one tile, or the same query of several tiles.
import { D, F, finalNorm, MATRIX_ROW, N, QUERIES, ROW14, ROW7 } from "./dimensions";
import { Folded, Slice, Tile } from "./layout";
import { geluErf, geluTanh, ln, LN_2, LOG2_E, storeExp2Softmax } from "./elementary";
import { linear14, linear7, normalize, normalizeBackward } from "./layers";
import { addTo, madd } from "./simd";
import { weightGradient, weightGradientRow } from "./sums";

/** x1 = x + projected o, then LayerNorm 2. */
export function projectionForward(w: usize, rows: i32): void {
  linear7(Folded.PROJECTION, w + Tile.O, ROW7, w + Tile.QX + ROW7, w + Tile.X1, ROW7, rows);
  for (let k = 0; k < rows; ++k) {
    normalize(w + Tile.X1 + k * ROW7, w + Tile.RSTD2 + k * 16, w + Tile.NORMALIZED2 + k * ROW7);
  }
}

/** u = w1 (normalized x1). */
export function hiddenForward(w: usize, rows: i32): void {
  linear7(Folded.W1, w + Tile.NORMALIZED2, ROW7, 0, w + Tile.U, ROW14, rows);
  linear7(Folded.W1 + 7 * MATRIX_ROW, w + Tile.NORMALIZED2, ROW7, 0, w + Tile.U + ROW7, ROW14, rows);
}

/** GELU of u; replaces u by the derivative of GELU unless `inference`. */
export function geluForward(w: usize, rows: i32, inference: bool): void { // inline
  const end = w + Tile.U + rows * ROW14;
  let value = w + Tile.GELU;
  for (let u = w + Tile.U; u < end; u += 32) {
    if (finalNorm) geluTanh(u, value, inference ? 0 : u);
    else geluErf(u, value, inference ? 0 : u);
    value += 32;
  }
}

/** From the attention output to the logits, without what the backward pass needs. */
export function inferLogits(w: usize, rows: i32): void {
  projectionForward(w, rows);
  hiddenForward(w, rows);
  geluForward(w, rows, true);
  logitsForward(w, rows);
}

/** The input of the output layer: x2, or its LayerNorm in the 777 variant. */
function outputInput(w: usize): usize { // inline
  return finalNorm ? w + Tile.NORMALIZED_F : w + Tile.X2;
}

/** x2 = x1 + gelu w2^T, the final norm if the variant has one, then the logits. */
export function logitsForward(w: usize, rows: i32): void {
  linear14(Folded.W2, w + Tile.GELU, w + Tile.X1, w + Tile.X2, rows);
  if (finalNorm) {
    for (let k = 0; k < rows; ++k) {
      normalize(w + Tile.X2 + k * ROW7, w + Tile.RSTD_F + k * 16, w + Tile.NORMALIZED_F + k * ROW7);
    }
  }
  const z = outputInput(w);
  linear7(Folded.OUTPUT, z, ROW7, 0, w + Tile.LOGITS, ROW14, rows);
  linear7(Folded.OUTPUT + 7 * MATRIX_ROW, z, ROW7, 0, w + Tile.LOGITS + ROW7, ROW14, rows);
}

// Cross-entropy of the 12 queries: adds the loss to the slice and replaces the logits by their gradient, softmax - one-hot, both
// summed over the targets. Must equal `crossEntropy` of src/engine/reference/softmax.ts.
// -log p = max - logit + log(sum). One logarithm serves the product of the 12 sums: each is in [1, 14], and 14^12 fits into a float.
export function crossEntropy(w: usize, slice: usize): void {
  const mask = v128.load(w + Tile.MASK);
  let loss = f32x4.splat(0);
  let product = f32x4.splat(1);
  const log2e = f32x4.splat(LOG2_E);
  for (let k = 0; k < QUERIES; ++k) {
    const logits = w + Tile.LOGITS + k * ROW14;
    const targets = w + Tile.TARGETS + k * 16;
    let even = v128.load(logits);
    let odd = v128.load(logits, 16);
    for (let r = 1; r < 7; ++r) { // unroll
      even = f32x4.pmax(even, v128.load(logits, 32 * r));
      odd = f32x4.pmax(odd, v128.load(logits, 32 * r + 16));
    }
    const maximum = f32x4.pmax(even, odd);
    // lanes that do not count have a target of -1
    let logit = f32x4.splat(0);
    for (let l = 0; l < 4; ++l) { // unroll
      const target$l = load<i32>(targets, 4 * l);
      if (target$l >= 0) logit = f32x4.replace_lane(logit, l, load<f32>(logits + target$l * 16, 4 * l));
    }
    loss = f32x4.add(loss, f32x4.sub(maximum, logit));
    let sum = f32x4.splat(0);
    for (let at = logits; at < logits + ROW14; at += 32) {
      const pair = storeExp2Softmax(
        f32x4.mul(f32x4.sub(v128.load(at), maximum), log2e),
        f32x4.mul(f32x4.sub(v128.load(at, 16), maximum), log2e),
        at,
      );
      sum = f32x4.add(sum, pair);
    }
    product = f32x4.mul(product, sum);
    const inverse = f32x4.div(mask, sum);
    for (let r = 0; r < 14; ++r) { // unroll
      v128.store(logits, f32x4.mul(v128.load(logits, 16 * r), inverse), 16 * r);
    }
    for (let l = 0; l < 4; ++l) { // unroll
      const at$l = logits + target$l * 16;
      if (target$l >= 0) store<f32>(at$l, load<f32>(at$l, 4 * l) - 1, 4 * l);
    }
  }
  addTo(slice + Slice.LOSS, f32x4.mul(f32x4.add(loss, ln(product)), mask));
}

/** From the gradient of the logits to that of x2, in DX2. */
export function logitsBackward(w: usize): void {
  linear14(Folded.OUTPUT_BACK, w + Tile.LOGITS, 0, w + Tile.DX2, QUERIES);
  if (!finalNorm) return;
  memory.fill(w + Tile.ZEROS, 0, ROW7);
  for (let k = 0; k < QUERIES; ++k) {
    const dx2 = w + Tile.DX2 + k * ROW7;
    normalizeBackward(dx2, w + Tile.NORMALIZED_F + k * ROW7, w + Tile.RSTD_F + k * 16, w + Tile.ZEROS, dx2);
  }
}

/** From the gradient of x2 to those of u (in U, which held the derivative of GELU) and of the input of w1 (in DNORMALIZED2). */
export function hiddenBackward(w: usize): void {
  const dgelu = w + Tile.DKV; // (12, 14)
  linear7(Folded.W2_BACK, w + Tile.DX2, ROW7, 0, dgelu, ROW14, QUERIES);
  linear7(Folded.W2_BACK + 7 * MATRIX_ROW, w + Tile.DX2, ROW7, 0, dgelu + ROW7, ROW14, QUERIES);
  for (let k = 0; k < QUERIES; ++k) {
    const u = w + Tile.U + k * ROW14;
    for (let r = 0; r < 14; ++r) { // unroll
      v128.store(u, f32x4.mul(v128.load(u, 16 * r), v128.load(dgelu + k * ROW14, 16 * r)), 16 * r);
    }
  }
  linear14(Folded.W1_BACK, w + Tile.U, 0, w + Tile.DNORMALIZED2, QUERIES);
}

/** From the gradients of x2 and of the input of w1 to those of x (replacing x in QX) and of the attention output: DO, DO_LN2, DO_DOT_O. */
export function projectionBackward(w: usize): void {
  for (let k = 0; k < QUERIES; ++k) {
    const dx = w + Tile.QX + ROW7 + k * ROW14;
    const du = w + Tile.DNORMALIZED2 + k * ROW7;
    normalizeBackward(du, w + Tile.NORMALIZED2 + k * ROW7, w + Tile.RSTD2 + k * 16, w + Tile.DX2 + k * ROW7, dx);
  }
  linear7(Folded.PROJECTION_BACK, w + Tile.QX + ROW7, ROW14, 0, w + Tile.DO, ROW14, QUERIES);
  const ln2 = f32x4.splat(LN_2);
  for (let k = 0; k < QUERIES; ++k) {
    const dout = w + Tile.DO + k * ROW14;
    const inverse = v128.load(w + Tile.INVERSE_SUM + k * 16);
    let dot = f32x4.splat(0);
    for (let c = 0; c < N; ++c) { // unroll
      const g$c = f32x4.mul(v128.load(dout, 16 * c), inverse);
      dot = madd(g$c, v128.load(w + Tile.O + k * ROW7, 16 * c), dot);
      v128.store(dout, g$c, 16 * c);
      v128.store(w + Tile.DO_LN2 + k * ROW14, f32x4.mul(g$c, ln2), 16 * c);
    }
    v128.store(w + Tile.DO_DOT_O + k * 16, f32x4.mul(dot, ln2));
  }
}

export function weightGradients(w: usize, slice: usize): void {
  weightGradient(w + Tile.LOGITS, outputInput(w), F / 2, slice + Slice.DOUTPUT);
  weightGradient(w + Tile.U, w + Tile.NORMALIZED2, F / 2, slice + Slice.DW1);
  // w2 is (7, 14): its gradient is summed as (14, 7), whose rows come in pairs
  weightGradient(w + Tile.GELU, w + Tile.DX2, F / 2, slice + Slice.DW2);
  const dx = w + Tile.QX + ROW7;
  weightGradient(dx, w + Tile.O, D / 2, slice + Slice.DPROJECTION);
  weightGradientRow(dx + 96, ROW14, w + Tile.O, ROW7, QUERIES, slice + Slice.DPROJECTION + 6 * ROW7);
}
