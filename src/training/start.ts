import { checkpointFrom } from "../checkpoint/safetensors/checkpoint.ts";
import { checkOptions, type OptionKinds } from "../common/options.ts";
import { createEngine } from "../engine/create_engine.ts";
import { TrainingError } from "./error.ts";
import { follow, type RunEvent, type RunEvents } from "./events.ts";
import { Journal } from "./journal.ts";
import { runEvents } from "./loop.ts";
import { checkOwnRecipe } from "./recipe_form.ts";
import { continueRecipe, trainRecipe } from "./recipes.ts";
import { freshProgress, isDone, Run, type RunStart } from "./run.ts";
import { trainSideBySide } from "./side_by_side.ts";
import type { RunKind, RunOptions, TrainResult } from "./types.ts";

const KINDS: OptionKinds<RunOptions> = {
  from: "anything", // checkpointFrom checks it
  recipe: "a name or a recipe",
  ...{ seed: "a whole number from 0 to 4294967295", steps: "a whole number, 0 or more" },
  attempts: "a whole number from 1 to 64",
  ...{ evalEvery: "a whole number, 0 or more", saveEvery: "a number, 0 or more" },
  ...{ interimProblems: "a whole number, 0 or more", finalProblems: "a whole number, 1 or more" },
  ...{ backend: "anything", model: "anything", threads: "a number", arithmetic: "anything" }, // createEngine checks them
  ...{ out: "a text", resume: "true or false", overwrite: "true or false" },
  ...{ certify: "true or false", harden: "true or false", keep: "log or a list of steps" },
  ...{ signal: "an AbortSignal", onProgress: "a function", problems: "a function" },
};

const { from: _, ...TRAIN_KINDS } = KINDS;
const { model: __, attempts: ___, ...CONTINUE_KINDS } = KINDS;

/** Checks the names, types and ranges of options, and that they fit each other. @throws {TypeError | RangeError | TrainingError} If they do not */
function checkRunOptions(kind: RunKind, options: RunOptions): void {
  const [asked, kinds] = kind === "train" ? ["train", TRAIN_KINDS] : ["continue training", CONTINUE_KINDS];
  checkOptions<object>(asked, options, kinds);
  const { attempts, backend = "auto", from, out, problems, resume } = options;
  const isParallel = attempts !== undefined;
  const parallel = "Cannot train attempts side by side as";
  const refuse = (holds: boolean | undefined, message: string) => {
    if (holds) throw new TrainingError(message);
  };
  refuse(resume && out === undefined, "Cannot resume a run as `out` must name its folder: it is missing");
  const needsFrom = kind === "continue" && !resume;
  refuse(needsFrom && from === undefined, "Cannot continue training as `from` must be a checkpoint: it is missing");
  refuse(isParallel && problems !== undefined, `${parallel} their threads draw the examples: \`problems\` is given`);
  refuse(isParallel && resume, `${parallel} they must start from the beginning: nothing of them is saved to resume`);
  refuse(isParallel && !["auto", "wasm"].includes(backend), `${parallel} the backend must be wasm: it is ${backend}`);
}

function fresh(kind: RunKind, options: RunOptions): RunStart {
  const { recipe: requested = kind === "train" ? "sure" : "fast", seed = 1, arithmetic, keep, problems } = options;
  const from = kind === "train" ? undefined : checkpointFrom(options.from!, "continue training from `from`");
  const model = from?.model ?? options.model ?? 763;
  const named = (name: string) => kind === "train" ? trainRecipe(name, { model }) : continueRecipe(name);
  const fail = (reason: string) => new TypeError(`Cannot train by a recipe of your own as ${reason}`);
  const isOwn = typeof requested !== "string";
  const recipe = isOwn ? checkOwnRecipe(requested, kind, "the recipe", fail) : named(requested);
  const progress = freshProgress({
    ...{ kind, recipe, seed, arithmetic, keep, ownProblems: problems && true, model, from: from?.metadata ?? null },
  });
  return { progress, parameters: from?.parameters };
}

/** Goes on with the run in `out`. Its recipe, model and seed hold; options must not contradict them. */
function resumed(kind: RunKind, options: RunOptions, journal: Journal): RunStart {
  const state = journal.state!;
  const { progress } = state;
  const { recipe, model, seed, arithmetic, backend, problems } = options;
  const refuse = (what: string, must: string, found: unknown) => {
    throw new TrainingError(`Cannot resume the run in ${options.out} as ${what} must ${must}: it is ${found}`);
  };
  const requests = {
    ...{ kind, recipe: typeof recipe === "object" ? recipe.name : recipe, model, seed, arithmetic },
    backend: backend === "auto" ? undefined : backend,
  };
  const found: Record<string, unknown> = { backend, ...progress, recipe: progress.recipe.name };
  for (const [name, requested] of Object.entries(requests)) {
    if (requested === undefined || requested === found[name]) continue;
    refuse(`its ${name}`, `be the one asked for, ${requested}`, found[name]);
  }
  if (problems === undefined && progress.ownProblems) refuse("`problems`", "be given again", "missing");
  if (problems !== undefined && !progress.ownProblems) refuse("`problems`", "be left out, as before", "given");
  if (!isDone(progress, options.steps)) journal.checkProof();
  if (options.keep !== undefined) progress.keep = options.keep;
  return state;
}

async function* runAlone(start: RunStart, options: RunOptions, makeEngine: typeof createEngine): RunEvents {
  const { backend = options.backend, model, arithmetic } = start.progress;
  const engine = await makeEngine({ backend, model, threads: options.threads, arithmetic });
  try {
    yield* runEvents(new Run(engine, start), options);
  } finally {
    await engine.dispose();
  }
}

export async function startRun(kind: RunKind, options: RunOptions, makeEngine = createEngine): Promise<TrainResult> {
  checkRunOptions(kind, options);
  const { attempts, out, resume, signal, onProgress = () => {} } = options;
  let start = resume ? undefined : fresh(kind, options); // before the folder is opened, which it may refuse
  const journal = out === undefined ? undefined : await Journal.open(out, options);
  const record = async (event: RunEvent) => {
    const path = await journal?.record(event) ?? null;
    if (event.type === "finished") event.result.report.checkpoint = journal?.directory.modelFile ?? null;
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
    return await follow(events, record, onProgress);
  } catch (error) {
    if (start !== undefined && !signal?.aborted) await journal?.logError(start.progress.step, error);
    throw error;
  } finally {
    journal?.close();
  }
}
