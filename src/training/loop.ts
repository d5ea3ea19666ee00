/**
 * The training loop, a generator of events: stages, gates and restarts, evaluations. Files and displays are up to the reader of the events. The
 * weights depend on recipe, model and seed alone, never on when a chunk of steps ends or how long a reader takes.
 */
import { eventLoopTurn } from "../common/event_loop.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { type Operands, packOperands } from "../model/problem.ts";
import { learningRateAt } from "../schedule/learning_rate.ts";
import { encodeCheckpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { conclude, evaluateRun } from "./conclude.ts";
import { TrainingError } from "./error.ts";
import type { RunEvent } from "./events.ts";
import { measure, MEASURED_PROBLEMS } from "./measures.ts";
import { problemsOf } from "./mix.ts";
import type { ProblemRequest, RunOptions } from "./options.ts";
import { isDone, isKept, lengthsAt, type RunProgress, stepsAtOnce } from "./progress.ts";
import { type Stage, totalSteps } from "./recipes.ts";
import { INTERIM_SAMPLE, type Run } from "./run.ts";
import type { RestartReport } from "./types.ts";

/** Approximate seconds between two turns of the event loop. */
const SECONDS_BETWEEN_TURNS = 0.05;
/** Most steps at once; slow engines take fewer. */
const MOST_STEPS = 100;
/** A GPU takes more at once: each request waits about 11 ms for its answer, while the event loop turns. */
const MOST_GPU_STEPS = 1000;
const GPU_SECONDS = 0.5;
/** A second pass draws from attempts that no training from scratch reaches, so the same seed gives it other examples. */
const CONTINUED_ATTEMPT = 2 ** 31;

/** Least seconds between two interim evaluations… */
const SECONDS_BETWEEN_INTERIM = 0.5;
/** …and least multiple of the duration of the last one. */
const INTERIM_RARITY = 50;

/** Trains to the end, evaluates, hardens and proves. */
export async function* runEvents(run: Run, options: RunOptions): AsyncGenerator<RunEvent, void> {
  yield* trainSteps(run, options);
  yield* conclude(run, options);
}

/**
 * Takes the steps of a run.
 *
 * @param singleAttempt Whether the run ends, instead of starting again, where a gate finds a loss that is too high
 * @returns The report of that gate
 */
export async function* trainSteps(
  run: Run,
  options: RunOptions,
  singleAttempt = false,
): AsyncGenerator<RunEvent, RestartReport | undefined> {
  const { engine, progress } = run;
  const { recipe, model, seed } = progress;
  const { signal, steps: mostSteps = Infinity, evalEvery = recipe.evaluation.every } = options;
  const { backend, adapter, threads, arithmetic } = engine;
  const limit = Math.min(mostSteps, totalSteps(recipe));
  yield {
    ...{ type: "start", recipe: recipe.name, model, seed, totalSteps: limit, backend },
    ...{ adapter: adapter ?? null, resumedAt: progress.step },
  };
  if (progress.step === 0 && progress.attempt === 0) {
    yield {
      type: "begin",
      settings: { recipe, model, seed, backend, ...(adapter && { adapter }), threads, arithmetic },
    };
    yield { type: "state", due: true, state: () => run.state() };
  }
  const isGpu = backend === "webgpu";
  let chunk = MOST_STEPS;
  let turned = performance.now();
  while (progress.evaluationDue || !isDone(progress, limit)) {
    const stage = recipe.stages[progress.stage];
    if (progress.step === 0 && isKept(progress)) yield* keepWeights(run);
    if (!progress.evaluationDue) { // otherwise the last session was stopped in an evaluation
      const before = performance.now();
      const steps = Math.min(chunk, stepsAtOnce(progress, stage, { limit, evalEvery }));
      yield* takeChunk(run, stage, steps, limit, options);
      if (isKept(progress)) yield* keepWeights(run);
      const seconds = Math.max((performance.now() - before) / 1000, 1e-6);
      const fitting = Math.round(steps * (isGpu ? GPU_SECONDS : SECONDS_BETWEEN_TURNS) / seconds);
      chunk = Math.max(1, Math.min(isGpu ? MOST_GPU_STEPS : MOST_STEPS, fitting));
      progress.evaluationDue = evalEvery !== 0 && progress.step % evalEvery === 0;
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
    const stops = signal?.aborted ?? false;
    yield { type: "state", due: stops, state: () => run.state() };
    if (stops) throw signal!.reason;
  }
}

async function* takeChunk(
  run: Run,
  stage: Stage,
  steps: number,
  limit: number,
  { problems = problemsOf(stage, run.engine) }: RunOptions,
): AsyncGenerator<RunEvent, void> {
  const { engine, progress } = run;
  const { seed, attempt, step: firstSample, stageStep: firstStep } = progress;
  progress.ended = false;
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
    learningRate: learningRateAt(stage, progress.stageStep - 1),
    gradientNorm: gradientNorms[steps - 1],
    examplesPerSecond: examples / Math.max(seconds, 1e-9),
    totalSteps: limit,
  };
}

/** The weights of a step that is kept, and what is measured of them. */
async function* keepWeights(run: Run): AsyncGenerator<RunEvent, void> {
  const { engine, progress: { step, model } } = run;
  const [parameters, metadata] = [engine.parameters(), run.metadata()];
  yield { type: "kept", step, parameters, checkpoint: () => encodeCheckpoint({ model, parameters, metadata }) };
  yield {
    type: "measures",
    step,
    ...await measure(engine, engine.sample(run.heldOut(INTERIM_SAMPLE, MEASURED_PROBLEMS))),
  };
}

/** The examples of a step. @throws {TrainingError} If there are not as many as requested @throws {RangeError} If an operand is none */
function examplesOf(problems: NonNullable<RunOptions["problems"]>, request: ProblemRequest): Operands {
  const operands = packOperands(problems(request));
  if (operands.length === 2 * request.count) return operands;
  throw new TrainingError(
    `Cannot train at step ${request.step} as \`problems\` must return ${request.count} pairs: current number is ${
      operands.length / 2
    }`,
  );
}

/** Checks the losses and the weights after steps of a stage. */
function checkFinite({ engine, progress: { step, stageStep } }: Run, stage: Stage, losses: Float32Array): void {
  const bad = losses.findIndex((loss) => !Number.isFinite(loss));
  if (bad >= 0) {
    throw new TrainingError(
      `Cannot go on training as the loss must be finite: at step ${step + bad}, ` +
        `with learning rate ${learningRateAt(stage, stageStep + bad)}, it is ${losses[bad]}`,
    );
  }
  const broken = engine.parameters().find((weight) => !Number.isFinite(weight));
  if (broken === undefined) return;
  const last = losses.length - 1;
  throw new TrainingError(
    `Cannot go on training as the weights must be finite: after step ${step + last}, ` +
      `with learning rate ${learningRateAt(stage, stageStep + last)}, one is ${broken}`,
  );
}

/** The report of a gate at this step whose loss is too high, unless this is the last attempt. */
function failedGate({ attempt, recipe, step, stageStep, gateSum }: RunProgress, { name, gate }: Stage) {
  if (gate === undefined || stageStep !== gate.atStep || attempt + 1 >= recipe.maxAttempts) return undefined;
  const loss = gateSum / gate.window;
  return loss <= gate.loss ? undefined : { stage: name, step, loss, gate: gate.loss };
}

async function* evaluateInterim(run: Run, signal?: AbortSignal): AsyncGenerator<RunEvent, void> {
  const { engine, progress } = run;
  const { problems, stopAt } = progress.recipe.evaluation;
  const result = yield* evaluateRun(run, INTERIM_SAMPLE, problems, { signal, state: () => run.state() });
  progress.evaluationDue = false;
  progress.evaluations.push(result);
  if (stopAt === undefined) return;
  if (progress.best === null || result.correct > progress.best.correct) {
    progress.best = result;
    run.best = engine.parameters();
  }
  progress.stoppedEarly = result.correct >= stopAt * result.total;
}

/** Adds interim evaluations to the events of a run, for progress alone: they change neither weights nor log. */
export async function* withInterimEvaluations(
  events: AsyncIterable<RunEvent>,
  run: Run,
  problems = 0,
): AsyncGenerator<RunEvent, void> {
  let next = performance.now() + 1000 * SECONDS_BETWEEN_INTERIM;
  for await (const event of events) {
    yield event;
    const before = performance.now();
    if (event.type !== "step" || problems === 0 || before < next) continue;
    const { total, correct } = await evaluate(run.engine, run.heldOut(INTERIM_SAMPLE, problems), { maxErrors: 0 });
    yield { type: "interim", step: event.step, total, correct };
    const after = performance.now();
    next = after + Math.max(1000 * SECONDS_BETWEEN_INTERIM, INTERIM_RARITY * (after - before));
  }
}
