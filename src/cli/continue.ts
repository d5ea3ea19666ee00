import { continueTraining } from "../training/train.ts";
import { defineCommand } from "./command.ts";
import { readBytes, STANDARD } from "./files.ts";
import { inputFile, recipeFlag } from "./flags.ts";
import { TRAINING_FLAGS, trainingOptions } from "./train.ts";
import { runTraining } from "./training_run.ts";
import { UsageError } from "./usage_error.ts";

export const continueCommand = defineCommand({
  name: "continue",
  description: "Trains a saved model further with a new optimizer state, measures it, and tries to prove it.",
  flags: {
    from: inputFile("CKPT", "checkpoint to start from; -: standard input; needed unless --resume is given"),
    ...TRAINING_FLAGS,
    recipe: recipeFlag("how to train, or a JSON file with a recipe of your own; -: standard input (default: fast)"),
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
    const start = from === STANDARD ? await readBytes(from, "a checkpoint") : from;
    return await runTraining(
      { command: "continue", input, from, resumable: true },
      (watch) => continueTraining({ from: start, ...options, ...watch }),
    );
  },
});
