import { formatInteger } from "../common/format_value.ts";
import type { SampleRequest } from "../engine/interface/types.ts";
import { createEngine } from "../engine/mod.ts";
import { adderBoardCases } from "../evaluation/adderboard.ts";
import { parseCases } from "../evaluation/cases.ts";
import { evaluate, type Evaluation } from "../evaluation/evaluate.ts";
import { hardCases } from "../evaluation/hard.ts";
import type { Operands } from "../model/problem.ts";
import { defineCommand } from "./command.ts";
import { modelFrom, nameOf, readText } from "./files.ts";
import * as flag from "./flags.ts";
import { machinery, printResult, share, sumLine } from "./format.ts";
import { ProgressDisplay } from "./progress.ts";
import { UsageError } from "./usage_error.ts";

/** Wrong sums in the printed list; the JSON has up to 100. */
const ERRORS_SHOWN = 10;

/** The problems to add. Random ones are drawn by the engine. */
type Chosen = Operands | SampleRequest;

type Summarize = (result: Evaluation, took: string) => string;

/**
 * Adds problems with a model, with progress on stderr, and prints the result: as JSON, or as a summary and the first errors.
 *
 * @returns The exit code: 1 if a sum is wrong
 */
async function evaluateAndPrint(
  title: string,
  { from, backend, threads = flag.defaultThreads(), arithmetic }: flag.FlagValues<typeof flag.ENGINE_FLAGS> & {
    from?: string;
  },
  { operands, summarize, json }: { operands: Chosen; summarize: Summarize; json: boolean },
): Promise<number> {
  const { checkpoint: { model, parameters }, name } = await modelFrom(from);
  const engine = await createEngine({ backend, model, threads, arithmetic });
  const display = new ProgressDisplay(title);
  try {
    engine.setParameters(parameters);
    const start = performance.now();
    const result = await evaluate(engine, operands, {
      onProgress: ({ done, total }) =>
        display.update(done, total, `${formatInteger(done)} of ${formatInteger(total)} sums`),
    });
    display.end();
    const seconds = (performance.now() - start) / 1000;
    const { backend: ran, adapter, threads: used, arithmetic: rounding } = engine;
    const machine = { backend: ran, ...(adapter && { adapter }), threads: used, arithmetic: rounding };
    const report = { ...result, seconds, ...machine, checkpoint: name };
    const lines = [
      summarize(result, `${seconds.toFixed(1)} s (${machinery(machine)})`),
      ...result.errors.slice(0, ERRORS_SHOWN).map(sumLine),
    ];
    printResult(report, lines.join("\n"), { json });
    return result.correct === result.total ? 0 : 1;
  } finally {
    display.end();
    await engine.dispose();
  }
}

const MOST_PROBLEMS = { least: 1, most: 100_000_000 };

const FLAGS = {
  from: flag.FROM_FLAG,
  random: flag.wholeNumber(
    "N",
    "test N random pairs of 10-digit numbers that training never uses (default: 100000)",
    MOST_PROBLEMS,
  ),
  hard: flag.wholeNumber("N", "test N pairs with long carries and other edge cases", MOST_PROBLEMS),
  cases: flag.inputFile(
    "FILE.csv",
    "test the pairs of a CSV file with the columns a, b and, if you like, sum; -: standard input",
  ),
  seed: flag.SEED_FLAG,
  ...flag.ENGINE_FLAGS,
} as const;

export const evalCommand = defineCommand({
  name: "eval",
  description: "Measures how many sums a model gets right. The exit code is 1 if one is wrong.",
  flags: FLAGS,
  permissions: "none; --allow-read=CKPT,FILE.csv with --from and --cases",
  example: "deno run --allow-read=run cli.ts eval --from run/model.safetensors --random 1000000 --seed 7",
  async run({ flags, json }) {
    const summarize: Summarize = (result, took) =>
      `${formatInteger(result.correct)} of ${formatInteger(result.total)} sums are right (${share(result)}), ${took}`;
    return await evaluateAndPrint("eval", flags, { operands: await chooseOperands(flags), summarize, json });
  },
});

export const verifyCommand = defineCommand({
  name: "verify",
  description:
    "Adds the test cases of the AdderBoard's verifier: 10 edge cases and 10,000 random pairs. The exit code is 1 if one is wrong.",
  flags: { from: flag.FROM_FLAG, ...flag.ENGINE_FLAGS },
  permissions: "none; --allow-read=CKPT with --from",
  example: "deno run --allow-read=run cli.ts verify --from run/model.safetensors",
  run({ flags, json }) {
    const summarize: Summarize = (result) =>
      `AdderBoard: ${result.correct} of ${result.total} right (${share(result)})`;
    return evaluateAndPrint("verify", flags, { operands: adderBoardCases(), summarize, json });
  },
});

async function chooseOperands({ random, hard, cases, seed }: flag.FlagValues<typeof FLAGS>): Promise<Chosen> {
  const chosen = Object.entries({ random, hard, cases }).filter(([, value]) => value !== undefined);
  if (chosen.length > 1) {
    const names = chosen.map(([name]) => `--${name}`).join(" and ");
    throw new UsageError(`Cannot run eval as it takes one kind of problem at a time: found ${names}`);
  }
  if (cases !== undefined) {
    if (seed !== undefined) {
      throw new UsageError("Cannot run eval as --seed belongs to --random and --hard: found --cases");
    }
    return parseCases(await readText(cases, "a CSV file"), nameOf(cases));
  }
  if (hard !== undefined) return hardCases({ count: hard, seed: seed ?? 1 });
  return { seed: seed ?? 1, stream: "evaluation", count: random ?? 100_000 };
}
