/**
 * A run that can be paused and goes on to the same bytes: what `train` with `out` and `resume` does on disk, in memory.
 *
 * @module
 */
import type { TrainingState } from "../src/checkpoint/state.ts";
import { createEngine } from "../src/engine/create_engine.ts";
import type { Engine } from "../src/engine/types.ts";
import { evaluate } from "../src/evaluation/evaluate.ts";
import { freshProgress, type RunProgress } from "../src/training/progress.ts";
import { FINAL_EVALUATION, totalSteps, trainRecipe } from "../src/training/recipes.ts";
import { Run, type RunJournal } from "../src/training/run.ts";
import type { ProgressEvent, TrainResult } from "../src/training/types.ts";
import type { Machinery, TrainRequest, Weights } from "./protocol.ts";

/** Sums of an evaluation on the way: a few milliseconds. */
const EVALUATED = 4000;
/** Between two evaluations the number of steps grows by so much: as many points on each decade of a logarithmic axis. */
const GROWTH = 1.12;
/** The sampler's sample for evaluations on the way; the library's own, at the end of a run, is another. */
const SAMPLE_ON_THE_WAY = 1;

/** Who is told what a run does. */
export interface SessionListener {
  /** What really runs, each time the run starts or goes on. */
  onMachinery(machinery: Machinery): void;
  /** The losses of a chunk of steps, the first of which is step `firstStep`, before the event that sums them up. */
  onLosses(firstStep: number, losses: Float32Array): void;
  /** What {@linkcode ProgressEvent} says; `weights` are those in force. */
  onProgress(event: ProgressEvent, weights: () => Float32Array): void;
}

/** Keeps the state of a run where the library's own journal would write it to disk. */
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
 * One run. It works from {@linkcode start} until it ends or its signal comes; after a signal {@linkcode start} goes on from there, and the result is
 * that of a run without a break, to the byte.
 */
export class TrainingSession {
  readonly #request: TrainRequest;
  readonly #listener: SessionListener;
  readonly #journal = new MemoryJournal();
  /** The step from which on the next evaluation is due. */
  #nextEvaluation = 1;

  /** Nothing runs yet. */
  constructor(request: TrainRequest, listener: SessionListener) {
    this.#request = request;
    this.#listener = listener;
  }

  /** The weights of the last pause; undefined before one. */
  get weights(): Weights | undefined {
    const { state } = this.#journal;
    return state && { step: state.progress.step, parameters: state.parameters };
  }

  /**
   * Trains to the end.
   *
   * @throws The signal's reason, once it comes
   * @throws {Error} If the backend is missing here; the message says what to do
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
      await run.save(); // a pause of the proof or the hardening goes back to here
      const result = await run.conclude();
      return { ...result, report: { ...result.report, checkpoint: null } };
    } finally {
      await engine.dispose();
    }
  }

  /**
   * Tells the listener every single loss, of which a run itself tells means, and evaluates in the rhythm of a logarithmic axis. Neither changes
   * what is computed.
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
