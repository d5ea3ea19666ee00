// Sizes of the model and of the rows that the kernels work on, and the variant of the model.

export const D = 7; // width of the residual stream
export const F = 14; // width of the feed-forward layer
export const T = 14; // tokens of the vocabulary
export const N = 6; // coordinates of the residual stream that LayerNorm keeps: all but the mean
export const QUERIES = 12; // query positions 21 … 32
export const POSITIONS = 33; // positions that the model reads: 0 … 32
export const KEYS = POSITIONS + 1; // keys are processed in pairs, so there is a last one of zeros that no query sees
export const PROMPT = 22; // positions of the prompt, 0 … 21, which every query sees
export const PLUS_POSITION = 10;
export const FIRST_QUERY = 21; // the position of `=`

export const PLUS = 10;
export const EQUALS = 11;
export const EOS = 13;

// Bytes of a row of six, seven or fourteen `v128`.
export const ROW6 = 96;
export const ROW7 = 112;
export const ROW14 = 224;
/** Bytes of a row of a matrix of floats: at most seven columns, and one that is 0. */
export const MATRIX_ROW = 32;

// A narrow model is a 7x14 model whose other weights are 0 and stay 0, because their gradients are 0.
export let width: i32 = D; // the part of the residual stream that is in use
export let hidden: i32 = F; // the part of the feed-forward layer that is in use
/** Whether there is a final LayerNorm before the output layer, and the tanh form of GELU, as in the 777 variant. */
export let finalNorm: bool = false;

export function chooseVariant(w: i32, h: i32, norm: bool): void {
  width = w;
  hidden = h;
  finalNorm = norm;
}
