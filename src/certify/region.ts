/**
 * Regions: sets of inputs that ask the model the same question.
 *
 * @module
 */
import { EOS, FIRST_QUERY, OPERAND_DIGITS, SUM_DIGITS } from "../model/vocabulary.ts";
import { ANY_DIGIT, positionOfA, positionOfB } from "./places.ts";

/**
 * All inputs whose digits lie in the sets of `digits`, and which are sums: the digits written so far are right, and so is `wanted`.
 */
export interface Region {
  /** Which token of the answer is asked for, 0 … 11. */
  readonly step: number;
  /** The token at the position that asks. */
  readonly token: number;
  /** The right answer. */
  readonly wanted: number;
  /** For each position the digits that may stand there, as bits; 1 where one token alone can. */
  readonly digits: Uint16Array;
  /** The least and the greatest that the attention's output may have along each of the query's axes, where the region is cut along one. */
  readonly box?: Float64Array;
}

/** The tokens that position 21 + step can hold in a right answer: `=`, a digit of the sum, or its last, which is a carry. */
export function tokensAt(step: number, equals: number): number[] {
  if (step === 0) return [equals];
  return Array.from({ length: step === SUM_DIGITS ? 2 : 10 }, (_, digit) => digit);
}

/**
 * What a step and the token that asks leave open, cut along the digits that the answer depends on: a and b at the place that is
 * asked for, and at the one before, which with the digit written there tells the carry. Each input that is a sum lies in one of them.
 */
export function regionsOf(step: number, token: number): Region[] {
  const free = freeRegion(step, token);
  if (step === SUM_DIGITS) return [{ ...free, wanted: EOS }];
  const regions: Region[] = [];
  const digits = step < OPERAND_DIGITS ? 10 : 1;
  const before = step > 0 ? 10 : 1;
  for (let a1 = 0; a1 < before; a1++) {
    for (let b1 = 0; b1 < before; b1++) {
      const carries = step === 0 ? [0] : [0, 1].flatMap((carryIn) => {
        if ((a1 + b1 + carryIn) % 10 !== token || (step === 1 && carryIn === 1)) return [];
        return [a1 + b1 + carryIn > 9 ? 1 : 0];
      });
      for (const carry of carries) {
        for (let a = 0; a < digits; a++) {
          for (let b = 0; b < digits; b++) {
            const cut = free.digits.slice();
            if (step < OPERAND_DIGITS) {
              cut[positionOfA(step)] = 1 << a;
              cut[positionOfB(step)] = 1 << b;
            }
            if (step > 0) {
              cut[positionOfA(step - 1)] = 1 << a1;
              cut[positionOfB(step - 1)] = 1 << b1;
            }
            regions.push({ step, token, wanted: step < OPERAND_DIGITS ? (a + b + carry) % 10 : carry, digits: cut });
          }
        }
      }
    }
  }
  return regions;
}

function freeRegion(step: number, token: number): Omit<Region, "wanted"> {
  const digits = new Uint16Array(FIRST_QUERY + step + 1).fill(ANY_DIGIT);
  digits[OPERAND_DIGITS] = 1;
  digits[FIRST_QUERY] = 1;
  digits[FIRST_QUERY + step] = 1;
  return { step, token, digits };
}
