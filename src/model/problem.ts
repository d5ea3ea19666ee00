import { formatValue } from "../common/format_value.ts";
import { MAX_OPERAND } from "./vocabulary.ts";

/** Two whole numbers in [0, 9999999999] to add. */
export interface Problem {
  /** The first operand. */
  readonly a: number | bigint;
  /** The second operand. */
  readonly b: number | bigint;
}

/** The operands of n problems, a0 b0 a1 b1 …: length 2 n, whole numbers in [0, 9999999999], which a double holds exactly. */
export type Operands = Float64Array;

/** Problems as objects, or packed. */
export type Problems = readonly Problem[] | Operands;

/** One operand as a double, which holds it exactly. @throws {TypeError | RangeError} Unless it is a whole number or bigint in [0, 9999999999] */
export function checkOperand(value: unknown, name: "a" | "b", { a, b }: { a: unknown; b: unknown }): number {
  const isWhole = typeof value === "bigint" || Number.isInteger(value);
  if (isWhole && value as number >= 0 && value as number <= MAX_OPERAND) return Number(value) + 0; // + 0 makes 0 of -0
  const asked = `Cannot add ${formatValue(a)} and ${formatValue(b)} as ${name} must be`; // made late: there may be millions
  const found = `current value is ${formatValue(value)}`;
  const isNumber = typeof value === "number" || typeof value === "bigint";
  if (!isNumber) throw new TypeError(`${asked} a number or a bigint: ${found}`);
  throw new RangeError(`${asked} a whole number from 0 to ${MAX_OPERAND}: ${found}`);
}

/** Cuts problems into pieces of at most `size`; `first` is the index of a piece's first problem. */
export function* chunksOf(operands: Operands, size: number) {
  for (let first = 0; first < operands.length / 2; first += size) {
    const chunk = operands.subarray(2 * first, 2 * (first + size));
    yield { chunk, first, count: chunk.length / 2 };
  }
}

/** Packs problems for an engine. @throws {TypeError | RangeError} If an operand is not a whole number in [0, 9999999999] */
export function packOperands(problems: Problems): Operands {
  if (problems instanceof Float64Array) {
    if (problems.length % 2 !== 0) {
      throw new RangeError(
        `Cannot read operands as there must be an even number of them: current length is ${problems.length}`,
      );
    }
    // makes no object for a valid pair, because there may be millions
    for (let i = 0; i < problems.length; i++) {
      if (Number.isInteger(problems[i]) && problems[i] >= 0 && problems[i] <= MAX_OPERAND) continue;
      const first = i & ~1;
      checkOperand(problems[i], i === first ? "a" : "b", { a: problems[first], b: problems[first + 1] });
    }
    return problems;
  }
  if (!Array.isArray(problems)) {
    throw new TypeError(`Cannot read problems as they must be a list: current value is ${formatValue(problems)}`);
  }
  const operands = new Float64Array(2 * problems.length);
  for (const [i, pair] of problems.entries()) {
    if (typeof pair !== "object" || pair === null) {
      throw new TypeError(`Cannot add a pair as it must be an object or a list: current value is ${formatValue(pair)}`);
    }
    operands[2 * i] = checkOperand(pair.a, "a", pair);
    operands[2 * i + 1] = checkOperand(pair.b, "b", pair);
  }
  return operands;
}
