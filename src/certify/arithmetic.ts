/**
 * How far the float32 engine is from float64, measured on the model that is to be certified.
 *
 * @module
 */
import { createEngine } from "../engine/create_engine.ts";
import { drawOperands } from "../model/sampler.ts";
import { TOKENS, WIDTH } from "../model/variant.ts";
import { EQUALS, QUERIES, targetTokens } from "../model/vocabulary.ts";
import { hardCases } from "../evaluation/hard.ts";
import { attentionOf } from "./extremes.ts";
import type { Head } from "./head.ts";
import type { Query } from "./query.ts";
import type { ArithmeticReport, CertifyCheckpoint } from "./types.ts";

/** Problems compared: 168 logits each, 10^7 in all. */
export const MEASURED_PROBLEMS = 59_524;
/** Half of them have long carries. */
const HARD = 29_762;
/** Every margin must be this many times the largest error of a margin, the difference of two logits. */
const FACTOR = 10;
/** And at least this, in logits. */
const LEAST_DEMANDED = 0.01;
/** Problems between two looks at the clock. */
const CHUNK = 1024;

/** Measures the error of the engine's logits. Yields now and then, and returns undefined where `expired` says that the time is up. */
export async function* measureArithmetic(
  { model, parameters }: CertifyCheckpoint,
  { head, makeQuery, problems = MEASURED_PROBLEMS }: {
    head: Head;
    makeQuery: (step: number, token: number) => Query;
    problems?: number;
  },
): AsyncGenerator<number, ArithmeticReport> {
  const operands = new Float64Array(2 * problems);
  const hard = Math.min(HARD, problems >> 1);
  operands.set(hardCases({ count: hard, seed: 2026 }));
  operands.set(drawOperands({ seed: 2026, stream: "evaluation", count: problems - hard }), 2 * hard);
  const queries = Array.from(
    { length: QUERIES },
    (_, step) =>
      Array.from({ length: step === 0 ? 1 : 10 }, (_, token) => makeQuery(step, step === 0 ? EQUALS : token)),
  );
  const engine = await createEngine({ model });
  const o = new Float64Array(WIDTH);
  let largest = 0;
  try {
    engine.setParameters(parameters);
    for (let start = 0; start < problems; start += CHUNK) {
      const part = operands.subarray(2 * start, 2 * Math.min(problems, start + CHUNK));
      const logits = await engine.logits(part);
      for (let i = 0; i < part.length; i += 2) {
        const digits = { a: digitsOf(part[i]), b: digitsOf(part[i + 1]) };
        const targets = targetTokens(part[i], part[i + 1]);
        for (let step = 0; step < QUERIES; step++) {
          const query = queries[step][step === 0 ? 0 : targets[step - 1]];
          attentionOf(step, query, digits, o);
          const exact = head.logitsAt(query.x0, o);
          const at = (i / 2 * QUERIES + step) * TOKENS;
          for (let t = 0; t < TOKENS; t++) {
            const error = Math.abs(logits[at + t] - exact[t]);
            if (!(error <= largest)) largest = Number.isNaN(error) ? Infinity : error;
          }
        }
      }
      yield Math.min(1, (start + CHUNK) / problems);
    }
  } finally {
    await engine.dispose();
  }
  const demanded = Math.max(LEAST_DEMANDED, FACTOR * 2 * largest);
  return { logits: problems * QUERIES * TOKENS, largestError: largest, demanded };
}

/** The ten digits of an operand, ones first. */
function digitsOf(value: number): number[] {
  return Array.from({ length: 10 }, (_, place) => Math.floor(value / 10 ** place) % 10);
}
