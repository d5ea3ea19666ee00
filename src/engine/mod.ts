/**
 * One interface to everything that runs the model: loss and gradient, logits, training steps and greedy decoding, for any weights and problems.
 *
 * @module
 */
export { createEngine } from "./create_engine.ts";
export { EngineError } from "./interface/error.ts";
export * from "./interface/types.ts";
export type { Operands, Problem, Problems } from "../model/problem.ts";
export type { ModelName } from "../model/variant.ts";
export type { StageHyperparameters } from "../schedule/stage.ts";
