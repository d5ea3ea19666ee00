/**
 * Groups: sets of inputs that ask the model the same question. docs/certificate.md, "Groups", says why every input lies in one of each step.
 */
import { DIGITS } from "../engine/wasm/decoding_tables.ts";
import { EOS, FIRST_QUERY, OPERAND_DIGITS, positionOfA, SUM_DIGITS } from "../model/vocabulary.ts";

/** All digits, as the bits of a number. */
export const ANY_DIGIT = 2 ** DIGITS - 1;
const LARGEST_SUM = 18;

/** The inputs for which the token that asks, the sums of two pairs of digits and a carry are given. */
export interface Group {
  /** Which token of the answer is asked for, 0 … 11. */
  readonly step: number;
  /** The token at the position that asks. */
  readonly token: number;
  /** Its number among those of its step and token. */
  readonly number: number;
  /** The right answer. */
  readonly target: number;
  /** a_i + b_i at the place that is asked for; undefined at steps 10 and 11. */
  readonly sum?: number;
  /** a_(i-1) + b_(i-1) at the place before; undefined at steps 0 and 11. */
  readonly before?: number;
}

/** A part of a group: the digits that may stand at each position, as bits. */
export interface Part {
  readonly group: Group;
  readonly digits: Uint16Array;
  readonly cell?: Cell;
}

/** The inputs of a part whose attention output lies between two numbers along each of six axes. */
export interface Cell {
  /** (6, 6), one a row, of length 1. */
  readonly axes: Float64Array;
  /** (6, 2). */
  readonly box: Float64Array;
}

/** The groups of a step and the token that asks, in the order of their numbers. */
export function groupsOf(step: number, token: number): Group[] {
  if (step === SUM_DIGITS) return [{ step, token, number: 0, target: EOS }];
  const groups: Group[] = [];
  for (let before = 0; before <= (step === 0 ? 0 : LARGEST_SUM); before++) {
    for (let carry = 0; carry <= (step < 2 ? 0 : 1); carry++) {
      if (step > 0 && (before + carry) % 10 !== token) continue;
      const carryOut = step > 0 && before + carry > 9 ? 1 : 0;
      const own = step === 0 ? {} : { before };
      if (step === OPERAND_DIGITS) {
        groups.push({ step, token, number: groups.length, target: carryOut, ...own });
        continue;
      }
      for (let sum = 0; sum <= LARGEST_SUM; sum++) {
        groups.push({ step, token, number: groups.length, target: (sum + carryOut) % 10, sum, ...own });
      }
    }
  }
  return groups;
}

/** A group as a part. */
export function wholeGroup(group: Group): Part {
  return { group, digits: new Uint16Array(FIRST_QUERY + group.step + 1).fill(ANY_DIGIT) };
}

/** The place of the next digit of a that the group's sums tie and that is not settled, and its sum; undefined where all are settled. */
function nextTied({ group: { step, sum, before }, digits }: Part): readonly [place: number, sum: number] | undefined {
  if (sum !== undefined && digits[positionOfA(step)] === ANY_DIGIT) return [step, sum];
  if (before !== undefined && digits[positionOfA(step - 1)] === ANY_DIGIT) return [step - 1, before];
}

/** Whether {@linkcode refine} has no parts. */
export function isFinest(part: Part): boolean {
  return nextTied(part) === undefined;
}

/** Parts that each hold one digit at the position of a that the group's sums tie next; empty where all are settled. */
export function refine(part: Part): Part[] {
  const [place, sum] = nextTied(part) ?? [0, -1];
  const parts: Part[] = [];
  for (let digit = Math.max(0, sum - 9); digit <= Math.min(9, sum); digit++) {
    const digits = part.digits.slice();
    digits[positionOfA(place)] = 1 << digit;
    parts.push({ group: part.group, digits });
  }
  return parts;
}
