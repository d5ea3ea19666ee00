/**
 * What rounding may change. docs/certificate.md explains it under "Rounding".
 */

/** One rounding to float32 changes a number by at most this share of it; a little more is taken, for products of such shares. */
export const FLOAT32 = 2 ** -24 + 2 ** -40;
/** The same for a sum of up to some thousand float64 numbers, as a share of the sum of their sizes: 2^12 roundings of 2^-53, and more. */
export const FLOAT64 = 2 ** -40;
/** More than a product loses that is too small for float32, whose least step is 2^-149, times the factors that follow. */
export const UNDERFLOW = 2 ** -140;
