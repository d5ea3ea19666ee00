/**
 * The model in the open: every activation, edits of them, the weights by name, and drawings. docs/study.md is a tutorial.
 *
 * @example Usage
 * ```ts
 * import { shippedCheckpoint } from "@x/tiny-adder";
 * import { look } from "@x/tiny-adder/inspect";
 * import { assertEquals } from "@std/assert";
 *
 * const { hidden } = look(shippedCheckpoint(), [{ a: 42, b: 7 }], { only: ["hidden"] });
 * assertEquals(hidden.shape, [1, 12, 14]);
 * ```
 *
 * @module
 */
export type { Bytes } from "../checkpoint/common/bytes.ts";
export { CheckpointError } from "../checkpoint/common/error.ts";
export type { Checkpoint, CheckpointSource } from "../checkpoint/safetensors/checkpoint.ts";
export { type ActivationName, ACTIVATIONS } from "../engine/reference/attention.ts";
export { curveSvg } from "../logs/plot.ts";
export type { Operands, Problem, Problems } from "../model/problem.ts";
export type { ModelName, TensorSpec } from "../model/variant.ts";
export { type HeatMap, heatMapsSvg } from "../svg/heat_map.ts";
export { type DigitPlane, digitPlane, digitPlaneSvg } from "./embeddings.ts";
export { type Activation, encodeActivations, type Look, look } from "./look.ts";
export type { Edit, LookOptions, Place } from "./look.ts";
export type { Point } from "./plane.ts";
export { modelTensors } from "./reference_model.ts";
export { inspectSum, type StepInspection, type SumInspection, sumSvg } from "./sum.ts";
export { type StepSurvey, type Survey, surveyModel, surveySvg } from "./survey.ts";
