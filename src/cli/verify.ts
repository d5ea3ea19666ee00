import { adderBoardCases } from "../evaluation/adderboard.ts";
import { defineCommand } from "./command.ts";
import { reportEvaluation, runEvaluation } from "./evaluation_run.ts";
import { ENGINE_FLAGS, FROM_FLAG } from "./flags.ts";
import { share } from "./format.ts";

export const verifyCommand = defineCommand({
  name: "verify",
  description:
    "Adds the test cases of the AdderBoard's verifier: 10 edge cases and 10,000 random pairs. The exit code is 1 if one is wrong.",
  flags: { from: FROM_FLAG, ...ENGINE_FLAGS },
  permissions: "none; --allow-read=CKPT with --from",
  example: "deno run --allow-read=run cli.ts verify --from run/model.safetensors",
  async run({ flags, json }) {
    const result = await runEvaluation("verify", flags, adderBoardCases());
    const summary = `AdderBoard: ${result.correct} of ${result.total} right (${share(result)})`;
    return reportEvaluation(result, { json, summary });
  },
});
