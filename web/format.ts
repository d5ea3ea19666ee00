import { OPERAND_DIGITS, SUM_DIGITS } from "../src/model/vocabulary.ts";

/** A share in percent, never rounded up to 100 or down to 0. */
export function percent(share: number): string {
  if (share === 0 || share === 1) return `${100 * share}%`;
  for (const digits of [1, 2, 3, 4]) {
    const text = (100 * share).toFixed(digits);
    if (Number(text) > 0 && Number(text) < 100) return `${text}%`;
  }
  return share > 0.5 ? "> 99.9999%" : "< 0.0001%";
}

/** Three significant digits, however small. */
export function short(value: number): string {
  return Math.abs(value) >= 0.001 ? Number(value.toPrecision(3)).toString() : value.toExponential(1);
}

export function powerOfTen(exponent: number): string {
  const digits = [...String(Math.abs(exponent))].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

const DIGIT_NAMES = ["ones", "tens", "hundreds", "thousands", ...[4, 5, 6, 7, 8, 9, 10].map(powerOfTen)];

/** The 12 steps of decoding, named by the digit that they write. */
export const STEP_NAMES: readonly string[] = [...DIGIT_NAMES, "end"];

const operandNames = (number: string) =>
  DIGIT_NAMES.slice(0, OPERAND_DIGITS).map((name) => `${number} ${name}`).reverse();

export const POSITION_NAMES: readonly string[] = [
  ...[...operandNames("the first number's"), "+", ...operandNames("the second number's"), "="],
  ...DIGIT_NAMES.map((name) => `the answer's ${name}`),
];

export const POSITION_GROUPS: readonly (readonly [label: string, positions: number])[] = [
  ["first number", OPERAND_DIGITS],
  ["+", 1],
  ["second number", OPERAND_DIGITS],
  ["=", 1],
  ["answer, ones first", SUM_DIGITS],
];
