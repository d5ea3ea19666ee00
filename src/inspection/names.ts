import { OPERAND_DIGITS, PAD, SUM_DIGITS, VOCABULARY } from "../model/vocabulary.ts";

const digits = (letter: string, count: number) => Array.from({ length: count }, (_, digit) => `${letter}${digit}`);
const [A, B] = ["a", "b"].map((letter) => digits(letter, OPERAND_DIGITS).reverse());

/** The names of the positions that the model reads: `a3`, `+`, `b0`, `=`, or `s2` for a digit of the sum; 0 is the ones. */
export const POSITION_NAMES: readonly string[] = [...A, "+", ...B, "=", ...digits("s", SUM_DIGITS)];
export const TOKEN_NAMES: readonly string[] = [...VOCABULARY.slice(0, PAD), "pad", "end"];
