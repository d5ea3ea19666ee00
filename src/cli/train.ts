import { parseRecipes } from "../training/recipe_form.ts";
import type { Recipe } from "../training/recipes.ts";
import { continueTraining, train } from "../training/train.ts";
import type { Keep, RunOptions } from "../training/options.ts";
import { defineCommand } from "./command.ts";
import { modelFrom, nameOf, readText, STANDARD } from "./files.ts";
import * as flag from "./flags.ts";
import { runTraining } from "./training_run.ts";

/** @param recipe The recipe if none is given */
const trainingFlags = (recipe: string) => ({
  out: flag.text("DIR", "folder to save the run in (default: nothing is saved)"),
  resume: { help: "go on with the unfinished run in DIR" },
  overwrite: { help: "replace the run in DIR, with its weights and its proof" },
  recipe: flag.recipeFlag(
    `how to train, or a JSON file with a recipe of your own; -: standard input (default: ${recipe})`,
  ),
  seed: flag.SEED_FLAG,
  steps: flag.wholeNumber("N", "stop after N steps of the recipe (default: all)", [1, 1e9]),
  "eval-every": flag.wholeNumber("N", "evaluate every N steps; 0: only at the end (default: the recipe's)", [0, 1e9]),
  "save-every": flag.wholeNumber("S", "save the state every S seconds (default: 10)", [0, 1e9]),
  keep: flag.checked<Keep>(
    "log|N,N,…",
    "keep the weights of these steps in DIR/steps; log: 0, 1, 2, 4 … 512, then every 1,000",
    "log, or steps such as 0,100,200",
    (text) => text === "log" ? text : /^\d{1,9}(,\d{1,9})*$/.test(text) ? text.split(",").map(Number) : undefined,
  ),
  certify: { help: "end without a proof", onByDefault: true as const },
  harden: { help: "if the proof fails, train on the failing pairs and prove again, up to six times" },
  ...flag.ENGINE_FLAGS,
});

type TrainingValues = flag.FlagValues<ReturnType<typeof trainingFlags>>;

/** The flags of a training run as options of the library. */
async function trainingOptions(
  { "eval-every": evalEvery, "save-every": saveEvery, harden, threads, ...flags }: TrainingValues,
): Promise<RunOptions> {
  if (flags.out === STANDARD) throw new flag.UsageError("Cannot train as --out must be a folder: current value is -");
  if (flags.resume && flags.out === undefined) {
    throw new flag.UsageError("Cannot resume a run as --out is missing: add --out DIR, the folder of the run");
  }
  const recipes = flags.recipe === undefined ? [] : await recipesFrom(flags.recipe);
  if (recipes.length > 1) {
    throw new flag.UsageError(
      `Cannot train as ${nameOf(flags.recipe!)} must hold one recipe: it holds ${recipes.length}`,
    );
  }
  const chosen = { recipe: recipes.at(0), harden: harden || undefined, threads: threads ?? flag.defaultThreads() };
  return { ...flags, ...chosen, evalEvery, saveEvery };
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
    ...trainingFlags("sure"),
    model: flag.modelFlag("number of parameters, or width and hidden width, such as 5x10 (default: 763)"),
    attempts: flag.wholeNumber("K", "train K attempts in parallel, one per core; the result is the same", [1, 64]),
  },
  permissions: "none; --allow-read=DIR --allow-write=DIR with --out, --allow-read=FILE.json with a recipe of your own",
  example: "deno run --allow-read=run --allow-write=run cli.ts train --recipe sure --seed 3 --out run",
  async run(input) {
    const { flags: { attempts, model, ...flags }, fail } = input;
    if (attempts !== undefined && flags.resume) throw fail("--attempts belongs to a new run: found --resume");
    return await runTraining(train, { ...await trainingOptions(flags), attempts, model }, input);
  },
});

export const continueCommand = defineCommand({
  name: "continue",
  description: "Trains a saved model further with a new optimizer state, measures it, and tries to prove it.",
  flags: {
    from: flag.inputFile("CKPT", "checkpoint to start from; -: standard input; needed unless --resume is given"),
    ...trainingFlags("fast"),
  },
  permissions: "--allow-read=CKPT,DIR --allow-write=DIR; --allow-read=FILE.json with a recipe of your own",
  example:
    "deno run --allow-read=run --allow-write=run/more cli.ts continue --from run/model.safetensors --out run/more",
  async run(input) {
    const { flags: { from: path, ...flags }, fail } = input;
    if (path === undefined && !flags.resume) throw fail("there must be a checkpoint to start from: add --from CKPT");
    const options = await trainingOptions(flags);
    const from = path === undefined ? undefined : (await modelFrom(path)).checkpoint;
    return await runTraining(continueTraining, { ...options, from }, input);
  },
});
