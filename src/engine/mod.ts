/**
 * One interface to everything that runs the model: loss and gradient, logits, training steps and greedy decoding, for any weights and problems.
 *
 * @module
 */
export { createEngine } from "./create_engine.ts";
export { ARITHMETICS, BACKENDS } from "./interface/types.ts";
export { EngineError } from "./interface/error.ts";
export type {
  AdapterDescription,
  Arithmetic,
  BackendName,
  DecodedSample,
  Engine,
  EngineOptions,
  LossAndGradient,
  OptimizerState,
  SampleRequest,
  SampleStream,
  StepOptions,
  StepReport,
  TrainRun,
  TrainRunReport,
} from "./interface/types.ts";
export type { Operands, Problem, Problems } from "../model/problem.ts";
export type { ModelName } from "../model/variant.ts";
export type { StageHyperparameters } from "../schedule/stage.ts";
