import { FIRST_QUERY, OPERAND_DIGITS, POSITIONS_READ, SUM_DIGITS } from "../src/model/vocabulary.ts";
import { digitName } from "./format.ts";

/** The 12 steps of decoding, named by the digit that they write. */
export const STEP_NAMES: readonly string[] = [...Array.from({ length: SUM_DIGITS }, (_, i) => digitName(i)), "end"];

export const POSITION_NAMES: readonly string[] = Array.from({ length: POSITIONS_READ }, (_, position) => {
  if (position < OPERAND_DIGITS) return `the first number's ${digitName(OPERAND_DIGITS - 1 - position)}`;
  if (position === OPERAND_DIGITS) return "+";
  if (position < FIRST_QUERY) return `the second number's ${digitName(FIRST_QUERY - 1 - position)}`;
  return position === FIRST_QUERY ? "=" : `the answer's ${digitName(position - FIRST_QUERY - 1)}`;
});

export const POSITION_GROUPS: readonly (readonly [label: string, positions: number])[] = [
  ["first number", OPERAND_DIGITS],
  ["+", 1],
  ["second number", OPERAND_DIGITS],
  ["=", 1],
  ["answer, ones first", SUM_DIGITS],
];
