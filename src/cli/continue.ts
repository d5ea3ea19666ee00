/**
 * `continue`: a second pass, from the weights of a checkpoint.
 *
 * @module
 */
import { continueTraining } from "../training/train.ts";
import { defineCommand } from "./command.ts";
import { defaultThreads, text } from "./flags.ts";
import { TRAINING_FLAGS } from "./train.ts";
import { runTraining } from "./training_run.ts";
import { UsageError } from "./usage_error.ts";

/** The command `continue`. */
export const continueCommand = defineCommand({
  name: "continue",
  description: "Trains on from a checkpoint with a fresh optimizer, says how right the model is, and adds with it.",
  flags: { from: text("CKPT", "the checkpoint to start from; needed unless --resume is given"), ...TRAINING_FLAGS },
  required: ["out"],
  permissions: "--allow-read=CKPT,DIR --allow-write=DIR",
  example:
    "deno run --allow-read=run --allow-write=run/more cli.ts continue --from run/model.safetensors --out run/more",
  run({ flags: { "eval-every": evalEvery, "save-every": saveEvery, ...flags }, json }) {
    if (flags.from === undefined && !flags.resume) {
      throw new UsageError("Cannot run continue as there must be a checkpoint to start from: add --from CKPT");
    }
    return runTraining(
      { command: "continue", out: flags.out!, json, saved: true },
      (watch) =>
        continueTraining({
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
