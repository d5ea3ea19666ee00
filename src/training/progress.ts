import type { TrainingState } from "../checkpoint/safetensors/state.ts";
import { type Recipe, totalSteps } from "./recipes.ts";
import type { EvaluationReport, Keep, RunKind, TrainReport } from "./types.ts";

/**
 * The progress of a run between two steps. With weights and moments, it is all that an exact resume needs. JSON represents it exactly. Backend and
 * arithmetic are those of its engine, which a resume keeps; runs of earlier versions have no backend.
 */
export interface RunProgress
  extends
    Pick<TrainReport, "model" | "seed" | "examples" | "trainSeconds" | "restarts" | "evaluations" | "stoppedEarly">,
    Partial<Pick<TrainReport, "backend" | "arithmetic">> {
  kind: RunKind;
  recipe: Recipe;
  keep?: Keep;
  /** Whether the caller makes the examples: a resume needs the function again. */
  ownProblems?: true;
  /** The number of restarts so far, the index of the stage, and the steps done in it. */
  attempt: number;
  stage: number;
  stageStep: number;
  /** Steps done in this attempt, over all stages. */
  step: number;
  /** Sum of the losses in the window of the stage's gate. */
  gateSum: number;
  /** The best evaluation so far, if the recipe keeps the best weights. */
  best: EvaluationReport | null;
  /** Whether the evaluation after the last step was interrupted. */
  evaluationDue: boolean;
  /** Seconds of earlier sessions. */
  seconds: number;
  /** Length of the log at the last save, in bytes. */
  logBytes: number;
  /** Metadata of the checkpoint of a second pass. */
  from: Record<string, string> | null;
}

export function freshProgress(
  start: Pick<RunProgress, "kind" | "recipe" | "model" | "seed" | "arithmetic" | "from" | "keep" | "ownProblems">,
): RunProgress {
  return {
    ...start,
    ...{ attempt: 0, stage: 0, stageStep: 0, step: 0, examples: 0, gateSum: 0, evaluationDue: false, best: null },
    ...{ restarts: [], evaluations: [], stoppedEarly: false, seconds: 0, trainSeconds: 0, logBytes: 0 },
  };
}

export function isDone(progress: RunProgress, limit = Infinity): boolean {
  return progress.stoppedEarly || progress.step >= Math.min(limit, totalSteps(progress.recipe));
}

/** All that a resume needs, of a run between two steps. */
export type RunState = TrainingState<RunProgress>;

/** What a run starts from: a saved state, a checkpoint's weights, or nothing but its plan. */
export type RunStart = Pick<RunState, "progress"> & Partial<RunState>;
