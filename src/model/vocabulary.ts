/**
 * The vocabulary and the layout of a sequence: the token at each position.
 *
 * ```
 * position  0 … 9   10   11 … 20   21   22 … 32          33, 34
 * token     a       +    b         =    sum, ones first  PAD (never read)
 * ```
 *
 * Position 21 + i predicts digit i of the sum, so positions 21 … 32 are the 12 query positions; the last one predicts the end
 * of the sequence.
 */

/** The text of each token; a token's id is its index here. */
export const VOCABULARY = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "+", "=", "<PAD>", "<EOS>"] as const;

export const PLUS = 10;
export const EQUALS = 11;
export const PAD = 12;
export const EOS = 13;

export const OPERAND_DIGITS = 10;
/** Digits of the sum, the leading carry included. */
export const SUM_DIGITS = 11;
/** Tokens of the prompt: ten digits, `+`, ten digits, `=`. */
export const PROMPT_LENGTH = 22;
/** The first position whose next token is predicted: that of `=`. */
export const FIRST_QUERY = 21;
/** Positions whose next token is predicted: 21 … 32. */
export const QUERIES = 12;
/** Positions that the model ever reads: 0 … 32. */
export const POSITIONS_READ = 33;
export const MAX_OPERAND = 9_999_999_999;

// the positions of a digit of a, of b and of the sum: digit 0 is the ones
export const positionOfA = (digit: number) => OPERAND_DIGITS - 1 - digit;
export const positionOfB = (digit: number) => 2 * OPERAND_DIGITS - digit;
export const positionOfSum = (digit: number) => FIRST_QUERY + 1 + digit;

/** The tokens that can ask for token 0 … 11 of a right answer: `=`, a digit of the sum, or its last, which is a carry. */
export function askingTokens(step: number): readonly number[] {
  return step === 0 ? [EQUALS] : step === SUM_DIGITS ? [0, 1] : [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
}

/** The digits of a number, zero-padded, ones first. */
export function digitsOf(value: number, count: number): number[] {
  const digits = new Array<number>(count);
  for (let i = 0; i < count; i++, value = Math.floor(value / 10)) digits[i] = value % 10;
  return digits;
}

/** The inverse of {@linkcode digitsOf}. */
export function numberOf(digits: readonly number[]): number {
  return digits.reduceRight((value, digit) => 10 * value + digit, 0);
}

/** The 22 tokens of `a + b =`, both zero-padded to ten digits, most significant first. */
export function promptTokens(a: number, b: number): number[] {
  const digits = (value: number) => digitsOf(value, OPERAND_DIGITS).reverse();
  return [...digits(a), PLUS, ...digits(b), EQUALS];
}

/** The 12 tokens that follow the prompt: the eleven digits of a + b, ones first, and the end of the sequence. */
export function targetTokens(a: number, b: number): number[] {
  return [...digitsOf(a + b, SUM_DIGITS), EOS];
}

/** The number that eleven tokens from `offset` on spell, ones first; NaN where one of them is not a digit. */
export function readSum(tokens: ArrayLike<number>, offset = 0): number {
  let sum = 0;
  for (let i = SUM_DIGITS - 1; i >= 0; i--) {
    const token = tokens[offset + i];
    if (token > 9) return NaN;
    sum = sum * 10 + token;
  }
  return sum;
}
