/**
 * How far the float32 engine is from float64, measured on the model that is to be certified.
 *
 * @module
 */
import { createEngine } from "../engine/create_engine.ts";
import { drawOperands } from "../model/sampler.ts";
import { TOKENS } from "../model/variant.ts";
import { QUERIES } from "../model/vocabulary.ts";
import { hardCases } from "../evaluation/hard.ts";
import type { Crew } from "./crew.ts";
import type { ArithmeticReport, CertifyCheckpoint } from "./types.ts";

/** Problems compared: 168 logits each, 10^7 in all. */
export const MEASURED_PROBLEMS = 59_524;
/** Half of them have long carries. */
const HARD = 29_762;
/** Every margin must be this many times the largest error of a margin, the difference of two logits. */
const FACTOR = 10;
/** And at least this, in logits. */
const LEAST_DEMANDED = 0.01;
/** Problems that a thread compares at a time. */
const CHUNK = 1024;

/** Measures the error of the engine's logits. @param onProgress Is told the share that is done */
export async function measureArithmetic(
  { model, parameters }: CertifyCheckpoint,
  crew: Crew,
  onProgress: (done: number) => void,
): Promise<ArithmeticReport> {
  const operands = new Float64Array(2 * MEASURED_PROBLEMS);
  operands.set(hardCases({ count: HARD, seed: 2026 }));
  operands.set(drawOperands({ seed: 2026, stream: "evaluation", count: MEASURED_PROBLEMS - HARD }), 2 * HARD);
  const engine = await createEngine({ model });
  const errors: Promise<number>[] = [];
  let done = 0;
  try {
    engine.setParameters(parameters);
    for (let start = 0; start < MEASURED_PROBLEMS; start += CHUNK) {
      const part = operands.slice(2 * start, 2 * Math.min(MEASURED_PROBLEMS, start + CHUNK));
      const error = crew.ask("largestError", [part, await engine.logits(part)], 0);
      errors.push(error);
      error.then(() => onProgress(Math.min(1, (done += CHUNK) / MEASURED_PROBLEMS)), () => {});
    }
  } finally {
    await engine.dispose();
  }
  const largest = Math.max(...await Promise.all(errors));
  const demanded = Math.max(LEAST_DEMANDED, FACTOR * 2 * largest);
  return { logits: MEASURED_PROBLEMS * QUERIES * TOKENS, largestError: largest, demanded };
}
