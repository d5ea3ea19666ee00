import { checkpointFrom, type CheckpointSource } from "../checkpoint/safetensors/checkpoint.ts";
import { createEngine } from "../engine/create_engine.ts";
import type { Engine } from "../engine/interface/types.ts";
import { eventLoopTurn } from "../common/event_loop.ts";
import { packOperands, type Problems } from "../model/problem.ts";
import { checkSampleRequest, type SampleRequest } from "../model/sampler.ts";
import { QUERIES, readSum, SUM_DIGITS } from "../model/vocabulary.ts";
import { checkOptions } from "../common/options.ts";

/** Options of {@linkcode evaluate}. */
export interface EvaluateOptions {
  /** At most that many wrong sums are listed; all are counted. @default {100} */
  maxErrors?: number;
  /** Ends the evaluation early: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called every 8192 problems. */
  onProgress?: (progress: EvaluationProgress) => void;
}

/** Progress of an evaluation. */
export interface EvaluationProgress {
  /** Problems evaluated so far. */
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
  /** Problems evaluated. */
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

/** Problems decoded between two looks at the signal: some 10 ms of one thread. */
const CHUNK = 8192;

/**
 * Asks a model for sums and counts the right ones. It decodes greedily from the prompts alone.
 *
 * @example Usage
 * ```ts
 * import { evaluate, shippedCheckpoint } from "@x/tiny-adder";
 * import { assertEquals } from "@std/assert";
 *
 * const { correct, total } = await evaluate(shippedCheckpoint(), [{ a: 42, b: 7 }, { a: 9999999999, b: 1 }]);
 * assertEquals([correct, total], [2, 2]);
 * ```
 *
 * @param subject A checkpoint in any form, or an engine with weights set
 * @param problems Pairs, or a0 b0 a1 b1 … in a `Float64Array`; or the request for pairs that the engine draws, which takes less time. At least
 * one pair
 * @throws {CheckpointError} If the checkpoint cannot be read
 * @throws {RangeError} If there are no problems, or an operand or a number of the request is out of range
 */
export async function evaluate(
  subject: (Pick<Engine, "decode"> & Partial<Pick<Engine, "decodeSample" | "sample">>) | CheckpointSource,
  problems: Problems | SampleRequest,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const kinds = { maxErrors: "a number", signal: "an AbortSignal", onProgress: "a function" } as const;
  checkOptions("evaluate a model", options, kinds);
  if (typeof subject !== "object" || subject === null || !("decode" in subject)) {
    const { model, parameters } = checkpointFrom(subject, "evaluate a model");
    const engine = await createEngine({ model });
    try {
      engine.setParameters(parameters);
      return await evaluate(engine, problems, options);
    } finally {
      await engine.dispose();
    }
  }
  const engine = subject as Pick<Engine, "decode" | "decodeSample" | "sample">;
  const { maxErrors = 100, signal, onProgress } = options;
  const isRequest = typeof problems === "object" && problems !== null && "stream" in problems;
  const request = isRequest ? checkSampleRequest(problems) : undefined;
  const packed = isRequest ? undefined : packOperands(problems);
  const total = request?.count ?? packed!.length / 2;
  if (total === 0) {
    throw new RangeError("Cannot evaluate a model as there must be at least one problem: current number is 0");
  }

  let correct = 0;
  const rightInWrongSums = new Array<number>(SUM_DIGITS).fill(0);
  const errors: EvaluationError[] = [];
  for (let start = 0; start < total; start += CHUNK) {
    if (signal) await eventLoopTurn();
    signal?.throwIfAborted();
    const end = Math.min(start + CHUNK, total);
    correct += end - start;
    const piece = packed?.subarray(2 * start, 2 * end);
    const part = request && { ...request, first: request.first + start, count: end - start };
    const answers = part ? await engine.decodeSample(part) : { tokens: await engine.decode(piece!), wrong: undefined };
    // the engine counts the wrong sums of a request itself, so that their problems need only be drawn if there are any
    const operands = piece ?? (answers.wrong === 0 ? [] : engine.sample(part!));
    for (let i = 0; 2 * i < operands.length; i++) {
      const [a, b] = [operands[2 * i], operands[2 * i + 1]];
      const expected = a + b; // exact: both are below 2^34
      const got = readSum(answers.tokens, i * QUERIES);
      if (got === expected) continue;
      correct--;
      if (errors.length < maxErrors) errors.push({ a, b, expected, got: Number.isNaN(got) ? null : got });
      for (let k = 0, rest = expected; k < SUM_DIGITS; k++, rest = Math.floor(rest / 10)) {
        if (answers.tokens[i * QUERIES + k] === rest % 10) rightInWrongSums[k]++;
      }
    }
    onProgress?.({ done: end, total });
  }
  const digitAccuracy = rightInWrongSums.map((count) => (correct + count) / total);
  return { total, correct, exactMatch: correct / total, digitAccuracy, errors };
}
