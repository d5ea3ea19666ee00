/**
 * The training loop: stages, gates and restarts, evaluations, saves. The weights depend on recipe, model and seed alone, never on when a chunk
 * ends, a file is written or progress is reported.
 *
 * @module
 */
import { encodeCheckpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { certificateText } from "../certify/certificate.ts";
import type { HardenResult } from "../certify/harden.ts";
import type { CertifyResult } from "../certify/types.ts";
import type { TrainingState } from "../checkpoint/safetensors/state.ts";
import type { Engine } from "../engine/interface/types.ts";
import { eventLoopTurn } from "../common/event_loop.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { TrainingError } from "./error.ts";
import type { Journal, LogEvent } from "./journal.ts";
import { learningRateAt } from "../schedule/learning_rate.ts";
import { currentStage, isDone, lengthsAt, type RunProgress, stepsAtOnce } from "./progress.ts";
import { HARDENING_ROUNDS, PROOF_SECONDS, type Stage, totalSteps } from "./recipes.ts";
import type { EvaluationReport, ProgressEvent, RestartReport, TrainReport, TrainResult } from "./types.ts";

/** Approximate seconds between two saves of the state, by default. */
const SECONDS_BETWEEN_SAVES = 10;
/** Approximate seconds between two checks of the signal. */
const SECONDS_BETWEEN_TURNS = 0.05;
/** Most steps per line of the log; slow engines take fewer at once. */
const STEPS_PER_LOG_LINE = 100;
/** A GPU takes more at once: each request waits about 11 ms for its answer, while the event loop turns. */
const GPU_STEPS_PER_LOG_LINE = 1000;
const GPU_SECONDS_BETWEEN_TURNS = 0.5;
/** A second pass draws from attempts that no training from scratch reaches, so the same seed gives it other examples. */
const CONTINUED_ATTEMPT = 2 ** 31;

/** Least seconds between two interim accuracy checks… */
const SECONDS_BETWEEN_GLANCES = 0.5;
/** …and least multiple of the duration of the last one. */
const GLANCE_RARITY = 50;

/** Samples of the evaluation stream: one for interim evaluations, one for the last. */
const SAMPLE_ON_THE_WAY = 1;
const SAMPLE_AT_THE_END = 0;

/** The part of a journal that a run uses. */
export type RunJournal = Pick<
  Journal,
  "begin" | "flushLog" | "log" | "modelFile" | "saveCertificate" | "saveModel" | "saveState"
>;

/** Thrown where a gate ends a single attempt. */
export class GateClosed extends Error {
  readonly restart: RestartReport;

  constructor(restart: RestartReport) {
    super(`Cannot go on with this attempt as its loss must be at most ${restart.gate}: it is ${restart.loss}`);
    this.restart = restart;
  }
}

/** The engine, journal and settings of a run. */
export interface RunTools {
  engine: Engine;
  journal: RunJournal | undefined;
  /** Whether a failed gate throws {@linkcode GateClosed} instead of restarting. */
  singleAttempt?: boolean;
  /** Steps after which the run ends. */
  limit: number;
  /** Steps between evaluations, 0 for none. */
  evalEvery: number;
  /** Problems of the final evaluation. */
  finalProblems: number;
  /** Problems of an interim accuracy check, for progress alone. @default {0} */
  glanceProblems?: number;
  /** Whether the run ends with a proof. */
  certify?: boolean;
  /** Threads of the proof. @default {all cores} */
  proofThreads?: number;
  /** Whether to train on pairs where the proof fails. @default {the recipe's} */
  harden?: boolean;
  /** Approximate seconds between two saves of the state. */
  saveEvery?: number;
  signal: AbortSignal | undefined;
  onProgress: (event: ProgressEvent) => void;
}

/** Weights and moments. */
type Vectors = Pick<TrainingState, "parameters" | "firstMoment" | "secondMoment">;

/** A run, from its current progress to its end. */
export class Run {
  readonly #progress: RunProgress;
  readonly #tools: RunTools;
  readonly #started = performance.now();
  readonly #earlierSeconds: number;
  #best: Float32Array | undefined;
  /** The earliest time of the next glance, in milliseconds. */
  #nextGlance = performance.now() + 1000 * SECONDS_BETWEEN_GLANCES;

  /** The engine must already hold the weights and moments of `progress`. */
  constructor(progress: RunProgress, tools: RunTools, best?: Float32Array) {
    this.#progress = progress;
    this.#tools = tools;
    this.#best = best;
    this.#earlierSeconds = progress.seconds;
  }

  /** Trains to the end, evaluates and saves. */
  async finish(): Promise<TrainResult> {
    await this.train();
    return await this.conclude();
  }

  /** Trains to the end. */
  async train(): Promise<void> {
    const { engine, journal, limit, onProgress } = this.#tools;
    const progress = this.#progress;
    const { recipe, model, seed, step } = progress;
    const started = { type: "start", recipe: recipe.name, model, seed, backend: engine.backend } as const;
    const adapter = engine.adapter ?? null;
    onProgress({ ...started, adapter, totalSteps: Math.min(limit, totalSteps(recipe)), resumedAt: step });
    if (step === 0 && (progress.attempt === 0 || this.#tools.singleAttempt)) {
      await journal?.begin(this.#state());
      this.#log("start", {
        recipe,
        model,
        seed,
        backend: engine.backend,
        ...(adapter !== null && { adapter }),
        threads: engine.threads,
        arithmetic: engine.arithmetic,
      });
    }
    await this.#loggingErrors(() => this.#train());
  }

  async #loggingErrors<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (this.#tools.signal?.aborted || error instanceof GateClosed) throw error;
      // the state stays at its last save, for a resume; log the cause
      const message = error instanceof Error ? error.message : String(error);
      this.#log("error", { step: this.#progress.step, message });
      await this.#tools.journal?.flushLog().catch(() => {}); // a full disk may be the cause
      throw error;
    }
  }

  async #train(): Promise<void> {
    const progress = this.#progress;
    const { engine, limit, evalEvery, saveEvery = SECONDS_BETWEEN_SAVES, signal } = this.#tools;
    const [most, secondsAtOnce] = engine.backend === "webgpu"
      ? [GPU_STEPS_PER_LOG_LINE, GPU_SECONDS_BETWEEN_TURNS]
      : [STEPS_PER_LOG_LINE, SECONDS_BETWEEN_TURNS];
    let chunk = STEPS_PER_LOG_LINE;
    let saved = performance.now();
    let turned = saved;
    if (progress.evaluationDue) await this.#endStretch(currentStage(progress)!);
    while (!isDone(progress, limit)) {
      const stage = currentStage(progress)!;
      const before = performance.now();
      const steps = Math.min(chunk, stepsAtOnce(progress, stage, this.#tools));
      await this.#takeSteps(stage, steps);
      const seconds = (performance.now() - before) / 1000;
      chunk = Math.max(
        1,
        Math.min(most, Math.round(steps * secondsAtOnce / Math.max(seconds, 1e-6))),
      );
      progress.trainSeconds += seconds;
      progress.evaluationDue = evalEvery !== 0 && progress.step % evalEvery === 0;
      if (await this.#endStretch(stage)) continue;
      if (this.#tools.journal !== undefined && performance.now() - saved > 1000 * saveEvery) {
        await this.save();
        saved = performance.now();
      }
      if (performance.now() - turned < 1000 * SECONDS_BETWEEN_TURNS) continue;
      await this.#glanceIfDue();
      await eventLoopTurn();
      turned = performance.now();
      if (signal?.aborted) {
        await this.save();
        throw signal.reason;
      }
    }
  }

  async #takeSteps(stage: Stage, steps: number): Promise<void> {
    const progress = this.#progress;
    const { engine, onProgress } = this.#tools;
    const { seed, attempt, stageStep } = progress;
    progress.ended = false;
    const before = performance.now();
    const { losses, gradientNorms } = await engine.trainRun({
      seed,
      attempt: progress.kind === "continue" ? CONTINUED_ATTEMPT + attempt : attempt,
      firstSample: progress.step,
      stage,
      firstStep: stageStep,
      steps,
      ...lengthsAt(stage, stageStep),
    });
    const examples = steps * stage.batch;
    const seconds = (performance.now() - before) / 1000;
    const bad = losses.findIndex((loss) => !Number.isFinite(loss));
    if (bad >= 0) {
      const learningRate = learningRateAt(stage, stageStep + bad);
      throw new TrainingError(
        `Cannot go on training as the loss must be finite: at step ${progress.step + bad}, ` +
          `with learning rate ${learningRate}, it is ${losses[bad]}`,
      );
    }
    const broken = engine.parameters().find((weight) => !Number.isFinite(weight));
    if (broken !== undefined) {
      throw new TrainingError(
        `Cannot go on training as the weights must be finite: after step ${progress.step + steps - 1}, ` +
          `with learning rate ${learningRateAt(stage, stageStep + steps - 1)}, one is ${broken}`,
      );
    }
    const sum = losses.reduce((total, loss) => total + loss, 0);
    const { gate } = stage;
    // chunks end where the window opens and closes
    if (gate !== undefined && stageStep >= gate.atStep - gate.window && stageStep < gate.atStep) {
      for (const loss of losses) progress.gateSum += loss;
    }
    progress.step += steps;
    progress.stageStep += steps;
    progress.examples += examples;
    const report = {
      step: progress.step,
      stage: stage.name,
      loss: sum / steps,
      learningRate: learningRateAt(stage, progress.stageStep - 1),
      gradientNorm: gradientNorms[steps - 1],
      examplesPerSecond: examples / Math.max(seconds, 1e-9),
    };
    onProgress({ type: "step", ...report, totalSteps: Math.min(this.#tools.limit, totalSteps(progress.recipe)) });
    this.#log("step", report);
  }

  /** After steps of a stage: evaluation, gate, next stage. @returns Whether the run restarts */
  async #endStretch(stage: Stage): Promise<boolean> {
    const progress = this.#progress;
    if (progress.evaluationDue) await this.#evaluateOnTheWay();
    if (this.#closeGate(stage)) return true;
    if (progress.stageStep === stage.steps) {
      Object.assign(progress, { stage: progress.stage + 1, stageStep: 0, gateSum: 0 });
    }
    return false;
  }

  /** Restarts if the loss at a gate is too high. @returns Whether it did */
  #closeGate(stage: Stage): boolean {
    const progress = this.#progress;
    const { gate } = stage;
    if (
      gate === undefined || progress.stageStep !== gate.atStep || progress.attempt + 1 >= progress.recipe.maxAttempts
    ) {
      return false;
    }
    const loss = progress.gateSum / gate.window;
    if (loss <= gate.loss) return false;
    const restart = { stage: stage.name, step: progress.step, loss, gate: gate.loss };
    if (this.#tools.singleAttempt) throw new GateClosed(restart);
    progress.restarts.push(restart);
    Object.assign(progress, { attempt: progress.attempt + 1, stage: 0, stageStep: 0, step: 0, gateSum: 0, best: null });
    this.#best = undefined;
    this.#tools.engine.initialize(progress.seed, progress.attempt);
    this.#tools.onProgress({ type: "restart", attempt: progress.attempt, ...restart });
    this.#log("restart", { attempt: progress.attempt, ...restart });
    return true;
  }

  /** Interim accuracy check for progress; it changes neither weights nor log. */
  async #glanceIfDue(): Promise<void> {
    const { engine, glanceProblems = 0, onProgress } = this.#tools;
    const before = performance.now();
    if (glanceProblems === 0 || before < this.#nextGlance) return;
    const { seed, step } = this.#progress;
    const held = engine.sample({ seed, stream: "evaluation", sample: SAMPLE_ON_THE_WAY, count: glanceProblems });
    const { total, correct } = await evaluate(engine, held, { maxErrors: 0 });
    onProgress({ type: "glance", step, total, correct });
    const after = performance.now();
    this.#nextGlance = after + Math.max(1000 * SECONDS_BETWEEN_GLANCES, GLANCE_RARITY * (after - before));
  }

  async #evaluateOnTheWay(): Promise<void> {
    const progress = this.#progress;
    const { engine } = this.#tools;
    const { evaluation } = progress.recipe;
    const result = await this.#evaluate(evaluation.problems, SAMPLE_ON_THE_WAY);
    progress.evaluationDue = false;
    progress.evaluations.push(result);
    if (evaluation.stopAt === undefined) return;
    if (progress.best === null || result.correct > progress.best.correct) {
      progress.best = result;
      this.#best = engine.parameters();
    }
    progress.stoppedEarly = result.correct >= evaluation.stopAt * result.total;
  }

  /** Evaluates on held-out problems. If the run is stopped meanwhile, its state is saved with `vectors`, those of the last step. */
  async #evaluate(count: number, sample: number, vectors?: Vectors): Promise<EvaluationReport> {
    const { engine, onProgress, signal } = this.#tools;
    const { seed, step } = this.#progress;
    const held = engine.sample({ seed, stream: "evaluation", sample, count });
    const result = await evaluate(engine, held, { maxErrors: 0, signal }).catch(async (error) => {
      if (signal?.aborted) await this.save(vectors);
      throw error;
    });
    const { total, correct, exactMatch, digitAccuracy } = result;
    const report = { step, total, correct, exactMatch, digitAccuracy };
    onProgress({ type: "evaluation", ...report });
    this.#log("evaluation", report);
    return { step, total, correct };
  }

  /** Evaluates, hardens, proves and saves the weights. */
  async conclude(): Promise<TrainResult> {
    return await this.#loggingErrors(() => this.#conclude());
  }

  async #conclude(): Promise<TrainResult> {
    const progress = this.#progress;
    const { engine, journal, onProgress } = this.#tools;
    const { recipe, model, seed, step, trainSeconds, restarts, evaluations, stoppedEarly } = progress;
    const last = this.#vectors();
    if (this.#best !== undefined) engine.setParameters(this.#best);
    const rounds = this.#hardeningRounds();
    if (rounds > 0) await this.save(last); // hardening is slow, and starts again after a resume
    const hardened = rounds === 0 ? null : await this.#harden(engine.parameters(), rounds);
    const examples = progress.examples + (hardened?.examples ?? 0);
    if (hardened !== null) engine.setParameters(hardened.parameters);
    const parameters = engine.parameters();
    const { total, correct } = await this.#evaluate(this.#tools.finalProblems, SAMPLE_AT_THE_END, last);
    const exactMatch = correct / total;
    const metadata = {
      kind: progress.kind,
      recipe: recipe.name,
      seed: String(seed),
      step: String(this.#best === undefined ? step : progress.best!.step),
      examples: String(examples),
      attempt: String(progress.attempt),
      backend: engine.backend,
      ...(engine.adapter !== undefined && { adapter: engine.adapter.name }),
      arithmetic: engine.arithmetic,
      exact_match: `${correct} of ${total}`,
      recipe_json: JSON.stringify(recipe),
      ...(hardened !== null && hardened.rounds > 0 && { hardening_rounds: String(hardened.rounds) }),
      ...(progress.from !== null && { from: JSON.stringify(progress.from) }),
    };
    const checkpoint = encodeCheckpoint({ model, parameters, metadata });
    this.#log("end", { step, exactMatch, examples });
    progress.ended = true;
    if (journal !== undefined) {
      await this.save(last);
      await journal.saveModel(checkpoint);
      onProgress({ type: "checkpoint", step, path: journal.modelFile });
    }
    const proof = hardened?.result ?? (this.#tools.certify ? await this.#certify(parameters) : null);
    if (proof?.certificate) await journal?.saveCertificate(certificateText(proof.certificate));
    onProgress({ type: "end", step, exactMatch });
    const report: TrainReport = {
      ...{ model, recipe: recipe.name, seed, steps: step, examples, seconds: this.#seconds(), trainSeconds },
      ...{ backend: engine.backend, adapter: engine.adapter ?? null },
      ...{ threads: engine.threads, arithmetic: engine.arithmetic },
      ...{ exactMatch, evaluated: total, checkpoint: journal?.modelFile ?? null },
      ...{ certified: proof?.certified ?? null, hardeningRounds: hardened?.rounds ?? null },
      worstMargin: proof?.worstMargin ?? null,
      ...{ counterexample: proof?.counterexample ?? null, restarts, evaluations, stoppedEarly },
      finished: isDone(progress, Infinity),
    };
    return { parameters, checkpoint, report, certificate: proof?.certificate ?? null };
  }

  async #certify(parameters: Float32Array): Promise<CertifyResult> {
    const { signal, onProgress } = this.#tools;
    const { model, recipe, step } = this.#progress;
    const { certify } = await import("../certify/certify.ts"); // loaded lazily
    return await certify({ model, parameters }, {
      ...{ seconds: recipe.proofSeconds ?? PROOF_SECONDS, threads: this.#tools.proofThreads, signal },
      onProgress: ({ proved, seconds }) => onProgress({ type: "certification", step, proved, seconds }),
    });
  }

  /** Most rounds of training on pairs where the proof fails. After a recipe that `steps` cut short, the recipe's own rounds would not help. */
  #hardeningRounds(): number {
    const { harden, certify } = this.#tools;
    const { hardeningRounds = 0 } = this.#progress.recipe;
    if (harden === undefined) return certify && isDone(this.#progress, Infinity) ? hardeningRounds : 0;
    return harden ? Math.max(hardeningRounds, HARDENING_ROUNDS) : 0;
  }

  async #harden(parameters: Float32Array, rounds: number): Promise<HardenResult> {
    const { signal, onProgress } = this.#tools;
    const { model, seed, step } = this.#progress;
    const { harden } = await import("../certify/harden.ts");
    return await harden({ model, parameters }, {
      ...{ rounds, seed, threads: this.#tools.proofThreads, backend: this.#tools.engine.backend, signal },
      onRound: (round) => onProgress({ type: "hardening", step, ...round }),
      onProgress: ({ proved, seconds }) => onProgress({ type: "certification", step, proved, seconds }),
    });
  }

  #seconds(): number {
    return this.#earlierSeconds + (performance.now() - this.#started) / 1000;
  }

  #log(event: string, fields: Record<string, unknown>): void {
    if (!this.#progress.ended) this.#tools.journal?.log({ event, ...fields });
  }

  /** The weights and moments of the last step, from which a resume continues, even if better weights are kept. */
  #vectors(): Vectors {
    const { engine } = this.#tools;
    const { firstMoment, secondMoment } = engine.optimizerState();
    return { parameters: engine.parameters(), firstMoment, secondMoment };
  }

  /** The state that a resume needs. */
  #state(vectors = this.#vectors()): TrainingState<RunProgress> {
    this.#progress.seconds = this.#seconds();
    return { progress: this.#progress, ...vectors, ...(this.#best && { best: this.#best }) };
  }

  /** Saves the state; a resume from it ends with the same bytes. */
  async save(vectors: Vectors = this.#vectors()): Promise<void> {
    await this.#tools.journal?.saveState(this.#state(vectors));
  }

  /** Gives a run its journal, with the events so far. */
  async startJournal(journal: RunJournal, events: Iterable<LogEvent>): Promise<void> {
    await journal.begin(this.#state());
    for (const event of events) journal.log(event);
    this.#tools.journal = journal;
  }
}
