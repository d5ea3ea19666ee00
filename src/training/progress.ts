import type { Arithmetic, BackendName } from "../engine/interface/types.ts";
import type { ModelName } from "../model/variant.ts";
import { type Recipe, type Stage, totalSteps } from "./recipes.ts";
import type { EvaluationReport, RestartReport } from "./types.ts";

export type RunKind = "train" | "continue";

/** Steps after which weights are kept; `"log"`: 0, 1, 2, 4 … 512, then every 1,000. */
export type Keep = "log" | readonly number[];

/** The progress of a run between two steps. With weights and moments, it is all that an exact resume needs. JSON represents it exactly. */
export interface RunProgress {
  kind: RunKind;
  recipe: Recipe;
  model: ModelName;
  seed: number;
  /** The arithmetic of the engine; a resume keeps it, for the same bytes. */
  arithmetic: Arithmetic;
  /** The backend of the run; a resume keeps it. Missing in runs of earlier versions. */
  backend?: BackendName;
  /** The steps after which weights are kept; a resume goes on with them. */
  keep?: Keep;
  /** Whether the caller makes the examples: a resume needs the function again. */
  ownProblems?: true;
  /** The number of restarts so far, the index of the stage, and the steps done in it. */
  attempt: number;
  stage: number;
  stageStep: number;
  /** Steps done in this attempt, over all stages. */
  step: number;
  /** Examples trained on, over all attempts. */
  examples: number;
  /** Sum of the losses in the window of the stage's gate. */
  gateSum: number;
  /** The best evaluation so far, if the recipe keeps the best weights. */
  best: EvaluationReport | null;
  restarts: RestartReport[];
  evaluations: EvaluationReport[];
  /** Whether the evaluation after the last step was interrupted. */
  evaluationDue: boolean;
  stoppedEarly: boolean;
  /** Whether the log ends with the end of the run. */
  ended: boolean;
  /** Seconds of earlier sessions. */
  seconds: number;
  /** Of these, seconds of training alone. */
  trainSeconds: number;
  /** Length of the log at the last save, in bytes. */
  logBytes: number;
  /** Metadata of the checkpoint of a second pass. */
  from: Record<string, string> | null;
}

/** The state before the first step. */
export function freshProgress(
  start: Pick<RunProgress, "kind" | "recipe" | "model" | "seed" | "arithmetic" | "from" | "keep" | "ownProblems">,
): RunProgress {
  return {
    ...start,
    ...{ attempt: 0, stage: 0, stageStep: 0, step: 0, examples: 0, gateSum: 0, evaluationDue: false, best: null },
    ...{ restarts: [], evaluations: [], stoppedEarly: false, ended: false, seconds: 0, trainSeconds: 0, logBytes: 0 },
  };
}

/**
 * Steps until the next event: the lengths of operands change, the gate's window opens or closes, weights are kept, an evaluation is due (every
 * `evalEvery` steps, 0 for none), the stage ends, or the run does (at step `limit`).
 */
export function stepsAtOnce(progress: RunProgress, stage: Stage, limit: number, evalEvery: number): number {
  const { step, stageStep, keep } = progress;
  const stops = [stage.steps, ...stage.curriculum.map(({ fromStep }) => fromStep)];
  if (stage.gate !== undefined) stops.push(stage.gate.atStep - stage.gate.window, stage.gate.atStep);
  const next = Math.min(...stops.map(Math.ceil).filter((stop) => stop > stageStep)) - stageStep;
  const evaluation = evalEvery > 0 ? evalEvery - step % evalEvery : Infinity;
  return Math.min(next, evaluation, limit - step, nextKept(keep, step) - step);
}

/** The first step after `step` whose weights are kept. */
function nextKept(keep: Keep | undefined, step: number): number {
  if (keep !== "log") return Math.min(...(keep ?? []).filter((each) => each > step)); // Infinity of none
  if (step >= 512) return 1000 * (Math.floor(step / 1000) + 1);
  return step < 1 ? step + 1 : 2 ** (Math.floor(Math.log2(step)) + 1);
}

export function isKept({ keep, step }: RunProgress): boolean {
  return nextKept(keep, step - 1) === step;
}

export function lengthsAt(stage: Stage, stageStep: number): { minDigits: number; maxDigits: number } {
  const phase = stage.curriculum.findLast(({ fromStep }) => fromStep <= stageStep) ?? stage.curriculum[0];
  return { minDigits: phase.minDigits, maxDigits: phase.maxDigits };
}

/** Whether a run has taken all its steps. */
export function isDone(progress: RunProgress, limit: number): boolean {
  return progress.stoppedEarly || progress.step >= Math.min(limit, totalSteps(progress.recipe));
}
