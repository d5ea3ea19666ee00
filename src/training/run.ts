import type { Engine, SampleRequest } from "../engine/interface/types.ts";
import type { RunState } from "./events.ts";
import type { RunProgress } from "./progress.ts";
import type { RestartReport } from "./types.ts";

/** The weights and moments that a run goes on from, and the best weights so far, where they are kept. */
export type Vectors = Pick<RunState, "parameters" | "best"> & Partial<Pick<RunState, "firstMoment" | "secondMoment">>;

/** Samples of the evaluation stream: one for the last evaluation, one for all before it. */
export const FINAL_SAMPLE = 0;
export const INTERIM_SAMPLE = 1;

/** A run between two steps: its engine holds the weights and moments of its progress. */
export class Run {
  best: Float32Array | undefined;
  readonly #started = performance.now();
  readonly #earlierSeconds: number;

  /** Sets the engine to `vectors`, or to the initial weights of the attempt. */
  constructor(readonly engine: Engine, readonly progress: RunProgress, vectors?: Vectors) {
    this.best = vectors?.best;
    this.#earlierSeconds = progress.seconds;
    Object.assign(progress, { backend: engine.backend, arithmetic: engine.arithmetic }); // what really runs
    if (vectors === undefined) engine.initialize(progress.seed, progress.attempt);
    else engine.setParameters(vectors.parameters);
    const { firstMoment, secondMoment } = vectors ?? {};
    if (firstMoment && secondMoment) engine.setOptimizerState({ step: progress.step, firstMoment, secondMoment });
  }

  /** Seconds so far, including those of earlier sessions. */
  get seconds(): number {
    return this.#earlierSeconds + (performance.now() - this.#started) / 1000;
  }

  /** Problems that training never draws. */
  heldOut(sample: number, count: number): SampleRequest {
    return { seed: this.progress.seed, stream: "evaluation", sample, count };
  }

  vectors(): Omit<RunState, "progress" | "best"> {
    const { firstMoment, secondMoment } = this.engine.optimizerState();
    return { parameters: this.engine.parameters(), firstMoment, secondMoment };
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

  /** What a resume needs to end with the same bytes. @param vectors Those of the last step, if the engine holds others by now */
  state(vectors = this.vectors()): RunState {
    this.progress.seconds = this.seconds;
    return { progress: this.progress, ...vectors, ...(this.best && { best: this.best }) };
  }

  restart(report: RestartReport): void {
    const { progress } = this;
    progress.restarts.push(report);
    Object.assign(progress, { attempt: progress.attempt + 1, stage: 0, stageStep: 0, step: 0, gateSum: 0, best: null });
    this.best = undefined;
    this.engine.initialize(progress.seed, progress.attempt);
  }
}
