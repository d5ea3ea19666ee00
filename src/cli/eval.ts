import { formatInteger } from "../common/format_value.ts";
import type { SampleRequest } from "../engine/interface/types.ts";
import { createEngine } from "../engine/mod.ts";
import { adderBoardCases } from "../evaluation/adderboard.ts";
import { parseCases } from "../evaluation/cases.ts";
import { evaluate, type Evaluation, type EvaluationProgress } from "../evaluation/evaluate.ts";
import { hardCases } from "../evaluation/hard.ts";
import type { Operands } from "../model/problem.ts";
import { defineCommand, type Input } from "./command.ts";
import { modelFrom, nameOf, readText } from "./files.ts";
import { defaultThreads, ENGINE_FLAGS, FROM_FLAG, inputFile, SEED_FLAG, wholeNumber } from "./flags.ts";
import { machinery, printResult, share, sumLine } from "./format.ts";
import { watched } from "./progress.ts";

const MODEL_FLAGS = { from: FROM_FLAG, ...ENGINE_FLAGS };

/** Adds problems with progress on stderr, and prints the result: as JSON, or as a summary and the first errors. @returns The exit code: 1 if a sum is wrong */
async function evaluateAndPrint(
  { name, flags: { from, backend, threads = defaultThreads(), arithmetic }, json }: Input<typeof MODEL_FLAGS>,
  problems: Operands | SampleRequest,
  summarize: (result: Evaluation, took: string) => string,
): Promise<number> {
  const { checkpoint: { model, parameters }, name: checkpoint } = await modelFrom(from);
  const engine = await createEngine({ backend, model, threads, arithmetic });
  try {
    engine.setParameters(parameters);
    const start = performance.now();
    const result = await watched(name, (display, signal) => {
      const onProgress = ({ done, total }: EvaluationProgress) =>
        display.update(done, total, `${formatInteger(done)} of ${formatInteger(total)} sums`);
      return evaluate(engine, problems, { signal, onProgress });
    });
    const seconds = (performance.now() - start) / 1000;
    const ran = { backend: engine.backend, adapter: engine.adapter, threads: engine.threads };
    const report = { ...result, seconds, ...ran, arithmetic: engine.arithmetic, checkpoint };
    const summary = summarize(result, `${seconds.toFixed(1)} s (${machinery(report)})`);
    const text = [summary, ...result.errors.slice(0, 10).map(sumLine)].join("\n");
    return printResult(report, text, { json, ok: result.correct === result.total });
  } finally {
    await engine.dispose();
  }
}

const PAIRS = [1, 100_000_000] as const;

const FLAGS = {
  from: FROM_FLAG,
  random: wholeNumber("N", "test N random pairs of 10-digit numbers that training never uses (default: 100000)", PAIRS),
  hard: wholeNumber("N", "test N pairs with long carries and other edge cases", PAIRS),
  cases: inputFile(
    "FILE.csv",
    "test the pairs of a CSV file with the columns a, b and, if you like, sum; -: standard input",
  ),
  seed: SEED_FLAG,
  ...ENGINE_FLAGS,
} as const;

export const evalCommand = defineCommand({
  description: "Measures how many sums a model gets right. The exit code is 1 if one is wrong.",
  flags: FLAGS,
  permissions: "none; --allow-read=CKPT,FILE.csv with --from and --cases",
  example: "deno run --allow-read=run cli.ts eval --from run/model.safetensors --random 1000000 --seed 7",
  async run(input) {
    return await evaluateAndPrint(input, await chooseProblems(input), (result, took) => {
      const [correct, total] = [result.correct, result.total].map(formatInteger);
      return `${correct} of ${total} sums are right (${share(result)}), ${took}`;
    });
  },
});

export const verifyCommand = defineCommand({
  description:
    "Adds the test cases of the AdderBoard's verifier: 10 edge cases and 10,000 random pairs. The exit code is 1 if one is wrong.",
  flags: MODEL_FLAGS,
  permissions: "none; --allow-read=CKPT with --from",
  example: "deno run --allow-read=run cli.ts verify --from run/model.safetensors",
  run(input) {
    const line = (result: Evaluation) => `AdderBoard: ${result.correct} of ${result.total} right (${share(result)})`;
    return evaluateAndPrint(input, adderBoardCases(), line);
  },
});

async function chooseProblems({ flags: { random, hard, cases, seed }, fail }: Input<typeof FLAGS>) {
  const chosen = Object.entries({ random, hard, cases }).filter(([, value]) => value !== undefined);
  const names = chosen.map(([name]) => `--${name}`).join(" and ");
  if (chosen.length > 1) throw fail(`it takes one kind of problem at a time: found ${names}`);
  if (cases !== undefined) {
    if (seed !== undefined) throw fail("--seed belongs to --random and --hard: found --cases");
    return parseCases(await readText(cases, "a CSV file"), nameOf(cases));
  }
  if (hard !== undefined) return hardCases({ count: hard, seed: seed ?? 1 });
  return { seed: seed ?? 1, stream: "evaluation", count: random ?? 100_000 } as const;
}
