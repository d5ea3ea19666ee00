import { MAX_OPERAND } from "../model/vocabulary.ts";
import { MersenneTwister } from "./mersenne_twister.ts";

/** The verifier's edge cases, in its order; one of them is there twice. */
export const EDGE_CASES: readonly (readonly [a: number, b: number])[] = [
  ...[[0, 0], [0, 1], [9999999999, 0], [9999999999, 1], [9999999999, 9999999999], [5000000000, 5000000000]] as const,
  ...[[1111111111, 8888888889], [1234567890, 9876543210], [9999999999, 9999999999], [1, 9999999999]] as const,
];

const RANDOM_PAIRS = 10_000;

/** The operands a0 b0 a1 b1 … of the AdderBoard's verifier: its edge cases, then 10,000 pairs as Python's `random.Random(2025)` draws them. */
export function adderBoardCases(): Float64Array {
  const random = new MersenneTwister([2025]);
  const operands = new Float64Array(2 * (EDGE_CASES.length + RANDOM_PAIRS));
  operands.set(EDGE_CASES.flat());
  for (let i = 2 * EDGE_CASES.length; i < operands.length; i++) operands[i] = random.below(MAX_OPERAND + 1);
  return operands;
}
