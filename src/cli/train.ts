/**
 * `train`: from new weights to a checkpoint that adds.
 *
 * @module
 */
import { MODELS } from "../model/variant.ts";
import { RECIPES } from "../training/recipes.ts";
import { train } from "../training/train.ts";
import { defineCommand } from "./command.ts";
import { defaultThreads, ENGINE_FLAGS, oneOf, SEED_FLAG, text, wholeNumber } from "./flags.ts";
import { runTraining } from "./training_run.ts";
import { UsageError } from "./usage_error.ts";

/** The flags that `train` and `continue` share. */
export const TRAINING_FLAGS = {
  out: text("DIR", "folder for model.safetensors, state.safetensors and log.jsonl"),
  resume: { help: "go on with the unfinished run in DIR" },
  recipe: oneOf(RECIPES, "how to train (fast)"),
  seed: SEED_FLAG,
  steps: wholeNumber("N", "end after N steps of the recipe, its schedules unchanged (all)", { least: 1, most: 1e9 }),
  "eval-every": wholeNumber("N", "evaluate every N steps, 0: only at the end (what the recipe says)", {
    least: 0,
    most: 1e9,
  }),
  "save-every": wholeNumber("S", "save the state every S seconds (10)", { least: 0, most: 1e6 }),
  certify: { help: "try no proof that every sum is right", onByDefault: true },
  harden: { help: "train on with what the proof finds wrong, until it goes through (with recipe sure always)" },
  ...ENGINE_FLAGS,
} as const;

/** The command `train`. */
export const trainCommand = defineCommand({
  name: "train",
  description: "Trains a model from scratch, says how right it is, and adds with it.",
  flags: {
    ...TRAINING_FLAGS,
    model: oneOf(MODELS, "number of parameters (763)"),
    attempts: wholeNumber("K", "train K attempts side by side, one a core: the first that learns counts", {
      least: 1,
      most: 64,
    }),
  },
  required: ["out"],
  permissions: "--allow-read=DIR --allow-write=DIR",
  example: "deno run --allow-read=run --allow-write=run cli.ts train --recipe sure --seed 3 --out run",
  run({ flags: { "eval-every": evalEvery, "save-every": saveEvery, ...flags }, json }) {
    if (flags.attempts !== undefined && flags.resume) {
      throw new UsageError("Cannot run train as --attempts belongs to a new run: found --resume");
    }
    return runTraining(
      { command: "train", out: flags.out!, json, saved: flags.attempts === undefined },
      (watch) =>
        train({
          ...flags,
          harden: flags.harden || undefined,
          threads: flags.threads ?? defaultThreads(),
          ...watch,
          evalEvery,
          saveEvery,
        }),
    );
  },
});
