import type { TrainingState } from "../checkpoint/safetensors/state.ts";
import type { Engine, SampleRequest } from "../engine/interface/types.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { type Recipe, type Stage, totalSteps } from "./recipes.ts";
import type { EvaluationReport, Keep, RestartReport, RunKind, TrainReport } from "./types.ts";

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

/** The first step after `step` whose weights are kept. */
function nextKept(keep: Keep | undefined, step: number): number {
  if (keep !== "log") return Math.min(...(keep ?? []).filter((each) => each > step)); // Infinity of none
  if (step >= 512) return 1000 * (Math.floor(step / 1000) + 1);
  return step < 1 ? step + 1 : 2 ** (Math.floor(Math.log2(step)) + 1);
}

export function lengthsAt(stage: Stage, stageStep: number): { minDigits: number; maxDigits: number } {
  const phase = stage.curriculum.findLast(({ fromStep }) => fromStep <= stageStep) ?? stage.curriculum[0];
  return { minDigits: phase.minDigits, maxDigits: phase.maxDigits };
}

export function isDone(progress: RunProgress, limit = Infinity): boolean {
  return progress.stoppedEarly || progress.step >= Math.min(limit, totalSteps(progress.recipe));
}

/** All that a resume needs, of a run between two steps. */
export type RunState = TrainingState<RunProgress>;

/** What a run starts from: a saved state, a checkpoint's weights, or nothing but its plan. */
export type RunStart = Pick<RunState, "progress"> & Partial<RunState>;

/** Samples of the evaluation stream: one for the last evaluation, one for all before it. */
export const [FINAL_SAMPLE, INTERIM_SAMPLE] = [0, 1];

/** A run between two steps: its engine holds the weights and moments of its progress. */
export class Run {
  readonly progress: RunProgress;
  best: Float32Array | undefined;
  /** When the run would have started in one session. */
  readonly #started: number;

  /** Sets the engine to the weights and moments of the start, or to the initial weights of the attempt. */
  constructor(readonly engine: Engine, { progress, parameters, firstMoment, secondMoment, best }: RunStart) {
    this.progress = progress;
    this.best = best;
    this.#started = performance.now() - 1000 * progress.seconds;
    Object.assign(progress, { backend: engine.backend, arithmetic: engine.arithmetic }); // what really runs
    if (parameters === undefined) engine.initialize(progress.seed, progress.attempt);
    else engine.setParameters(parameters);
    if (firstMoment && secondMoment) engine.setOptimizerState({ step: progress.step, firstMoment, secondMoment });
  }

  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Problems that training never draws. */
  heldOut(sample: number, count: number): SampleRequest {
    return { seed: this.progress.seed, stream: "evaluation", sample, count };
  }

  async evaluate(sample: number, count: number, signal?: AbortSignal) {
    const { errors: _, ...result } = await evaluate(this.engine, this.heldOut(sample, count), { maxErrors: 0, signal });
    return { step: this.progress.step, ...result };
  }

  /** Whether the weights of this step are kept. */
  get isKept(): boolean {
    return nextKept(this.progress.keep, this.progress.step - 1) === this.progress.step;
  }

  /**
   * Steps until the next event: the lengths of operands change, the gate's window opens or closes, weights are kept, an evaluation is due (every
   * `evalEvery` steps, 0 for none), the stage ends, or the run does (at step `limit`).
   */
  stepsAtOnce({ steps, curriculum, gate }: Stage, limit: number, evalEvery: number): number {
    const { step, stageStep, keep } = this.progress;
    const stops = [steps, ...curriculum.map(({ fromStep }) => fromStep)];
    if (gate !== undefined) stops.push(gate.atStep - gate.window, gate.atStep);
    const next = Math.min(...stops.map(Math.ceil).filter((stop) => stop > stageStep)) - stageStep;
    const evaluation = evalEvery > 0 ? evalEvery - step % evalEvery : Infinity;
    return Math.min(next, evaluation, limit - step, nextKept(keep, step) - step);
  }

  metadata(): Record<string, string> {
    const { engine: { backend, adapter, arithmetic }, progress } = this;
    const { kind, recipe, seed, step, examples, attempt, ownProblems, from } = progress;
    return {
      ...{ kind, recipe: recipe.name, seed: String(seed), step: String(step), examples: String(examples) },
      ...{ attempt: String(attempt), backend, ...(adapter && { adapter: adapter.name }), arithmetic },
      ...(ownProblems && { problems: "made by the caller" }),
      ...{ recipe_json: JSON.stringify(recipe), ...(from && { from: JSON.stringify(from) }) },
    };
  }

  /** What a resume needs to end with the same bytes. */
  state(): RunState {
    const { engine, progress, best } = this;
    progress.seconds = this.seconds;
    const { firstMoment, secondMoment } = engine.optimizerState();
    return { progress, parameters: engine.parameters(), firstMoment, secondMoment, best };
  }

  restart(report: RestartReport): void {
    const { progress } = this;
    progress.restarts.push(report);
    Object.assign(progress, { attempt: progress.attempt + 1, stage: 0, stageStep: 0, step: 0, gateSum: 0, best: null });
    this.best = undefined;
    this.engine.initialize(progress.seed, progress.attempt);
  }
}
