import { formatInteger } from "../common/format_value.ts";
import { parseSweep } from "../sweep/file.ts";
import type { SweepLine } from "../sweep/line.ts";
import { toSvg } from "../sweep/plot.ts";
import { summarize, toMarkdown } from "../sweep/summary.ts";
import { planRuns, type RunTrainer, type Shard, sweep } from "../sweep/sweep.ts";
import { defineCommand } from "./command.ts";
import * as flag from "./flags.ts";
import { checkOutput, nameOf, readText, STANDARD, writeOutput } from "./files.ts";
import { printResult } from "./format.ts";
import { interruptible, Interruption } from "./interruption.ts";
import { ProgressDisplay } from "./progress.ts";
import { recipesFrom } from "./train.ts";
import { quote, UsageError } from "./usage_error.ts";

/** Parallel runs on a GPU, one workgroup each, unless a number is given. */
const GPU_RUNS = 128;

const MOST_SEEDS = 1_000_000;

/** `0..63`, `7`, `0..3,10`. */
const SEEDS: flag.ValueFlag<readonly number[]> = {
  placeholder: "A..B",
  help: "seeds, such as 0..63 or 1,5,9 (default: 0..15)",
  read(value, name) {
    const seeds = new Set<number>();
    for (const part of value.split(",")) {
      const [, first, last = first] = /^(\d{1,10})(?:\.\.(\d{1,10}))?$/.exec(part) ?? [];
      const [from, to] = [Number(first), Number(last)];
      if (!(from <= to && to <= flag.LARGEST_SEED && to - from < MOST_SEEDS)) {
        throw flag.wrongValue(name, `seeds from 0 to ${flag.LARGEST_SEED}, such as 0..63 or 1,5,9`, value);
      }
      for (let seed = from; seed <= to; seed++) seeds.add(seed);
    }
    return [...seeds];
  },
};

const SHARD: flag.ValueFlag<Shard> = {
  placeholder: "I/N",
  help: "do part I of N of the runs, I from 0 to N - 1, to split a sweep over N machines (default: 0/1)",
  read(value, name) {
    const [, index, of] = /^(\d{1,6})\/(\d{1,6})$/.exec(value) ?? [];
    if (Number(index) < Number(of)) return { index: Number(index), count: Number(of) };
    throw flag.wrongValue(name, "I/N with I from 0 to N - 1, such as 0/4", value);
  },
};

const MOST_THREADS = 64;

const MOST_PAIRS = { least: 0, most: 100_000_000 };

const FLAGS = {
  seeds: SEEDS,
  recipe: flag.recipeFlag(
    "recipes, such as fast,sure, or a JSON file with recipes of your own; -: standard input (default: fast)",
    { many: true },
  ),
  model: flag.several(
    flag.modelFlag("numbers of parameters, or widths and hidden widths, such as 6x14,5x10 (default: 763)"),
  ),
  shard: SHARD,
  out: flag.text("FILE.jsonl", "file that gets one line of JSON per run; runs that are in it are skipped"),
  pairs: flag.wholeNumber("N", "held-out pairs that each model adds (default: 1000000)", MOST_PAIRS),
  hard: flag.wholeNumber("N", "hard pairs that each model adds (default: 100000)", MOST_PAIRS),
  certify: {
    help: "end each run with a proof, as train does; recipe sure then trains on the pairs where the proof fails",
  },
  backend: flag.oneOf(
    ["auto", "wasm", "webgpu"],
    "wasm: each run on one thread; webgpu: all runs on the GPU (default: auto, which is wasm)",
  ),
  threads: flag.wholeNumber("N", `parallel runs (default: all cores, at most 8; on a GPU ${GPU_RUNS})`, {
    least: 1,
    most: 1024,
  }),
  arithmetic: flag.ENGINE_FLAGS.arithmetic,
  svg: flag.outputFile(
    "FILE.svg",
    "with summarize: also plot the errors, or the seconds until a proof, into an SVG file; -: standard output",
  ),
  overwrite: flag.OVERWRITE_FLAG,
} as const;

export const sweepCommand = defineCommand({
  name: "sweep",
  description:
    "Trains many seeds and recipes on all cores, and appends one line of JSON per run to a file. To resume a stopped sweep,\n" +
    "run the same command again. `sweep summarize FILES` prints a table of the runs in one or more such files; -: standard input.",
  operands: "[summarize FILE…]",
  flags: FLAGS,
  permissions: "--allow-read=FILE --allow-write=FILE",
  example:
    "deno run --allow-read=sweep.jsonl --allow-write=sweep.jsonl cli.ts sweep --recipe fast,sure --seeds 0..63 --out sweep.jsonl",
  async run({ operands: [verb, ...files], flags, json }) {
    if (verb === undefined) return await runSweep(flags, json);
    if (verb === "summarize") return await summarizeFiles(files, flags, json);
    throw new UsageError(`Cannot run sweep as its one verb is summarize: current value is ${quote(verb)}`);
  },
});

