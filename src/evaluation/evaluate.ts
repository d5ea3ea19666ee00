import type { Engine } from "../engine/types.ts";
import { eventLoopTurn } from "../event_loop.ts";
import { packOperands } from "../model/problem.ts";
import { QUERIES, readSum } from "../model/vocabulary.ts";
import { checkOptions, type OptionKinds } from "../options.ts";

/** Options of {@linkcode evaluate}. */
export interface EvaluateOptions {
  /** At most that many wrong sums are listed; all are counted. @default {100} */
  maxErrors?: number;
  /** Ends the evaluation early: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Is told now and then how many problems of how many are done. */
  onProgress?: (progress: EvaluationProgress) => void;
}

/** Progress of an evaluation. */
export interface EvaluationProgress {
  /** Problems asked so far. */
  done: number;
  /** Problems in all. */
  total: number;
}

/** A sum that the model gets wrong. */
export interface EvaluationError {
  /** The first operand. */
  a: number;
  /** The second operand. */
  b: number;
  /** a + b. */
  expected: number;
  /** The model's answer; null if it is not a number. */
  got: number | null;
}

/** How often a model is right. */
export interface Evaluation {
  /** Problems asked. */
  total: number;
  /** Problems answered with the right sum. */
  correct: number;
  /** `correct / total`. */
  exactMatch: number;
  /** The share of problems with the right digit at each of the eleven positions of the sum, ones first. */
  digitAccuracy: number[];
  /** The first wrong sums, in the order of the problems. */
  errors: EvaluationError[];
}

const OPTIONS: OptionKinds<EvaluateOptions> = {
  ...{ maxErrors: "a number", signal: "an AbortSignal", onProgress: "a function" },
};

/** Digits of a sum. */
const DIGITS = QUERIES - 1;

/** Problems decoded between two looks at the signal: some 10 ms of one thread. */
const CHUNK = 8192;

/**
 * Asks an engine for sums and counts the right ones. The engine decodes greedily from the prompts alone.
 *
 * @example Usage
 * ```ts ignore
 * const { exactMatch, errors } = await evaluate(engine, adderBoardCases(), { maxErrors: 10 });
 * ```
 *
 * @param engine The engine, with weights set
 * @param operands a0 b0 a1 b1 …, at least one pair
 * @throws {RangeError} If there are no problems, or an operand is not a whole number in [0, 9999999999]
 */
export async function evaluate(
  engine: Pick<Engine, "decode">,
  operands: Float64Array,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  checkOptions("evaluate a model", options, OPTIONS);
  const { maxErrors = 100, signal, onProgress } = options;
  const total = packOperands(operands).length / 2;
  if (total === 0) {
    throw new RangeError("Cannot evaluate a model as there must be at least one problem: current number is 0");
  }

  let correct = 0;
  const rightInWrongSums = new Array<number>(DIGITS).fill(0);
  const errors: EvaluationError[] = [];
  for (let start = 0; start < total; start += CHUNK) {
    if (signal) await eventLoopTurn();
    signal?.throwIfAborted();
    const end = Math.min(start + CHUNK, total);
    const tokens = await engine.decode(operands.subarray(2 * start, 2 * end));
    for (let i = start; i < end; i++) {
      const a = operands[2 * i];
      const b = operands[2 * i + 1];
      const expected = a + b; // exact: both are below 2^34
      const got = readSum(tokens, (i - start) * QUERIES);
      if (got === expected) {
        correct++;
        continue;
      }
      if (errors.length < maxErrors) errors.push({ a, b, expected, got: Number.isNaN(got) ? null : got });
      for (let k = 0, rest = expected; k < DIGITS; k++, rest = Math.floor(rest / 10)) {
        if (tokens[(i - start) * QUERIES + k] === rest % 10) rightInWrongSums[k]++;
      }
    }
    onProgress?.({ done: end, total });
  }
  const digitAccuracy = rightInWrongSums.map((count) => (correct + count) / total);
  return { total, correct, exactMatch: correct / total, digitAccuracy, errors };
}
