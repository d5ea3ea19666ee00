import type { TrainingState } from "../src/checkpoint/safetensors/state.ts";
import { createEngine } from "../src/engine/create_engine.ts";
import type { Engine } from "../src/engine/interface/types.ts";
import { evaluate } from "../src/evaluation/evaluate.ts";
import { freshProgress, type RunProgress } from "../src/training/progress.ts";
import { FINAL_EVALUATION, totalSteps, trainRecipe } from "../src/training/recipes.ts";
import { Run, type RunJournal } from "../src/training/run.ts";
import type { ProgressEvent, TrainResult } from "../src/training/types.ts";
import type { Machinery, TrainRequest, Weights } from "./protocol.ts";

/** Sums of an interim evaluation, which takes a few milliseconds. */
const EVALUATED = 4000;
/** From one interim evaluation to the next the step grows by this factor, which spaces them evenly on a logarithmic axis. */
const GROWTH = 1.12;
/** The sample number for interim evaluations; the final evaluation uses another. */
const SAMPLE_ON_THE_WAY = 1;

export interface SessionListener {
  /** Called each time the run starts or continues. */
  onMachinery(machinery: Machinery): void;
  /** Called with the losses of steps `firstStep` on, before the step event with their mean. */
  onLosses(firstStep: number, losses: Float32Array): void;
  /** @param weights Returns the current weights */
  onProgress(event: ProgressEvent, weights: () => Float32Array): void;
}

/** Keeps in memory the state that the journal of `train` writes to disk. */
class MemoryJournal implements RunJournal {
  readonly modelFile = "";
  state: TrainingState<RunProgress> | undefined;

  saveState(state: TrainingState<RunProgress>): Promise<void> {
    this.state = structuredClone(state);
    return Promise.resolve();
  }

  log(): void {}
  begin = () => Promise.resolve();
  flushLog = () => Promise.resolve(0);
  saveModel = () => Promise.resolve();
  saveCertificate = () => Promise.resolve();
}

/**
 * A run that can be paused. {@linkcode start} trains until the run ends or its signal aborts. After an abort, {@linkcode start} continues, and the
 * result has the same bytes as that of a run without a pause.
 */
export class TrainingSession {
  readonly #request: TrainRequest;
  readonly #listener: SessionListener;
  readonly #journal = new MemoryJournal();
  /** The step from which the next interim evaluation is due. */
  #nextEvaluation = 1;

  constructor(request: TrainRequest, listener: SessionListener) {
    this.#request = request;
    this.#listener = listener;
  }

  /** The weights at the last pause; undefined before the first. */
  get weights(): Weights | undefined {
    const { state } = this.#journal;
    return state && { step: state.progress.step, parameters: state.parameters };
  }

  /**
   * Trains to the end.
   *
   * @throws The reason of the signal when it aborts
   * @throws {Error} If the browser lacks the backend; the message says what to do
   */
  async start(signal: AbortSignal): Promise<TrainResult> {
    const { recipe: name, seed, model, backend, arithmetic, threads, certify } = this.#request;
    const recipe = trainRecipe(name);
    const { state } = this.#journal;
    const engine = await createEngine({ backend, model, threads, arithmetic });
    const progress = state?.progress ??
      freshProgress({ kind: "train", recipe, model, seed, arithmetic: engine.arithmetic, from: null });
    try {
      if (state === undefined) {
        engine.initialize(seed, progress.attempt);
      } else {
        engine.setParameters(state.parameters);
        engine.setOptimizerState({ step: progress.step, ...state });
      }
      const { adapter } = engine;
      const machinery = { backend: engine.backend, threads: engine.threads, arithmetic: engine.arithmetic };
      this.#listener.onMachinery({ ...machinery, ...(adapter && { adapter }) });
      this.#watch(engine);
      const run = new Run(progress, {
        ...{ engine, journal: this.#journal, limit: totalSteps(recipe), certify, proofThreads: threads, signal },
        ...{ evalEvery: recipe.evaluation.every, finalProblems: FINAL_EVALUATION },
        onProgress: (event) => this.#listener.onProgress(event, () => engine.parameters()),
      }, state?.best);
      await run.train();
      await run.save(); // after a pause, proof and hardening start again from here
      const result = await run.conclude();
      return { ...result, report: { ...result.report, checkpoint: null } };
    } finally {
      await engine.dispose();
    }
  }

  /**
   * Reports the loss of every step, where the run itself reports means, and evaluates at steps evenly spaced on a logarithmic axis. Neither
   * changes what is computed.
   */
  #watch(engine: Engine): void {
    const trainRun = engine.trainRun.bind(engine);
    engine.trainRun = async (run) => {
      const report = await trainRun(run);
      this.#listener.onLosses(run.firstSample + 1, report.losses);
      const step = run.firstSample + run.steps;
      if (run.firstSample === 0) this.#nextEvaluation = 1; // a new attempt
      if (step >= this.#nextEvaluation) {
        this.#nextEvaluation = step * GROWTH;
        await this.#evaluate(engine, step);
      }
      return report;
    };
  }

  async #evaluate(engine: Engine, step: number): Promise<void> {
    const { seed } = this.#request;
    const held = engine.sample({ seed, stream: "evaluation", sample: SAMPLE_ON_THE_WAY, count: EVALUATED });
    const { total, correct, exactMatch, digitAccuracy } = await evaluate(engine, held, { maxErrors: 0 });
    const event = { type: "evaluation", step, total, correct, exactMatch, digitAccuracy } as const;
    this.#listener.onProgress(event, () => engine.parameters());
  }
}
