/**
 * Training from scratch, and a second pass from a checkpoint.
 *
 * @module
 */
import { type Checkpoint, decodeCheckpoint } from "../checkpoint/checkpoint.ts";
import { readCheckpointFileSync } from "../checkpoint/store.ts";
import { createEngine } from "../engine/create_engine.ts";
import { checkWord } from "../model/philox.ts";
import type { ModelName } from "../model/variant.ts";
import { TrainingError } from "./error.ts";
import { Journal } from "./journal.ts";
import { freshProgress, type RunKind, type RunProgress } from "./progress.ts";
import { continueRecipe, type Recipe, totalSteps, trainRecipe } from "./recipes.ts";
import { Run } from "./run.ts";
import type { ContinueOptions, TrainOptions, TrainResult } from "./types.ts";

/** What a run starts from. */
interface Start {
  progress: RunProgress;
  journal: Journal | undefined;
  /** Weights to start from, with the optimizer's moments where the run had begun. */
  weights?: { parameters: Float32Array; moments?: { firstMoment: Float32Array; secondMoment: Float32Array } };
  best?: Float32Array;
}

function recipeOf(kind: RunKind, recipe: string | Recipe): Recipe {
  if (typeof recipe !== "string") return recipe;
  return kind === "train" ? trainRecipe(recipe) : continueRecipe(recipe);
}

function checkCount(asked: string, name: string, value: number | undefined): void {
  if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) return;
  throw new RangeError(`Cannot ${asked} as ${name} must be a whole number, 0 or more: current value is ${value}`);
}

function checkOptions(kind: RunKind, { seed, steps, evalEvery }: TrainOptions): void {
  const asked = kind === "train" ? "train" : "continue training";
  if (seed !== undefined) checkWord(asked, "seed", seed);
  checkCount(asked, "steps", steps);
  checkCount(asked, "evalEvery", evalEvery);
}

/** Reads the state of the run in `out`, whose recipe, model and seed count. */
async function resumed(kind: RunKind, options: TrainOptions): Promise<Start> {
  if (options.out === undefined) {
    throw new TrainingError("Cannot resume a run as `out` must name its folder: it is missing");
  }
  const { journal, state } = await Journal.resume(options.out);
  const { progress, parameters, firstMoment, secondMoment, best } = state;
  const recipe = typeof options.recipe === "object" ? options.recipe.name : options.recipe;
  const asked: [string, unknown, unknown][] = [
    ["kind", kind, progress.kind],
    ["recipe", recipe, progress.recipe.name],
    ["model", options.model, progress.model],
    ["seed", options.seed, progress.seed],
  ];
  for (const [name, wanted, found] of asked) {
    if (wanted !== undefined && wanted !== found) {
      throw new TrainingError(
        `Cannot resume the run in ${options.out} as its ${name} must be the one asked for, ${wanted}: it is ${found}`,
      );
    }
  }
  return { progress, journal, weights: { parameters, moments: { firstMoment, secondMoment } }, best };
}

async function fresh(kind: RunKind, options: TrainOptions, from?: Checkpoint): Promise<Start> {
  const { recipe = "fast", seed = 1, out } = options;
  const model: ModelName = from?.model ?? options.model ?? 763;
  const progress = freshProgress({ kind, recipe: recipeOf(kind, recipe), model, seed, from: from?.metadata ?? null });
  const journal = out === undefined ? undefined : await Journal.create(out);
  return { progress, journal, ...(from && { weights: { parameters: from.parameters } }) };
}

async function run(start: Start, options: TrainOptions): Promise<TrainResult> {
  const { progress, journal, weights, best } = start;
  const { model, seed, attempt, recipe } = progress;
  const { backend, threads, arithmetic, signal, onProgress = () => {} } = options;
  signal?.throwIfAborted();
  const engine = await createEngine({ backend, model, threads, arithmetic });
  try {
    if (weights === undefined) engine.initialize(seed, attempt);
    else engine.setParameters(weights.parameters);
    if (weights?.moments !== undefined) engine.setOptimizerState({ step: progress.step, ...weights.moments });
    const limit = Math.min(options.steps ?? Infinity, totalSteps(recipe));
    const evalEvery = options.evalEvery ?? recipe.evaluation.every;
    return await new Run(progress, { engine, journal, limit, evalEvery, signal, onProgress }, best).finish();
  } finally {
    await engine.dispose();
  }
}

/**
 * Trains a model from scratch.
 *
 * @example Usage
 * ```ts
 * import { loadAdder, train } from "@x/tiny-adder";
 *
 * const { checkpoint, report } = await train({ recipe: "fast", seed: 1, steps: 100 });
 * console.log(report.exactMatch, loadAdder(checkpoint).add(42, 7));
 * ```
 *
 * @throws {RangeError} If an option is out of its range, or there is no such recipe
 * @throws {TrainingError} If the run cannot go on, or `out` holds a run that is not finished
 * @throws {CheckpointError} If `out` cannot be written to
 */
export async function train(options: TrainOptions = {}): Promise<TrainResult> {
  checkOptions("train", options);
  return await run(options.resume ? await resumed("train", options) : await fresh("train", options), options);
}

/**
 * Trains on from a checkpoint, with a fresh optimizer: the second pass of a recipe.
 *
 * @example Usage
 * ```ts
 * import { continueTraining, train } from "@x/tiny-adder";
 *
 * const first = await train({ seed: 1, steps: 100 });
 * const second = await continueTraining({ from: first.checkpoint, steps: 100 });
 * console.log(second.report.steps);
 * ```
 *
 * @throws {RangeError} If an option is out of its range, or there is no such recipe
 * @throws {TrainingError} If the run cannot go on, or `out` holds a run that is not finished
 * @throws {CheckpointError} If `from` is no checkpoint, or `out` cannot be written to
 */
export async function continueTraining(options: ContinueOptions): Promise<TrainResult> {
  checkOptions("continue", options);
  if (options.resume) return await run(await resumed("continue", options), options);
  const { from } = options;
  if (from === undefined) {
    throw new TrainingError("Cannot continue training as `from` must be a checkpoint: it is missing");
  }
  const checkpoint = typeof from === "string" ? readCheckpointFileSync(from) : decodeCheckpoint(from);
  return await run(await fresh("continue", options, checkpoint), options);
}
