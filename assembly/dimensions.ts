// Sizes of the model and of the rows that the kernels work on.

/** Width of the residual stream. */
export const D = 7;
/** Width of the feed-forward layer. */
export const F = 14;
/** Tokens of the vocabulary. */
export const T = 14;
/** Coordinates of the residual stream that LayerNorm keeps: all but the mean. */
export const N = 6;
/** Query positions 21 … 32. */
export const QUERIES = 12;
/** Positions that the model reads: 0 … 32. */
export const POSITIONS = 33;
/** Keys are processed in pairs, so there is a last one of zeros that no query sees. */
export const KEYS = POSITIONS + 1;
/** Positions of the prompt, 0 … 21, which every query sees. */
export const PROMPT = 22;
export const PLUS_POSITION = 10;
/** The position of `=`, the first query. */
export const FIRST_QUERY = 21;

export const PLUS = 10;
export const EQUALS = 11;
export const EOS = 13;

/** Bytes of a row of six, seven or fourteen `v128`. */
export const ROW6 = 96;
export const ROW7 = 112;
export const ROW14 = 224;
/** Bytes of a row of a matrix of floats: at most seven columns, and one that is 0. */
export const MATRIX_ROW = 32;
