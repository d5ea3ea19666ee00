import { checkpointFrom } from "../checkpoint/safetensors/checkpoint.ts";
import { createEngine } from "../engine/create_engine.ts";
import type { ModelName } from "../model/variant.ts";
import { TrainingError } from "./error.ts";
import { follow, type RunEvent } from "./events.ts";
import { Journal } from "./journal.ts";
import { runEvents } from "./loop.ts";
import { checkRunOptions, type RunOptions } from "./options.ts";
import { freshProgress, isDone, type RunKind, type RunProgress } from "./progress.ts";
import { checkOwnRecipe } from "./recipe_form.ts";
import { continueRecipe, type Recipe, trainRecipe } from "./recipes.ts";
import { Run, type Vectors } from "./run.ts";
import { trainSideBySide } from "./side_by_side.ts";
import type { TrainResult } from "./types.ts";

interface Start {
  progress: RunProgress;
  journal: Journal | undefined;
  vectors?: Vectors;
}

function recipeOf(kind: RunKind, recipe: string | Recipe, model: ModelName): Recipe {
  if (typeof recipe === "string") return kind === "train" ? trainRecipe(recipe, { model }) : continueRecipe(recipe);
  const fail = (reason: string) => new TypeError(`Cannot train by a recipe of your own as ${reason}`);
  checkOwnRecipe(recipe, kind, "the recipe", fail);
  return recipe;
}

/** Reads the state of the run in `out`. Its recipe, model and seed hold; options must not contradict them. */
async function resumed(kind: RunKind, options: RunOptions): Promise<Start> {
  const { journal, state } = await Journal.open(options.out!, options);
  const { progress } = state!;
  const requests: [name: string, requested: unknown, found: unknown][] = [
    ["kind", kind, progress.kind],
    ["recipe", typeof options.recipe === "object" ? options.recipe.name : options.recipe, progress.recipe.name],
    ["model", options.model, progress.model],
    ["seed", options.seed, progress.seed],
    ["arithmetic", options.arithmetic, progress.arithmetic],
    ["backend", options.backend === "auto" ? undefined : options.backend, progress.backend ?? options.backend],
  ];
  try {
    for (const [name, requested, found] of requests) {
      if (requested === undefined || requested === found) continue;
      throw new TrainingError(
        `Cannot resume the run in ${options.out} as its ${name} must be the one asked for, ${requested}: it is ${found}`,
      );
    }
    if ((options.problems !== undefined) !== (progress.ownProblems ?? false)) {
      const [must, found] = progress.ownProblems ? ["be given again", "missing"] : ["be left out, as before", "given"];
      throw new TrainingError(`Cannot resume the run in ${options.out} as \`problems\` must ${must}: it is ${found}`);
    }
    if (!isDone(progress, options.steps ?? Infinity)) journal.checkProof();
  } catch (error) {
    journal.close();
    throw error;
  }
  if (options.keep !== undefined) progress.keep = options.keep;
  return { progress, journal, vectors: state };
}

async function fresh(kind: RunKind, options: RunOptions): Promise<Start> {
  const { recipe = kind === "train" ? "sure" : "fast", seed = 1, arithmetic = "exact", keep, out } = options;
  const from = kind === "train" ? undefined : checkpointFrom(options.from!, "continue training from `from`");
  const model = from?.model ?? options.model ?? 763;
  const progress = freshProgress({
    ...{ kind, recipe: recipeOf(kind, recipe, model), seed, arithmetic, ...(keep && { keep }) },
    ...{ ...(options.problems && { ownProblems: true }), model, from: from?.metadata ?? null },
  });
  const opened = out === undefined ? undefined : await Journal.open(out, options);
  return { progress, journal: opened?.journal, vectors: from && { parameters: from.parameters } };
}

async function* runAlone(
  { progress, vectors }: Start,
  options: RunOptions,
  makeEngine: typeof createEngine,
): AsyncGenerator<RunEvent, void> {
  const { backend = "auto", threads, resume } = options;
  const resumedOn = backend === "auto" ? progress.backend : undefined;
  const arithmetic = resume ? progress.arithmetic : options.arithmetic;
  const engine = await makeEngine({ backend: resumedOn ?? backend, model: progress.model, threads, arithmetic });
  try {
    yield* runEvents(new Run(engine, progress, vectors), options);
  } finally {
    await engine.dispose();
  }
}

/** `train` and `continueTraining` of train.ts. */
export async function startRun(kind: RunKind, options: RunOptions, makeEngine = createEngine): Promise<TrainResult> {
  checkRunOptions(kind, options);
  const start = options.resume ? await resumed(kind, options) : await fresh(kind, options);
  const { progress, journal } = start;
  const { attempts, signal, onProgress = () => {} } = options;
  const record = async (event: RunEvent) => {
    const path = await journal?.record(event) ?? null;
    if (event.type === "kept" || (event.type === "model" && path !== null)) {
      onProgress({ type: "checkpoint", step: event.step, path, parameters: event.parameters });
    }
  };
  try {
    signal?.throwIfAborted();
    const events = attempts === undefined
      ? runAlone(start, options, makeEngine)
      : trainSideBySide(progress, attempts, options);
    const result = await follow(events, record, onProgress);
    return { ...result, report: { ...result.report, checkpoint: journal?.directory.modelFile ?? null } };
  } catch (error) {
    if (!signal?.aborted) await journal?.logError(progress.step, error);
    throw error;
  } finally {
    journal?.close();
  }
}
