import { checkWord, philox4x32 } from "../model/philox.ts";
import { DOMAINS } from "../model/sampler.ts";
import type { Operands } from "../model/problem.ts";
import { MAX_OPERAND, OPERAND_DIGITS } from "../model/vocabulary.ts";
import { EDGE_CASES } from "./adderboard.ts";

type DigitPair = readonly [a: number, b: number];

const ALL_PAIRS: readonly DigitPair[] = Array.from({ length: 100 }, (_, i) => [Math.floor(i / 10), i % 10]);
/** Digits that pass a carry on and make none. */
const PROPAGATE = ALL_PAIRS.filter(([a, b]) => a + b === 9);
/** Digits that make a carry with any carry from before. */
const GENERATE = ALL_PAIRS.filter(([a, b]) => a + b > 9);
/** Digits that make no carry with any carry from before. */
const KILL = ALL_PAIRS.filter(([a, b]) => a + b < 9);
const NOT_PROPAGATE = [...GENERATE, ...KILL];

/** All runs of digits that propagate, of every length 1 … 10 from every digit on; digit 0 is the ones. */
const RUNS = Array.from({ length: OPERAND_DIGITS }, (_, i) => i + 1).flatMap((length) =>
  Array.from({ length: OPERAND_DIGITS - length + 1 }, (_, start) => ({ start, length }))
);
/** The runs into which a carry can come: those with a digit below. */
const RUNS_WITH_CARRY = RUNS.filter(({ start }) => start > 0);

/**
 * Problems that are hard to add: first a fixed list (all-9s with powers of ten and with each other, halves that meet, the AdderBoard's
 * edge cases; no pair twice), then carry chains: runs of digits that sum to 9, of every length 1 … 10 from every digit on in turn, every
 * second one with a carry coming in. A chain ends where its run ends: the digits above never sum to 9, and the digits below, where
 * no carry is to come in, sum to less. All other digits are random.
 *
 * @throws {RangeError} If `count` is not a whole number >= 0 or `seed` not one in [0, 2^32)
 */
export function hardCases({ count, seed }: { count: number; seed: number }): Operands {
  checkWord("draw hard cases", "count", count);
  checkWord("draw hard cases", "seed", seed);
  const operands = new Float64Array(2 * count);
  const fixed = structuredCases().slice(0, count);
  operands.set(fixed.flat());
  for (let i = 0; i < count - fixed.length; i++) operands.set(carryChain(i, seed), 2 * (fixed.length + i));
  return operands;
}

/** Chain `i` of a seed: even ones have a carry coming in, odd ones have none. */
function carryChain(i: number, seed: number): DigitPair {
  const carryIn = i % 2 === 0;
  const runs = carryIn ? RUNS_WITH_CARRY : RUNS;
  const { start, length } = runs[Math.floor(i / 2) % runs.length];

  let words: Uint32Array = new Uint32Array();
  let [a, b] = [0, 0];
  for (let digit = 0; digit < OPERAND_DIGITS; digit++) {
    if (digit % 4 === 0) words = philox4x32([i, digit / 4, 0, 0], [seed, DOMAINS.hard]);
    let choices = ALL_PAIRS;
    if (digit >= start && digit < start + length) choices = PROPAGATE;
    else if (digit === start - 1) choices = carryIn ? GENERATE : KILL;
    else if (digit === start + length) choices = NOT_PROPAGATE;
    const [digitOfA, digitOfB] = choices[Math.floor(words[digit % 4] * choices.length / 2 ** 32)];
    a += digitOfA * 10 ** digit;
    b += digitOfB * 10 ** digit;
  }
  return [a, b];
}

function structuredCases(): DigitPair[] {
  const powers = Array.from({ length: OPERAND_DIGITS }, (_, digit) => 10 ** digit); // 1 … 1000000000
  const nines = powers.map((power) => 10 * power - 1); // 9 … 9999999999
  const cases: DigitPair[] = [...EDGE_CASES];
  for (const nine of nines) {
    for (const power of powers) {
      for (const other of [power, 5 * power, power - 1, MAX_OPERAND]) cases.push([nine, other], [other, nine]);
    }
  }
  for (const power of powers) cases.push([power, power], [5 * power, 5 * power], [power, MAX_OPERAND - power]);
  return [...new Map(cases.map((pair) => [pair.join("+"), pair])).values()];
}
