import { formatInteger } from "../common/format_integer.ts";
import { parseCases } from "../evaluation/cases.ts";
import { hardCases } from "../evaluation/hard.ts";
import type { Engine } from "../engine/interface/types.ts";
import type { Operands } from "../model/problem.ts";
import { defineCommand } from "./command.ts";
import { reportEvaluation, runEvaluation } from "./evaluation_run.ts";
import { ENGINE_FLAGS, type FlagValues, FROM_FLAG, inputFile, SEED_FLAG, wholeNumber } from "./flags.ts";
import { nameOf, readText } from "./files.ts";
import { machinery, share } from "./format.ts";
import { UsageError } from "./usage_error.ts";

const MOST_PROBLEMS = { least: 1, most: 100_000_000 };

const FLAGS = {
  from: FROM_FLAG,
  random: wholeNumber(
    "N",
    "test N random pairs of 10-digit numbers that training never uses (default: 100000)",
    MOST_PROBLEMS,
  ),
  hard: wholeNumber("N", "test N pairs with long carries and other edge cases", MOST_PROBLEMS),
  cases: inputFile(
    "FILE.csv",
    "test the pairs of a CSV file with the columns a, b and, if you like, sum; -: standard input",
  ),
  seed: SEED_FLAG,
  ...ENGINE_FLAGS,
} as const;

export const evalCommand = defineCommand({
  name: "eval",
  description: "Measures how many sums a model gets right. The exit code is 1 if one is wrong.",
  flags: FLAGS,
  permissions: "none; --allow-read=CKPT,FILE.csv with --from and --cases",
  example: "deno run --allow-read=run cli.ts eval --from run/model.safetensors --random 1000000 --seed 7",
  async run({ flags, json }) {
    const operands = await chooseOperands(flags);
    const result = await runEvaluation("eval", flags, operands);
    const summary =
      `${formatInteger(result.correct)} of ${formatInteger(result.total)} sums are right (${share(result)}), ` +
      `${result.seconds.toFixed(1)} s (${machinery(result)})`;
    return reportEvaluation(result, { json, summary });
  },
});

/** The problems that the flags choose. Random ones are drawn by the engine. */
async function chooseOperands(
  { random, hard, cases, seed }: FlagValues<typeof FLAGS>,
): Promise<Operands | ((engine: Engine) => Operands)> {
  const chosen = Object.entries({ random, hard, cases }).filter(([, value]) => value !== undefined);
  if (chosen.length > 1) {
    const names = chosen.map(([name]) => `--${name}`).join(" and ");
    throw new UsageError(`Cannot run eval as it asks one kind of problem at a time: found ${names}`);
  }
  if (cases !== undefined) {
    if (seed !== undefined) {
      throw new UsageError("Cannot run eval as --seed belongs to --random and --hard: found --cases");
    }
    return parseCases(await readText(cases, "a CSV file"), nameOf(cases));
  }
  if (hard !== undefined) return hardCases({ count: hard, seed: seed ?? 1 });
  return (engine) => engine.sample({ seed: seed ?? 1, stream: "evaluation", count: random ?? 100_000 });
}
