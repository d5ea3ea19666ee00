import { MAX_OPERAND, OPERAND_DIGITS } from "../src/model/vocabulary.ts";
import { formatInteger } from "../src/common/format_value.ts";

/** Separators anywhere between digits, and commas or points before groups of three; one point alone would be a decimal one. */
const LOOSE_SEPARATORS = /[\s_'’]/g;
const GROUPED = /^\d{1,3}(?:(?:,\d{3})+|(?:\.\d{3}){2,})$/;

/** Reads a number as people write it, with or without separators. @returns The number, or in words why it cannot be added */
export function readOperand(text: string): number | string {
  const loose = text.replace(LOOSE_SEPARATORS, "");
  const digits = (GROUPED.test(loose) ? loose.replace(/[,.]/g, "") : loose).replace(/^0+(?=\d)/, "");
  if (!/^\d+$/.test(digits)) {
    const given = text.trim() === "" ? "The field is empty" : `“${text.trim()}” is none`;
    return `Write a whole number from 0 to ${formatInteger(MAX_OPERAND)}. ${given}.`;
  }
  if (digits.length <= OPERAND_DIGITS) return Number(digits);
  return `The model reads ten digits of each number, so the largest is ${formatInteger(MAX_OPERAND)}. ` +
    `${text.trim()} has ${digits.length} digits.`;
}
