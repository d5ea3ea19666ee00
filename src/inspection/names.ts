import { FIRST_QUERY, OPERAND_DIGITS, PAD, VOCABULARY } from "../model/vocabulary.ts";

/** `a3`, `+`, `b0`, `=`, or `s2` for a digit of the sum; 0 is the ones. */
export function positionName(position: number): string {
  if (position < OPERAND_DIGITS) return `a${OPERAND_DIGITS - 1 - position}`;
  if (position === OPERAND_DIGITS) return "+";
  if (position < FIRST_QUERY) return `b${FIRST_QUERY - 1 - position}`;
  return position === FIRST_QUERY ? "=" : `s${position - FIRST_QUERY - 1}`;
}

export const TOKEN_NAMES: readonly string[] = [...VOCABULARY.slice(0, PAD), "pad", "end"];
