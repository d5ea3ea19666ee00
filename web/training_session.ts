import { createEngine } from "../src/engine/create_engine.ts";
import { evaluate } from "../src/evaluation/evaluate.ts";
import { follow, type RunEvent, type RunState } from "../src/training/events.ts";
import { trainRun } from "../src/training/loop.ts";
import { freshProgress } from "../src/training/progress.ts";
import { trainRecipe } from "../src/training/recipes.ts";
import { INTERIM_SAMPLE, Run } from "../src/training/run.ts";
import type { ProgressEvent, TrainResult } from "../src/training/types.ts";
import type { Machinery, TrainRequest, Weights } from "./protocol.ts";

/** Sums of an interim evaluation, which takes a few milliseconds. */
const EVALUATED = 4000;
/** From one interim evaluation to the next the step grows by this factor, which spaces them evenly on a logarithmic axis. */
const GROWTH = 1.12;

export interface SessionListener {
  /** Called each time the run starts or continues. */
  onMachinery(machinery: Machinery): void;
  /** Called with the losses of steps `firstStep` on, before the step event with their mean. */
  onLosses(firstStep: number, losses: Float32Array): void;
  /** @param weights Returns the current weights */
  onProgress(event: ProgressEvent, weights: () => Float32Array): void;
}

/**
 * A run that can be paused. {@linkcode start} trains until the run ends or its signal aborts. After an abort, {@linkcode start} continues, and the
 * result has the same bytes as that of a run without a pause.
 */
export class TrainingSession {
  readonly #request: TrainRequest;
  readonly #listener: SessionListener;
  /** The last state that was due. */
  #state: RunState | undefined;
  /** The step from which the next interim evaluation is due. */
  #nextEvaluation = 1;

  constructor(request: TrainRequest, listener: SessionListener) {
    this.#request = request;
    this.#listener = listener;
  }

  /** The weights at the last pause; undefined before the first. */
  get weights(): Weights | undefined {
    return this.#state && { step: this.#state.progress.step, parameters: this.#state.parameters };
  }

  /**
   * Trains to the end.
   *
   * @throws The reason of the signal when it aborts
   * @throws {Error} If the browser lacks the backend; the message says what to do
   */
  async start(signal: AbortSignal): Promise<TrainResult> {
    const { recipe, seed, model, backend, arithmetic, threads, certify } = this.#request;
    const engine = await createEngine({ backend, model, threads, arithmetic });
    try {
      const fresh = { kind: "train", recipe: trainRecipe(recipe), model, seed, from: null } as const;
      const state = structuredClone(this.#state);
      const run = new Run(engine, state?.progress ?? freshProgress({ ...fresh, arithmetic: engine.arithmetic }), state);
      const { adapter } = engine;
      const machinery = { backend: engine.backend, threads: engine.threads, arithmetic: engine.arithmetic };
      this.#listener.onMachinery({ ...machinery, ...(adapter && { adapter }) });
      return await follow(
        trainRun(run, { certify, threads, signal }),
        (event) => this.#record(event, run),
        (event) => this.#listener.onProgress(event, () => engine.parameters()),
      );
    } finally {
      await engine.dispose();
    }
  }

  async #record(event: RunEvent, run: Run): Promise<void> {
    if (event.type === "state" && event.due) this.#state = structuredClone(event.state());
    if (event.type !== "losses") return;
    const { firstStep, losses } = event;
    this.#listener.onLosses(firstStep, losses);
    if (firstStep === 1) this.#nextEvaluation = 1; // a new attempt
    const { engine, progress: { step } } = run;
    if (step < this.#nextEvaluation) return;
    this.#nextEvaluation = step * GROWTH;
    const { errors: _, ...result } = await evaluate(engine, run.heldOut(INTERIM_SAMPLE, EVALUATED), { maxErrors: 0 });
    this.#listener.onProgress({ type: "evaluation", step, ...result }, () => engine.parameters());
  }
}
