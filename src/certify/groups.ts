/**
 * Groups: sets of inputs that ask the model the same question. docs/certificate.md, "Groups", says why every input lies in one of each step.
 */
import { EOS, OPERAND_DIGITS, SUM_DIGITS } from "../model/vocabulary.ts";
import type { OpenRegion } from "./types.ts";

const LARGEST_SUM = 18;

/** The inputs for which the token that asks, the sums of up to two pairs of digits and a carry are given. */
export interface Group {
  /** Which token of the answer is asked for, 0 … 11. */
  readonly step: number;
  /** The token at the position that asks. */
  readonly token: number;
  /** The right answer. */
  readonly target: number;
  /** The sums of the digits of a and b: at the place that is asked for and at the one before, where operands have such places. */
  readonly sums: readonly number[];
}

/** The inputs of a group that have given digits of a at the first of its tied places, and that lie in a cell if there is one. */
export interface Part {
  readonly group: Group;
  readonly fixed: readonly number[];
  readonly cell?: Cell;
}

/** The inputs of a part whose attention output lies between two numbers along each of six axes. */
export interface Cell {
  /** (6, 6), one a row, of length 1. */
  readonly axes: Float64Array;
  /** (6, 2). */
  readonly box: Float64Array;
}

const isPlace = (place: number) => place >= 0 && place < OPERAND_DIGITS;

/** The place of a group's first or second sum. */
export function tiedPlace(step: number, i: number): number {
  return Math.min(step, OPERAND_DIGITS - 1) - i;
}

/** The groups of a step and the token that asks; a certificate names them by their index. */
export function groupsOf(step: number, token: number): Group[] {
  const groups: Group[] = [];
  for (let before = 0; before <= (isPlace(step - 1) ? LARGEST_SUM : 0); before++) {
    for (let carry = 0; carry <= (step < 2 ? 0 : 1); carry++) {
      if (step > 0 && (before + carry) % 10 !== token) continue;
      for (let sum = 0; sum <= (isPlace(step) ? LARGEST_SUM : 0); sum++) {
        const target = step < SUM_DIGITS ? (sum + (before + carry > 9 ? 1 : 0)) % 10 : EOS;
        groups.push({ step, token, target, sums: [sum, before].filter((_, i) => isPlace(step - i)) });
      }
    }
  }
  return groups;
}

/** The parts of a part that each fix the digit of a at its next tied place; empty where all are fixed. */
export function refine({ group, fixed }: Part): Part[] {
  const sum = group.sums[fixed.length] ?? -1;
  const parts: Part[] = [];
  for (let digit = Math.max(0, sum - 9); digit <= Math.min(9, sum); digit++) {
    parts.push({ group, fixed: [...fixed, digit] });
  }
  return parts;
}

/** What is fixed of a step's inputs, as people read it. @param bound The lower bound of their margins */
export function describePart(step: number, fixed: readonly number[], bound: number): OpenRegion {
  const [a, b] = [0, 1].map(() => new Array<string>(OPERAND_DIGITS).fill("0123456789"));
  fixed.forEach((digit, i) => a[tiedPlace(step, i)] = String(digit));
  return { step, bound, a, b };
}
