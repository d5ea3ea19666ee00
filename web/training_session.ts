import { createEngine } from "../src/engine/create_engine.ts";
import { follow, type RunEvent } from "../src/training/events.ts";
import { runEvents } from "../src/training/loop.ts";
import { type Recipe, totalSteps, trainRecipe } from "../src/training/recipes.ts";
import { freshProgress, INTERIM_SAMPLE, Run, type RunState } from "../src/training/run.ts";
import type { TrainResult } from "../src/training/types.ts";
import { EVALUATED, type SessionNews, type TrainRequest, type Weights } from "./protocol.ts";

/** From one interim evaluation or snapshot to the next the step grows by a factor, which spaces them evenly on a logarithmic axis. */
const [EVALUATION_GROWTH, SNAPSHOT_GROWTH] = [1.12, 1.04];

/** The steps of a recipe whose weights are kept, evenly spaced on a logarithmic axis: 187 for `sure`. */
export function snapshotSteps(recipe: Recipe): number[] {
  const [steps, last]: [number[], number] = [[], totalSteps(recipe)];
  for (let step = 0; step < last; step = Math.max(step + 1, Math.round(SNAPSHOT_GROWTH * step))) steps.push(step);
  return [...steps, last];
}

/** A run that can be paused: after an abort {@linkcode start} continues, to the same bytes as those of a run without a pause. */
export class TrainingSession {
  #state: RunState | undefined;
  /** The step from which the next interim evaluation is due. */
  #nextEvaluation = 1;

  constructor(private readonly request: TrainRequest, private readonly report: (news: SessionNews) => void) {}

  /** The weights at the last pause; undefined before the first. */
  get weights(): Weights | undefined {
    return this.#state && { step: this.#state.progress.step, parameters: this.#state.parameters };
  }

  /** Trains to the end. @throws The reason of the signal when it aborts @throws {Error} If the browser lacks the backend; the message says what to do */
  async start(signal: AbortSignal): Promise<TrainResult> {
    const { recipe, seed, model, backend, arithmetic, threads, certify } = this.request;
    const engine = await createEngine({ backend, model, threads, arithmetic });
    try {
      const plan = trainRecipe(recipe, { model });
      const fresh = { kind: "train", recipe: plan, model, seed, from: null, keep: snapshotSteps(plan) } as const;
      const state = structuredClone(this.#state);
      const run = new Run(engine, state ?? { progress: freshProgress(fresh) });
      const machinery = { backend: engine.backend, threads: engine.threads, arithmetic: engine.arithmetic };
      this.report({ type: "machinery", ...machinery, adapter: engine.adapter });
      const events = runEvents(run, { certify, threads, signal });
      return await follow(events, (event) => this.#record(event, run), this.report);
    } finally {
      await engine.dispose();
    }
  }

  async #record(event: RunEvent, run: Run): Promise<void> {
    if (event.type === "state" && event.due) this.#state = structuredClone(event.state());
    if (event.type === "kept") this.report({ type: "snapshot", step: event.step, parameters: event.parameters });
    if (event.type !== "losses") return;
    this.report(event);
    if (event.firstStep === 1) this.#nextEvaluation = 1; // a new attempt
    const { step } = run.progress;
    if (step < this.#nextEvaluation) return;
    this.#nextEvaluation = step * EVALUATION_GROWTH;
    this.report({ type: "evaluation", ...await run.evaluate(INTERIM_SAMPLE, EVALUATED) });
  }
}
