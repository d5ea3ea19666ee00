import { MAX_OPERAND } from "../model/vocabulary.ts";
import { MersenneTwister } from "./mersenne_twister.ts";

/** The verifier's edge cases, in its order; one of them is there twice. */
export const EDGE_CASES: readonly (readonly [a: number, b: number])[] = [
  ...[[0, 0], [0, 1], [9999999999, 0], [9999999999, 1], [9999999999, 9999999999], [5000000000, 5000000000]] as const,
  ...[[1111111111, 8888888889], [1234567890, 9876543210], [9999999999, 9999999999], [1, 9999999999]] as const,
];

const RANDOM_PAIRS = 10_000;

/**
 * The operands of the AdderBoard verifier: {@linkcode EDGE_CASES}, then 10,000 pairs of `randint(0, 9999999999)` from Python's
 * `random.Random(2025)`.
 *
 * @example Usage
 * ```ts ignore
 * const { exactMatch } = await evaluate(engine, adderBoardCases());
 * ```
 *
 * @returns 10,010 pairs, a0 b0 a1 b1 …
 */
export function adderBoardCases(): Float64Array {
  const random = new MersenneTwister([2025]);
  const operands = new Float64Array(2 * (EDGE_CASES.length + RANDOM_PAIRS));
  operands.set(EDGE_CASES.flat());
  for (let i = 2 * EDGE_CASES.length; i < operands.length; i++) operands[i] = random.below(MAX_OPERAND + 1);
  return operands;
}
