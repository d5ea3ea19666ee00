/**
 * A run as a generator of events: stages, gates and restarts, evaluations, hardening, proof. Files and displays are up to the reader of the events. The
 * weights depend on recipe, model and seed alone, never on when a chunk of steps ends or how long a reader takes.
 */
import type { HardenResult } from "../certify/harden.ts";
import type { CertifyProgress } from "../certify/types.ts";
import { encodeCheckpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { eventLoopTurn } from "../common/event_loop.ts";
import { type Operands, packOperands } from "../model/problem.ts";
import { learningRateAt } from "../schedule/learning_rate.ts";
import { TrainingError } from "./error.ts";
import { emitted, type RunEvent, type RunEvents } from "./events.ts";
import { measure, MEASURED_PROBLEMS } from "./measures.ts";
import { problemsOf } from "./mix.ts";
import { FINAL_EVALUATION, HARDENING_ROUNDS, PROOF_SECONDS, type Stage, totalSteps } from "./recipes.ts";
import { FINAL_SAMPLE, INTERIM_SAMPLE, isDone, lengthsAt, type Run, type RunProgress } from "./run.ts";
import type { ProblemRequest, RestartReport, RunOptions } from "./types.ts";

/** Approximate seconds between two turns of the event loop. */
const SECONDS_BETWEEN_TURNS = 0.05;
/** Most steps at once, and the seconds that they may take. */
const CHUNK = { most: 100, goal: SECONDS_BETWEEN_TURNS };
/** A GPU takes more at once: each request waits about 11 ms for its answer, while the event loop turns. */
const GPU_CHUNK = { most: 1000, goal: 0.5 };
/** A second pass draws from attempts that no training from scratch reaches, so the same seed gives it other examples. */
const CONTINUED_ATTEMPT = 2 ** 31;

/** Held-out problems of the final evaluation where the weights are proved right already. */
const PROVED_EVALUATION = 10_000;

/** Least seconds between two interim evaluations, and least multiple of the duration of the last one. */
const SECONDS_BETWEEN_INTERIM = 0.5;
const INTERIM_RARITY = 50;

export async function* runEvents(run: Run, options: RunOptions): RunEvents {
  try {
    yield* trainSteps(run, options);
  } catch (error) {
    // the signal ends it between two steps, if need be in an evaluation, which a resume repeats
    if (error === options.signal?.reason) yield { type: "state", due: true, state: () => run.state() };
    throw error;
  }
  yield* conclude(run, options);
}

export type AttemptEvents = RunEvents<RestartReport | undefined>;

/** Takes the steps of a run. `singleAttempt`: it ends where a gate finds too high a loss, instead of starting again. @returns The report of that gate */
export async function* trainSteps(run: Run, options: RunOptions, singleAttempt = false): AttemptEvents {
  const { engine, progress } = run;
  const { recipe, model, seed } = progress;
  const { signal, steps: mostSteps = Infinity, evalEvery = recipe.evaluation.every, interimProblems = 0 } = options;
  const { backend, adapter, threads, arithmetic } = engine;
  const limit = Math.min(mostSteps, totalSteps(recipe));
  yield {
    ...{ type: "start", recipe: recipe.name, model, seed, totalSteps: limit, backend },
    ...{ adapter: adapter ?? null, resumedAt: progress.step },
  };
  if (progress.step === 0 && progress.attempt === 0) {
    const settings = { recipe, model, seed, backend, adapter, threads, arithmetic };
    yield { type: "begin", settings, state: structuredClone(run.state()) }; // an attempt in a worker does not wait
  }
  const { most, goal } = backend === "webgpu" ? GPU_CHUNK : CHUNK;
  let chunk = CHUNK.most;
  let turned = performance.now();
  let nextInterim = turned + 1000 * SECONDS_BETWEEN_INTERIM;
  while (progress.evaluationDue || !isDone(progress, limit)) {
    const stage = recipe.stages[progress.stage];
    if (progress.step === 0 && run.isKept) yield* keepWeights(run);
    if (!progress.evaluationDue) { // otherwise the last session was stopped in an evaluation
      const before = performance.now();
      const steps = Math.min(chunk, run.stepsAtOnce(stage, limit, evalEvery));
      yield* takeChunk(run, steps, limit, options);
      if (run.isKept) yield* keepWeights(run);
      const seconds = Math.max((performance.now() - before) / 1000, 1e-6);
      chunk = Math.max(1, Math.min(most, Math.round(steps * goal / seconds)));
      progress.evaluationDue = evalEvery !== 0 && progress.step % evalEvery === 0;
    }
    if (interimProblems > 0 && performance.now() >= nextInterim) { // for progress alone: changes neither weights nor log
      const before = performance.now();
      const { step, total, correct } = await run.evaluate(INTERIM_SAMPLE, interimProblems);
      yield { type: "interim", step, total, correct };
      const after = performance.now();
      nextInterim = after + Math.max(1000 * SECONDS_BETWEEN_INTERIM, INTERIM_RARITY * (after - before));
    }
    if (progress.evaluationDue) yield* evaluateInterim(run, signal);
    const failed = failedGate(progress, stage);
    if (failed !== undefined) {
      yield { type: "restart", attempt: progress.attempt + 1, ...failed };
      if (singleAttempt) return failed;
      run.restart(failed);
    } else if (progress.stageStep === stage.steps) {
      Object.assign(progress, { stage: progress.stage + 1, stageStep: 0, gateSum: 0 });
    }
    if (performance.now() - turned >= 1000 * SECONDS_BETWEEN_TURNS) {
      await eventLoopTurn();
      turned = performance.now();
    }
    signal?.throwIfAborted();
    yield { type: "state", due: false, state: () => run.state() };
  }
}

async function* takeChunk(run: Run, steps: number, limit: number, options: RunOptions): RunEvents {
  const { engine, progress } = run;
  const stage = progress.recipe.stages[progress.stage];
  const { problems = problemsOf(stage, engine) } = options;
  const { seed, attempt, step: firstSample, stageStep: firstStep } = progress;
  const before = performance.now();
  const request = {
    ...{ seed, attempt: progress.kind === "continue" ? CONTINUED_ATTEMPT + attempt : attempt },
    ...lengthsAt(stage, firstStep),
  };
  const { losses, gradientNorms } = await engine.trainRun({
    ...{ ...request, firstSample, stage, firstStep, steps },
    ...(problems && { problems: (step) => examplesOf(problems, { ...request, step, first: 0, count: stage.batch }) }),
  });
  const seconds = (performance.now() - before) / 1000;
  checkFinite(run, stage, losses);
  const { gate } = stage;
  // chunks end where the window opens and closes
  if (gate !== undefined && firstStep >= gate.atStep - gate.window && firstStep < gate.atStep) {
    for (const loss of losses) progress.gateSum += loss;
  }
  const examples = steps * stage.batch;
  progress.step += steps;
  progress.stageStep += steps;
  progress.examples += examples;
  progress.trainSeconds += seconds;
  yield { type: "losses", firstStep: firstSample + 1, losses };
  yield {
    ...{ type: "step", step: progress.step, stage: stage.name },
    loss: losses.reduce((total, loss) => total + loss, 0) / steps,
    ...{ learningRate: learningRateAt(stage, progress.stageStep - 1), gradientNorm: gradientNorms[steps - 1] },
    ...{ examplesPerSecond: examples / Math.max(seconds, 1e-9), totalSteps: limit },
  };
}

async function* keepWeights(run: Run): RunEvents {
  const { engine, progress: { step, model } } = run;
  const [parameters, metadata] = [engine.parameters(), run.metadata()];
  yield { type: "kept", step, parameters, checkpoint: () => encodeCheckpoint({ model, parameters, metadata }) };
  const operands = engine.sample(run.heldOut(INTERIM_SAMPLE, MEASURED_PROBLEMS));
  yield { type: "measures", step, ...await measure(engine, operands) };
}

/** The examples of a step. @throws {TrainingError} If there are not as many as requested @throws {RangeError} If an operand is none */
function examplesOf(problems: NonNullable<RunOptions["problems"]>, request: ProblemRequest): Operands {
  const operands = packOperands(problems(request));
  const found = operands.length / 2;
  if (found === request.count) return operands;
  throw new TrainingError(
    `Cannot train at step ${request.step} as \`problems\` must return ${request.count} pairs: current number is ${found}`,
  );
}

function checkFinite({ engine, progress: { step, stageStep } }: Run, stage: Stage, losses: Float32Array): void {
  const fail = (what: string, when: string, i: number, found: string) =>
    new TrainingError(
      `Cannot go on training as the ${what} must be finite: ${when} step ${step + i}, ` +
        `with learning rate ${learningRateAt(stage, stageStep + i)}, ${found}`,
    );
  const bad = losses.findIndex((loss) => !Number.isFinite(loss));
  if (bad >= 0) throw fail("loss", "at", bad, `it is ${losses[bad]}`);
  const broken = engine.parameters().find((weight) => !Number.isFinite(weight));
  if (broken !== undefined) throw fail("weights", "after", losses.length - 1, `one is ${broken}`);
}

/** The report of a gate at this step whose loss is too high, unless this is the last attempt. */
function failedGate({ attempt, recipe, step, stageStep, gateSum }: RunProgress, { name, gate }: Stage) {
  if (gate === undefined || stageStep !== gate.atStep || attempt + 1 >= recipe.maxAttempts) return undefined;
  const loss = gateSum / gate.window;
  return loss <= gate.loss ? undefined : { stage: name, step, loss, gate: gate.loss };
}

async function* evaluateInterim(run: Run, signal?: AbortSignal): RunEvents {
  const { engine, progress } = run;
  const { problems, stopAt } = progress.recipe.evaluation;
  const evaluation = await run.evaluate(INTERIM_SAMPLE, problems, signal);
  yield { type: "evaluation", ...evaluation };
  const { step, total, correct } = evaluation;
  progress.evaluationDue = false;
  progress.evaluations.push({ step, total, correct });
  if (stopAt === undefined) return;
  if (progress.best === null || correct > progress.best.correct) {
    progress.best = { step, total, correct };
    run.best = engine.parameters();
  }
  progress.stoppedEarly = correct >= stopAt * total;
}

export async function* conclude(run: Run, options: RunOptions): RunEvents {
  const { engine, progress } = run;
  const { backend, adapter = null, threads, arithmetic } = engine;
  const { recipe, model, seed, step, trainSeconds, restarts, evaluations, stoppedEarly } = progress;
  // a resume goes on from the last step, even if better weights are kept; hardening and proof are slow, and start again then
  yield { type: "state", due: true, state: () => run.state() };
  if (run.best !== undefined) engine.setParameters(run.best);
  const rounds = hardeningRounds(run, options);
  const hardened = rounds === 0 ? null : yield* prove(run, options, rounds);
  const examples = progress.examples + (hardened?.examples ?? 0);
  const parameters = engine.parameters();
  const { signal, finalProblems = hardened?.result.certified ? PROVED_EVALUATION : FINAL_EVALUATION } = options;
  const evaluation = await run.evaluate(FINAL_SAMPLE, finalProblems, signal);
  yield { type: "evaluation", ...evaluation };
  const { total, correct, exactMatch } = evaluation;
  const metadata = {
    ...run.metadata(),
    step: String(run.best === undefined ? step : progress.best!.step),
    examples: String(examples),
    exact_match: `${correct} of ${total}`,
    ...(hardened !== null && hardened.rounds > 0 && { hardening_rounds: String(hardened.rounds) }),
  };
  const checkpoint = encodeCheckpoint({ model, parameters, metadata });
  yield { type: "model", step, exactMatch, examples, parameters, checkpoint };
  const { result: proof } = hardened ?? (options.certify ? yield* prove(run, options) : { result: null });
  const certificate = proof?.certificate ?? null;
  if (certificate !== null) yield { type: "certificate", certificate };
  yield { type: "end", step, exactMatch };
  const report = {
    ...{ model, recipe: recipe.name, seed, steps: step, examples, seconds: run.seconds, trainSeconds },
    ...{ backend, adapter, threads, arithmetic, exactMatch, evaluated: total, checkpoint: null },
    ...{ certified: proof?.certified ?? null, hardeningRounds: hardened?.rounds ?? null },
    ...{ worstMargin: proof?.worstMargin ?? null, counterexample: proof?.counterexample ?? null },
    ...{ restarts, evaluations, stoppedEarly, finished: isDone(progress) },
  };
  yield { type: "finished", result: { parameters, checkpoint, report, certificate } };
}

/** Most rounds of training on pairs where the proof fails. After a recipe that `steps` cut short, the recipe's own rounds would not help. */
function hardeningRounds({ progress }: Run, { harden, certify }: RunOptions): number {
  const { hardeningRounds = 0 } = progress.recipe;
  if (harden === undefined) return certify && isDone(progress) ? hardeningRounds : 0;
  return harden ? Math.max(hardeningRounds, HARDENING_ROUNDS) : 0;
}

/** Proves the weights of the engine, or hardens them in at most `rounds` rounds. A reader who leaves stops it. */
async function* prove(run: Run, { threads, signal }: RunOptions, rounds = 0): RunEvents<HardenResult> {
  const { engine, progress: { model, seed, step, recipe } } = run;
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const parameters = engine.parameters();
  try {
    return yield* emitted<RunEvent, HardenResult>(async (emit) => {
      const onProgress = (progress: CertifyProgress) => emit({ type: "certification", step, ...progress });
      const watched = { threads, signal: either, onProgress };
      if (rounds === 0) {
        const { certify } = await import("../certify/certify.ts"); // loaded lazily
        const seconds = recipe.proofSeconds ?? PROOF_SECONDS;
        const result = await certify({ model, parameters }, { seconds, ...watched });
        return { parameters, rounds, examples: 0, result };
      }
      const { hardenOn } = await import("../certify/harden.ts");
      return await hardenOn(() => engine, model, parameters, {
        ...{ rounds, seed, ...watched },
        onRound: (round) => emit({ type: "hardening", step, ...round }),
      });
    });
  } finally {
    stop.abort();
  }
}
