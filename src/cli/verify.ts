import { adderBoardCases } from "../evaluation/adderboard.ts";
import { defineCommand } from "./command.ts";
import { reportEvaluation, runEvaluation } from "./evaluation_run.ts";
import { ENGINE_FLAGS, FROM_FLAG } from "./flags.ts";
import { share } from "./format.ts";

/** The command `verify`. */
export const verifyCommand = defineCommand({
  name: "verify",
  description:
    "Adds the cases of the public AdderBoard verifier, 10 edge cases and 10,000 pairs. Exit code 1 where one is wrong.",
  flags: { from: FROM_FLAG, ...ENGINE_FLAGS },
  permissions: "none; --allow-read=CKPT with --from",
  example: "deno run --allow-read=run cli.ts verify --from run/model.safetensors",
  async run({ flags, json }) {
    const result = await runEvaluation("verify", flags, adderBoardCases());
    const summary = `AdderBoard: ${result.correct} of ${result.total} right (${share(result)})`;
    return reportEvaluation(result, { json, summary });
  },
});
