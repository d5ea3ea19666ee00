/**
 * The engines that the tests of this folder run on, and how close to PyTorch's float64 each has to come.
 *
 * @module
 */
import { ARITHMETICS, createEngine } from "../../src/engine/mod.ts";
import { ReferenceEngine } from "../../src/engine/reference/engine.ts";
import type { Engine } from "../../src/engine/interface/types.ts";
import type { ModelName } from "../../src/model/variant.ts";

/** How far from PyTorch's float64 values an engine may be. */
export interface Tolerances {
  /** The loss. */
  loss: number;
  /** Each logit. */
  logits: number;
  /** Each element of the gradient, as a share of the largest of its tensor. */
  gradient: number;
  /** Parameters and losses during ten steps. */
  steps: number;
  /** The same from an untrained model: Adam divides by gradients near 0 there, which magnifies what was rounded off. */
  untrainedSteps: number;
  /** A decoded row may differ where two logits were closer than this. */
  decodeMargin: number;
}

/** Float64 inside; what the interface gives is rounded to float32. */
export const FLOAT64_TOLERANCES: Tolerances = {
  loss: 1e-13,
  logits: 1e-6,
  gradient: 1e-7,
  steps: 1e-6,
  untrainedSteps: 1e-6,
  decodeMargin: 0,
};

/** Float32 inside. */
export const FLOAT32_TOLERANCES: Tolerances = {
  loss: 1e-5,
  logits: 2e-4,
  gradient: 1e-4,
  steps: 1e-4,
  untrainedSteps: 2e-3,
  decodeMargin: 1e-4,
};

/** An engine under test. */
export interface EngineUnderTest {
  /** For the names of the tests. */
  name: string;
  /** Makes a new one. */
  create: (model: ModelName) => Engine | Promise<Engine>;
  /** How close it has to come. */
  tolerances: Tolerances;
}

/** The engines under test. */
export const ENGINES: readonly EngineUnderTest[] = [
  { name: "reference", create: (model) => new ReferenceEngine(model), tolerances: FLOAT64_TOLERANCES },
  ...ARITHMETICS.map((arithmetic) => ({
    name: `wasm ${arithmetic}`,
    create: (model: ModelName) => createEngine({ backend: "wasm", model, arithmetic }),
    tolerances: FLOAT32_TOLERANCES,
  })),
];
