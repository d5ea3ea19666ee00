import { RECIPES } from "../training/recipes.ts";
import { continueTraining } from "../training/train.ts";
import { defineCommand } from "./command.ts";
import { oneOf, text } from "./flags.ts";
import { TRAINING_FLAGS, trainingOptions } from "./train.ts";
import { runTraining } from "./training_run.ts";
import { UsageError } from "./usage_error.ts";

export const continueCommand = defineCommand({
  name: "continue",
  description: "Trains a saved model further with a new optimizer state, measures it, and tries to prove it.",
  flags: {
    from: text("CKPT", "checkpoint to start from; needed unless --resume is given"),
    ...TRAINING_FLAGS,
    recipe: oneOf(RECIPES, "how to train (default: fast)"),
  },
  permissions: "--allow-read=CKPT,DIR --allow-write=DIR",
  example:
    "deno run --allow-read=run --allow-write=run/more cli.ts continue --from run/model.safetensors --out run/more",
  run(input) {
    const { flags: { from, ...flags } } = input;
    if (from === undefined && !flags.resume) {
      throw new UsageError("Cannot run continue as there must be a checkpoint to start from: add --from CKPT");
    }
    const options = trainingOptions(flags);
    return runTraining(
      { command: "continue", input, from, resumable: true },
      (watch) => continueTraining({ from, ...options, ...watch }),
    );
  },
});
