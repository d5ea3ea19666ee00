// The weight matrices in the order in which linear7 and linear14 read them: a row for each input, in it a float for each output. With them every linear
// layer, forward and backward, is one of two functions. The matrices of the flat vector have a row for each output, which is what the backward layers
// want: these are read where they are, but for wq and wproj, which find a place beside their transposes.
import {
  D,
  F,
  PACKED_KV,
  PACKED_PROJECTION,
  PACKED_Q,
  PACKED_TOK,
  PACKED_W1,
  PACKED_W2,
  PARAMETERS,
  PROJECTION,
  QKV,
  T,
  TOK,
  W1,
  W2,
} from "./layout";

/** Packs the weights; must be called after they changed. */
export function packWeights(): void {
  transpose(QKV, D, D, PACKED_Q, 14);
  copy(QKV, PACKED_Q + D * 4);
  transpose(QKV + 49, 2 * D, D, PACKED_KV, 14);
  transpose(PROJECTION, D, D, PACKED_PROJECTION, 14);
  copy(PROJECTION, PACKED_PROJECTION + D * 4);
  transpose(W1, F, D, PACKED_W1, 14);
  transpose(W2, D, F, PACKED_W2, 7);
  transpose(TOK, T, D, PACKED_TOK, 14);
}

/** Writes the transpose of a matrix (rows, columns) of the flat vector, with rows `stride` floats apart. */
function transpose(from: i32, rows: i32, columns: i32, to: usize, stride: i32): void {
  for (let r = 0; r < rows; ++r) {
    for (let c = 0; c < columns; ++c) {
      store<f32>(to + (c * stride + r) * 4, load<f32>(PARAMETERS + (from + r * columns + c) * 4));
    }
  }
}

/** Copies a matrix (7, 7) of the flat vector into rows 14 floats apart. */
function copy(from: i32, to: usize): void {
  for (let r = 0; r < D; ++r) memory.copy(to + r * 56, PARAMETERS + (from + r * D) * 4, D * 4);
}
