/**
 * Where the digits of a problem stand, by place: place 0 is the ones.
 *
 * @module
 */
import { FIRST_QUERY, OPERAND_DIGITS } from "../model/vocabulary.ts";

/** Digits that a position can hold. */
export const DIGITS = 10;
/** A set of digits as the bits of a number: all of them. */
export const ANY_DIGIT = 2 ** DIGITS - 1;

/** The position of digit `place` of a. */
export function positionOfA(place: number): number {
  return OPERAND_DIGITS - 1 - place;
}

/** The position of digit `place` of b. */
export function positionOfB(place: number): number {
  return 2 * OPERAND_DIGITS - place;
}

/** The position of digit `place` of the sum. */
export function positionOfSum(place: number): number {
  return FIRST_QUERY + 1 + place;
}
