/**
 * A transformer of 763 parameters that adds 10-digit numbers, trained from scratch in seconds and proved right on all 10^20 pairs.
 *
 * @example Usage
 * ```ts
 * import { add } from "@x/tiny-adder";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(add(42, 7), 49);
 * ```
 *
 * @module
 */
export { add, addMany } from "./src/adder/add.ts";
export type { Adder, Pair, Sum } from "./src/adder/adder.ts";
export type { Bytes } from "./src/checkpoint/common/bytes.ts";
export type { Checkpoint, CheckpointSource } from "./src/checkpoint/safetensors/checkpoint.ts";
export { CheckpointError } from "./src/checkpoint/common/error.ts";
export { EngineError } from "./src/engine/interface/error.ts";
export type { AdapterDescription, Arithmetic, BackendName } from "./src/engine/interface/types.ts";
export * from "./src/evaluation/evaluate.ts";
export type { Operands, Problem, Problems } from "./src/model/problem.ts";
export type { ModelName } from "./src/model/variant.ts";
export { loadAdder } from "./src/adder/load_adder.ts";
export { TrainingError } from "./src/training/error.ts";
export type { CurriculumPhase, EvaluationPlan, Gate, MixPart, Recipe, Stage } from "./src/training/recipes.ts";
export type { StageHyperparameters } from "./src/schedule/stage.ts";
export { continueTraining, continueTraining as continue, train } from "./src/training/train.ts";
export type { ContinueOptions, Keep, ProblemRequest, TrainOptions } from "./src/training/types.ts";
export type { EvaluationReport, ProgressEvent, RestartReport, TrainReport, TrainResult } from "./src/training/types.ts";
export { shippedCheckpoint } from "./src/weights/mod.ts";
