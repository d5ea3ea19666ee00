import type { Keep } from "../training/progress.ts";
import { parseRecipes } from "../training/recipe_form.ts";
import { type Recipe, RECIPES } from "../training/recipes.ts";
import { continueTraining, train } from "../training/train.ts";
import type { TrainOptions } from "../training/options.ts";
import { defineCommand } from "./command.ts";
import { modelFrom, nameOf, readText, STANDARD } from "./files.ts";
import * as flag from "./flags.ts";
import { runTraining } from "./training_run.ts";
import { UsageError } from "./usage_error.ts";

const FROM_0 = { least: 0, most: 1e9 };

const TRAINING_FLAGS = {
  out: flag.text("DIR", "folder to save the run in (default: nothing is saved)"),
  resume: { help: "go on with the unfinished run in DIR" },
  overwrite: { help: "replace the run in DIR, with its weights and its proof" },
  recipe: flag.recipeFlag("how to train: a recipe by name, or a JSON file with one of your own; -: standard input"),
  seed: flag.SEED_FLAG,
  steps: flag.wholeNumber("N", "stop after N steps of the recipe (default: all)", { least: 1, most: 1e9 }),
  "eval-every": flag.wholeNumber("N", "evaluate every N steps; 0: only at the end (default: the recipe's)", FROM_0),
  "save-every": flag.wholeNumber("S", "save the state every S seconds (default: 10)", FROM_0),
  keep: {
    placeholder: "log|N,N,…",
    help: "keep the weights of these steps in DIR/steps; log: 0, 1, 2, 4 … 512, then every 1,000",
    read: readKeep,
  },
  certify: { help: "end without a proof", onByDefault: true },
  harden: { help: "if the proof fails, train on the failing pairs and prove again, up to six times" },
  ...flag.ENGINE_FLAGS,
} as const;

/** Reads the steps whose weights are kept. @throws {UsageError} If it is neither `log` nor a list of steps */
function readKeep(value: string, name: string): Keep {
  if (value === "log") return value;
  if (/^\d{1,9}(,\d{1,9})*$/.test(value)) return value.split(",").map(Number);
  throw flag.wrongValue(name, "log, or steps such as 0,100,200", value);
}

/** The flags of a training run as options of the library. */
async function trainingOptions(
  { "eval-every": evalEvery, "save-every": saveEvery, harden, threads, ...flags }: flag.FlagValues<
    typeof TRAINING_FLAGS
  >,
): Promise<Omit<TrainOptions, "model" | "attempts">> {
  if (flags.out === STANDARD) throw new UsageError("Cannot train as --out must be a folder: current value is -");
  if (flags.resume && flags.out === undefined) {
    throw new UsageError("Cannot resume a run as --out is missing: add --out DIR, the folder of the run");
  }
  let recipe: string | Recipe | undefined = flags.recipe;
  if (recipe !== undefined && !RECIPES.includes(recipe)) {
    const found = await recipesFrom(recipe);
    if (found.length > 1) {
      throw new UsageError(`Cannot train as ${nameOf(recipe)} must hold one recipe: it holds ${found.length}`);
    }
    [recipe] = found;
  }
  return {
    ...flags,
    ...{ recipe, harden: harden || undefined, threads: threads ?? flag.defaultThreads(), evalEvery, saveEvery },
  };
}

/** The names that a {@linkcode recipeFlag} gives, or the recipes in its file. */
export async function recipesFrom(value: string): Promise<(string | Recipe)[]> {
  if (value !== STANDARD && !value.endsWith(".json")) return value.split(",");
  return parseRecipes(await readText(value, "a JSON file"), nameOf(value));
}

export const trainCommand = defineCommand({
  name: "train",
  description: "Trains a model from random weights, measures it, and proves that it adds every pair correctly.\n" +
    "Recipe sure trains on the pairs where the proof fails, and proves again, up to six times.",
  flags: {
    ...TRAINING_FLAGS,
    recipe: flag.recipeFlag(
      "how to train, or a JSON file with a recipe of your own; -: standard input (default: sure)",
    ),
    model: flag.modelFlag("number of parameters, or width and hidden width, such as 5x10 (default: 763)"),
    attempts: flag.wholeNumber("K", "train K attempts in parallel, one per core; the result is the same", {
      least: 1,
      most: 64,
    }),
  },
  permissions: "none; --allow-read=DIR --allow-write=DIR with --out, --allow-read=FILE.json with a recipe of your own",
  example: "deno run --allow-read=run --allow-write=run cli.ts train --recipe sure --seed 3 --out run",
  async run(input) {
    const { flags: { attempts, model, ...flags } } = input;
    if (attempts !== undefined && flags.resume) {
      throw new UsageError("Cannot run train as --attempts belongs to a new run: found --resume");
    }
    const options = await trainingOptions(flags);
    return await runTraining(
      { command: "train", input, resumable: attempts === undefined },
      (watch) => train({ ...options, attempts, model, ...watch }),
    );
  },
});

export const continueCommand = defineCommand({
  name: "continue",
  description: "Trains a saved model further with a new optimizer state, measures it, and tries to prove it.",
  flags: {
    from: flag.inputFile("CKPT", "checkpoint to start from; -: standard input; needed unless --resume is given"),
    ...TRAINING_FLAGS,
    recipe: flag.recipeFlag(
      "how to train, or a JSON file with a recipe of your own; -: standard input (default: fast)",
    ),
  },
  permissions: "--allow-read=CKPT,DIR --allow-write=DIR; --allow-read=FILE.json with a recipe of your own",
  example:
    "deno run --allow-read=run --allow-write=run/more cli.ts continue --from run/model.safetensors --out run/more",
  async run(input) {
    const { flags: { from, ...flags } } = input;
    if (from === undefined && !flags.resume) {
      throw new UsageError("Cannot run continue as there must be a checkpoint to start from: add --from CKPT");
    }
    const options = await trainingOptions(flags);
    const start = from === undefined ? undefined : (await modelFrom(from)).checkpoint;
    return await runTraining(
      { command: "continue", input, from, resumable: true },
      (watch) => continueTraining({ from: start, ...options, ...watch }),
    );
  },
});
