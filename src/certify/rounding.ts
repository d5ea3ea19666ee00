/** One rounding to float32 changes a number by at most this share of it; a little more is taken, for products of such shares. */
export const FLOAT32 = 2 ** -24 + 2 ** -40;
/** The same for up to some thousand roundings to float64, as a share of the sum of the terms' sizes. */
export const FLOAT64 = 2 ** -40;
