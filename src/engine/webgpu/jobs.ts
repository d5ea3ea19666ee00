import type { Operands } from "../../model/problem.ts";
import type { FilledStepOptions } from "../interface/checks.ts";

/** Bytes of `Run` and `Step` of shaders/mod.ts. */
export const RUN_BYTES = 32;
/** Bytes of one step. */
export const STEP_BYTES = 64;

const STEP_WORDS = STEP_BYTES / 4;
const HALF = 100_000;

/** One step of a schedule. */
export interface StepRequest extends FilledStepOptions {
  /** The sampler's number of this step. */
  sample: number;
  minDigits: number;
  maxDigits: number;
  batch: number;
  /** Steps that AdamW has taken before. */
  before: number;
  /** Whether the step is taken, or only its gradient wanted. */
  updates: boolean;
}

/** Packs steps. AdamW's corrections are computed here, in doubles, as `optimizerStep` of assembly/optimizer.ts does. */
export function packSteps(steps: readonly StepRequest[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(STEP_WORDS * steps.length);
  const floats = new Float32Array(words.buffer);
  steps.forEach((step, i) => {
    const { sample, minDigits, maxDigits, batch, before, updates } = step;
    const { learningRate, weightDecay, clipNorm, beta1, beta2, epsilon } = step;
    const t = before + 1;
    const at = STEP_WORDS * i;
    words.set([sample, minDigits, maxDigits, batch], at);
    floats.set([
      ...[learningRate / (1 - beta1 ** t), 1 / Math.sqrt(1 - beta2 ** t), 1 - learningRate * weightDecay],
      ...[Number.isFinite(clipNorm) ? clipNorm : 0, beta1, 1 - beta1, beta2, 1 - beta2, epsilon],
    ], at + 4);
    words[at + 13] = updates ? 1 : 0;
  });
  return words;
}

/** One run of a submission. */
export interface RunRequest {
  model: number;
  firstStep: number;
  steps: number;
  stride: number;
  seed: number;
  attempt: number;
  /** Where in `problems` the examples begin; undefined: they are drawn. */
  firstProblem?: number;
}

/** Packs runs. */
export function packRuns(runs: readonly RunRequest[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(
    runs.flatMap(({ model, firstStep, steps, stride, seed, attempt, firstProblem }) => [
      ...[model, firstStep, steps, stride, seed, attempt, firstProblem === undefined ? 0 : 1, firstProblem ?? 0],
    ]),
  );
}

/** Packs operands as halves of five digits, four words a problem. */
export function packProblems(operands: Operands): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(2 * operands.length);
  operands.forEach((operand, i) => {
    words[2 * i] = Math.floor(operand / HALF);
    words[2 * i + 1] = operand % HALF;
  });
  return words;
}
