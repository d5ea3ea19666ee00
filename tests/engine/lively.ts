/**
 * Weights and problems for tests that compare engines.
 *
 * @module
 */
import type { Operands } from "../../src/model/problem.ts";
import { initialParameters } from "../../src/model/initialization.ts";
import { drawOperands } from "../../src/model/sampler.ts";
import type { StageHyperparameters } from "../../src/schedule/stage.ts";
import { type ModelName, MODELS, variantOf } from "../../src/model/variant.ts";

/** Both models of full width, and a narrow one. */
export const TESTED_MODELS: readonly ModelName[] = [...MODELS, "5x10"];

/** A stage of training. */
export const STAGE: StageHyperparameters = {
  steps: 5000,
  batch: 4,
  learningRate: 0.04,
  warmupSteps: 5,
  floor: 0.25,
  weightDecay: 0.1,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  clipNorm: 1,
};

/** Weights large enough for every part of the model to matter: untrained ones answer nearly the same to everything. */
export function livelyParameters(model: ModelName): Float32Array {
  return initialParameters(variantOf(model), 1).map((value, i) => value + 0.3 * Math.sin(1 + 7 * i));
}

/** Problems of all lengths, `count` of them. */
export function mixedProblems(count: number, seed = 1): Operands {
  return drawOperands({ seed, stream: "evaluation", count, minDigits: 1, maxDigits: 10 });
}