async function runSweep(flags: flag.FlagValues<typeof FLAGS>, json: boolean): Promise<number> {
  const { recipe = "fast", model: models = [763], seeds = [...Array(16).keys()], shard, arithmetic = "exact" } = flags;
  const { out, pairs = 1_000_000, hard = 100_000 } = flags;
  const fail = (reason: string) => new UsageError(`Cannot run sweep as ${reason}`);
  if (out === undefined) throw fail("--out is missing: add --out FILE.jsonl");
  if (out === STANDARD) throw fail("--out must be a file, which is read to resume: current value is -");
  if (flags.overwrite) throw fail("--overwrite belongs to sweep summarize: runs are appended");
  if (flags.svg !== undefined) throw fail("--svg belongs to sweep summarize: found --svg");
  const runs = planRuns({ recipes: await recipesFrom(recipe), models, seeds, arithmetic }, shard);
  const { threads, trainer } = await chosenTrainer(flags);
  const display = new ProgressDisplay("sweep");
  const onRun = (line: SweepLine, done: number) => {
    display.log(outcome(line));
    display.update(done, runs.length, `${done} of ${runs.length} runs`);
  };
  let result;
  try {
    result = await interruptible((signal) =>
      sweep(runs, { out, threads, trainer, pairs, hard, certify: flags.certify, signal, onRun })
    );
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    console.error(`${error.message}: the finished runs are in ${out}, run the same command again to resume`);
    return error.exitCode;
  } finally {
    display.end();
  }
  const text = `${formatInteger(result.done)} runs done, ${formatInteger(result.known)} were already in ${out}`;
  printResult({ runs: runs.length, ...result, out }, text, { json });
  return 0;
}

/** The engine of the runs, and how many run in parallel. */
async function chosenTrainer(
  { backend, threads, arithmetic }: flag.FlagValues<typeof FLAGS>,
): Promise<{ threads: number; trainer?: RunTrainer }> {
  const { hasSimd } = await import("../engine/wasm/core.ts");
  if (backend !== "webgpu" && (backend === "wasm" || hasSimd())) {
    if (threads !== undefined && threads > MOST_THREADS) {
      throw new UsageError(
        `Cannot run sweep as --threads must be at most ${MOST_THREADS} on wasm: current value is ${threads}`,
      );
    }
    return { threads: threads ?? flag.defaultThreads() };
  }
  if (arithmetic === "exact") {
    throw new UsageError("Cannot run sweep as --arithmetic must be fast on a GPU: current value is exact");
  }
  const { gpuTrainer } = await import("../sweep/gpu_trainer.ts");
  const atOnce = threads ?? GPU_RUNS;
  return { threads: atOnce, trainer: await gpuTrainer(atOnce) };
}

function outcome(line: SweepLine): string {
  const { recipe, model, seed, certify, certified, seconds, failure } = line;
  const [errors, pairs, hardErrors, hard] = [line.errors, line.pairs, line.hardErrors, line.hard].map(formatInteger);
  const result = failure ?? `${errors} of ${pairs} wrong, ${hardErrors} of ${hard} hard ones`;
  const proof = certify ? (certified ? ", proved right" : ", not proved right") : "";
  return `${recipe}, ${model}, seed ${seed}: ${result}${proof}, ${seconds.toFixed(1)} s`;
}

async function summarizeFiles(
  files: readonly string[],
  { svg, overwrite, ...foreign }: flag.FlagValues<typeof FLAGS>,
  json: boolean,
): Promise<number> {
  const [other] = Object.entries(foreign).find(([, value]) => value !== undefined && value !== false) ?? [];
  if (other !== undefined) {
    throw new UsageError(`Cannot run sweep summarize as --${other} belongs to a sweep: it takes files and --svg`);
  }
  await checkOutput(svg, overwrite);
  if (files.length === 0) throw new UsageError("Cannot run sweep summarize as it needs files: name one or more");
  const lines: SweepLine[] = [];
  for (const file of files) {
    const found = parseSweep(await readText(file, "the file of a sweep"), nameOf(file)).runs;
    if (found.length === 0) {
      throw new UsageError(`Cannot summarize ${nameOf(file)} as it must hold runs: it holds none`);
    }
    lines.push(...found);
  }
  const summaries = summarize(lines);
  if (svg !== undefined) await writeOutput(svg, toSvg(lines));
  printResult(summaries, toMarkdown(summaries), { json, output: svg });
  return 0;
}
