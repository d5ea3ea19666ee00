import { checkpointFrom } from "../checkpoint/safetensors/checkpoint.ts";
import { createEngine } from "../engine/create_engine.ts";
import { TrainingError } from "./error.ts";
import { follow, type RunEvent } from "./events.ts";
import { Journal } from "./journal.ts";
import { runEvents } from "./loop.ts";
import { checkRunOptions, type RunKind, type RunOptions } from "./options.ts";
import { checkOwnRecipe } from "./recipe_form.ts";
import { continueRecipe, trainRecipe } from "./recipes.ts";
import { freshProgress, isDone, Run, type RunProgress, type Vectors } from "./run.ts";
import { trainSideBySide } from "./side_by_side.ts";
import type { TrainResult } from "./types.ts";

interface Start {
  progress: RunProgress;
  vectors?: Vectors;
}

function fresh(kind: RunKind, options: RunOptions): Start {
  const { recipe: requested = kind === "train" ? "sure" : "fast", seed = 1, arithmetic = "exact", keep } = options;
  const from = kind === "train" ? undefined : checkpointFrom(options.from!, "continue training from `from`");
  const model = from?.model ?? options.model ?? 763;
  const named = (name: string) => kind === "train" ? trainRecipe(name, { model }) : continueRecipe(name);
  const recipe = typeof requested === "string" ? named(requested) : requested;
  const fail = (reason: string) => new TypeError(`Cannot train by a recipe of your own as ${reason}`);
  if (recipe === requested) checkOwnRecipe(recipe, kind, "the recipe", fail);
  const progress = freshProgress({
    ...{ kind, recipe, seed, arithmetic, ...(keep && { keep }) },
    ...{ ...(options.problems && { ownProblems: true }), model, from: from?.metadata ?? null },
  });
  return { progress, vectors: from && { parameters: from.parameters } };
}

/** Goes on with the run in `out`. Its recipe, model and seed hold; options must not contradict them. */
function resumed(kind: RunKind, options: RunOptions, journal: Journal): Start {
  const { progress } = journal.state!;
  const refuse = (what: string, must: string, found: unknown) => {
    throw new TrainingError(`Cannot resume the run in ${options.out} as ${what} must ${must}: it is ${found}`);
  };
  const requests: [name: string, requested: unknown, found: unknown][] = [
    ["kind", kind, progress.kind],
    ["recipe", typeof options.recipe === "object" ? options.recipe.name : options.recipe, progress.recipe.name],
    ["model", options.model, progress.model],
    ["seed", options.seed, progress.seed],
    ["arithmetic", options.arithmetic, progress.arithmetic],
    ["backend", options.backend === "auto" ? undefined : options.backend, progress.backend ?? options.backend],
  ];
  for (const [name, requested, found] of requests) {
    if (requested !== undefined && requested !== found) {
      refuse(`its ${name}`, `be the one asked for, ${requested}`, found);
    }
  }
  if (options.problems === undefined && progress.ownProblems) refuse("`problems`", "be given again", "missing");
  if (options.problems !== undefined && !progress.ownProblems) refuse("`problems`", "be left out, as before", "given");
  if (!isDone(progress, options.steps)) journal.checkProof();
  if (options.keep !== undefined) progress.keep = options.keep;
  return { progress, vectors: journal.state };
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
  const { attempts, out, resume, signal, onProgress = () => {} } = options;
  let start = resume ? undefined : fresh(kind, options); // before the folder is opened, which it may refuse
  const journal = out === undefined ? undefined : await Journal.open(out, options);
  const record = async (event: RunEvent) => {
    const path = await journal?.record(event) ?? null;
    if (event.type === "kept" || (event.type === "model" && path !== null)) {
      onProgress({ type: "checkpoint", step: event.step, path, parameters: event.parameters });
    }
  };
  try {
    start ??= resumed(kind, options, journal!);
    signal?.throwIfAborted();
    const events = attempts === undefined
      ? runAlone(start, options, makeEngine)
      : trainSideBySide(start.progress, attempts, options);
    const result = await follow(events, record, onProgress);
    return { ...result, report: { ...result.report, checkpoint: journal?.directory.modelFile ?? null } };
  } catch (error) {
    if (start !== undefined && !signal?.aborted) await journal?.logError(start.progress.step, error);
    throw error;
  } finally {
    journal?.close();
  }
}
