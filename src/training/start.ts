import { checkOptions, type OptionKinds } from "../common/options.ts";
import { formatValue } from "../common/format_value.ts";
import type { Checkpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { checkpointFrom } from "../checkpoint/safetensors/source.ts";
import { createEngine } from "../engine/create_engine.ts";
import type { Engine, EngineOptions } from "../engine/interface/types.ts";
import { checkWord } from "../model/philox.ts";
import type { ModelName } from "../model/variant.ts";
import { TrainingError } from "./error.ts";
import { Journal } from "./journal.ts";
import { freshProgress, isDone, type RunKind, type RunProgress } from "./progress.ts";
import { checkRecipeForm } from "./recipe_form.ts";
import { checkRecipe, continueRecipe, FINAL_EVALUATION, type Recipe, totalSteps, trainRecipe } from "./recipes.ts";
import { Run } from "./run.ts";
import { trainSideBySide } from "./side_by_side.ts";
import type { ContinueOptions, TrainOptions, TrainResult } from "./types.ts";

/** The start of a run: fresh or resumed. */
interface Start {
  progress: RunProgress;
  journal: Journal | undefined;
  /** Weights to start from; a resumed run also has moments. */
  weights?: { parameters: Float32Array; moments?: { firstMoment: Float32Array; secondMoment: Float32Array } };
  best?: Float32Array;
}

function recipeOf(kind: RunKind, recipe: string | Recipe): Recipe {
  if (typeof recipe === "string") return kind === "train" ? trainRecipe(recipe) : continueRecipe(recipe);
  checkRecipeForm(
    recipe,
    "the recipe",
    (reason) => new TypeError(`Cannot train by a recipe of your own as ${reason}`),
  );
  checkRecipe(recipe, kind);
  return recipe;
}

function checkCount(asked: string, name: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return;
  throw new RangeError(
    `Cannot ${asked} as ${name} must be a whole number, 0 or more: current value is ${formatValue(value)}`,
  );
}

const CONTINUE_OPTIONS: OptionKinds<ContinueOptions> = {
  from: "anything",
  recipe: "a name or a recipe",
  ...{ seed: "a number", steps: "a number", evalEvery: "a number", saveEvery: "a number" },
  ...{ glanceProblems: "a number", finalProblems: "a number", threads: "a number" },
  ...{ out: "a text", resume: "true or false", overwrite: "true or false" },
  ...{ certify: "true or false", harden: "true or false" },
  ...{ signal: "an AbortSignal", onProgress: "a function" },
  ...{ backend: "anything", arithmetic: "anything" }, // createEngine checks them
};

const { from: _, ...COMMON_OPTIONS } = CONTINUE_OPTIONS;
const TRAIN_OPTIONS: OptionKinds<TrainOptions> = { ...COMMON_OPTIONS, model: "anything", attempts: "a number" };

function checkRanges(
  asked: string,
  { seed, steps, evalEvery, saveEvery, glanceProblems, finalProblems }: TrainOptions,
): void {
  if (seed !== undefined) checkWord(asked, "seed", seed);
  checkCount(asked, "steps", steps);
  checkCount(asked, "evalEvery", evalEvery);
  checkCount(asked, "glanceProblems", glanceProblems);
  if (saveEvery !== undefined && !(saveEvery >= 0)) {
    throw new RangeError(
      `Cannot ${asked} as saveEvery must be a number, 0 or more: current value is ${formatValue(saveEvery)}`,
    );
  }
  if (finalProblems !== undefined && !(Number.isSafeInteger(finalProblems) && finalProblems > 0)) {
    throw new RangeError(
      `Cannot ${asked} as finalProblems must be a whole number, 1 or more: current value is ${
        formatValue(finalProblems)
      }`,
    );
  }
}

/** Reads the state of the run in `out`. Its recipe, model and seed hold; options must not contradict them. */
async function resumed(kind: RunKind, options: TrainOptions): Promise<Start> {
  if (options.out === undefined) {
    throw new TrainingError("Cannot resume a run as `out` must name its folder: it is missing");
  }
  const { journal, state } = await Journal.resume(options.out, options);
  const { progress, parameters, firstMoment, secondMoment, best } = state;
  const recipe = typeof options.recipe === "object" ? options.recipe.name : options.recipe;
  const asked: [string, unknown, unknown][] = [
    ["kind", kind, progress.kind],
    ["recipe", recipe, progress.recipe.name],
    ["model", options.model, progress.model],
    ["seed", options.seed, progress.seed],
    ["arithmetic", options.arithmetic, progress.arithmetic],
    ["backend", options.backend === "auto" ? undefined : options.backend, progress.backend ?? options.backend],
  ];
  try {
    for (const [name, wanted, found] of asked) {
      if (wanted === undefined || wanted === found) continue;
      throw new TrainingError(
        `Cannot resume the run in ${options.out} as its ${name} must be the one asked for, ${wanted}: it is ${found}`,
      );
    }
    if (!isDone(progress, options.steps ?? Infinity)) journal.checkProof();
  } catch (error) {
    journal.close();
    throw error;
  }
  return { progress, journal, weights: { parameters, moments: { firstMoment, secondMoment } }, best };
}

async function fresh(kind: RunKind, options: TrainOptions, from?: Checkpoint): Promise<Start> {
  const { recipe = kind === "train" ? "sure" : "fast", seed = 1, arithmetic = "exact", out } = options;
  const model: ModelName = from?.model ?? options.model ?? 763;
  const progress = freshProgress({
    ...{ kind, recipe: recipeOf(kind, recipe), model, seed, arithmetic },
    from: from?.metadata ?? null,
  });
  const journal = out === undefined ? undefined : await Journal.create(out, options);
  return { progress, journal, ...(from && { weights: { parameters: from.parameters } }) };
}

/** Makes the engine of a run. */
export type EngineMaker = (options: EngineOptions) => Promise<Engine>;

async function run(start: Start, options: TrainOptions, makeEngine: EngineMaker = createEngine): Promise<TrainResult> {
  const { progress, journal, weights, best } = start;
  const { model, seed, attempt, recipe } = progress;
  const {
    backend = "auto",
    threads,
    signal,
    onProgress = () => {},
    finalProblems = FINAL_EVALUATION,
    glanceProblems,
    certify = false,
    harden,
    saveEvery,
  } = options;
  signal?.throwIfAborted();
  const resumedOn = backend === "auto" ? progress.backend : undefined;
  const arithmetic = options.resume ? progress.arithmetic : options.arithmetic;
  const engine = await makeEngine({ backend: resumedOn ?? backend, model, threads, arithmetic });
  Object.assign(progress, { backend: engine.backend, arithmetic: engine.arithmetic }); // what really runs
  try {
    if (weights === undefined) engine.initialize(seed, attempt);
    else engine.setParameters(weights.parameters);
    if (weights?.moments !== undefined) engine.setOptimizerState({ step: progress.step, ...weights.moments });
    const limit = Math.min(options.steps ?? Infinity, totalSteps(recipe));
    const evalEvery = options.evalEvery ?? recipe.evaluation.every;
    return await new Run(
      progress,
      {
        ...{ engine, journal, limit, evalEvery, finalProblems, glanceProblems, certify, harden, proofThreads: threads },
        ...{ saveEvery, signal, onProgress },
      },
      best,
    )
      .finish();
  } finally {
    await engine.dispose();
  }
}

/** `train` of train.ts. */
export async function startTraining(options: TrainOptions, makeEngine?: EngineMaker): Promise<TrainResult> {
  checkOptions("train", options, TRAIN_OPTIONS);
  checkRanges("train", options);
  const start = options.resume ? await resumed("train", options) : await fresh("train", options);
  const begin = () => options.attempts === undefined ? run(start, options, makeEngine) : runAttempts(start, options);
  return await closing(start, begin);
}

/** Unlocks the run's folder when the run ends, however it ends. */
async function closing({ journal }: Start, run: () => Promise<TrainResult>): Promise<TrainResult> {
  try {
    return await run();
  } finally {
    journal?.close();
  }
}

/** A run whose attempts are trained in parallel. */
async function runAttempts({ progress, journal }: Start, options: TrainOptions): Promise<TrainResult> {
  const { attempts, backend = "auto", steps = Infinity, resume, signal } = options;
  const asked = "Cannot train attempts side by side as";
  if (!Number.isInteger(attempts) || attempts! < 1 || attempts! > 64) {
    throw new RangeError(
      `${asked} their number must be a whole number from 1 to 64: current value is ${formatValue(attempts)}`,
    );
  }
  if (resume) {
    throw new TrainingError(`${asked} they must start from the beginning: nothing of them is saved to resume`);
  }
  if (backend !== "auto" && backend !== "wasm") {
    throw new TrainingError(`${asked} the backend must be wasm: it is ${backend}`);
  }
  signal?.throwIfAborted();
  const { recipe } = progress;
  return await trainSideBySide({
    start: progress,
    attempts: attempts!,
    journal,
    limit: Math.min(steps, totalSteps(recipe)),
    evalEvery: options.evalEvery ?? recipe.evaluation.every,
    finalProblems: options.finalProblems ?? FINAL_EVALUATION,
    certify: options.certify ?? false,
    harden: options.harden,
    signal,
    onProgress: options.onProgress ?? (() => {}),
  });
}

/** `continueTraining` of train.ts. */
export async function startContinuing(options: ContinueOptions): Promise<TrainResult> {
  checkOptions("continue training", options, CONTINUE_OPTIONS);
  checkRanges("continue training", options);
  if (options.resume) {
    const start = await resumed("continue", options);
    return await closing(start, () => run(start, options));
  }
  const { from } = options;
  if (from === undefined) {
    throw new TrainingError("Cannot continue training as `from` must be a checkpoint: it is missing");
  }
  const start = await fresh("continue", options, checkpointFrom(from, "continue training from `from`"));
  return await closing(start, () => run(start, options));
}
