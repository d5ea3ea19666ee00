import { formatInteger } from "../common/format_value.ts";
import { parseSweep } from "../sweep/file.ts";
import type { SweepLine } from "../sweep/line.ts";
import { toSvg } from "../sweep/plot.ts";
import { summarize, toMarkdown } from "../sweep/summary.ts";
import { planRuns, type RunTrainer, type Shard, sweep } from "../sweep/sweep.ts";
import { defineCommand, type Input } from "./command.ts";
import * as flag from "./flags.ts";
import { checkOutput, nameOf, readText, STANDARD, writeOutput } from "./files.ts";
import { printResult } from "./format.ts";
import { type ProgressDisplay, watched } from "./progress.ts";
import { recipesFrom } from "./train.ts";

/** Parallel runs on a GPU, one workgroup each, unless a number is given. */
const GPU_RUNS = 128;
const MOST_SEEDS = 1_000_000;
const MOST_THREADS = 64;
const PAIRS = [0, 100_000_000] as const;

/** Seeds such as `0..63`, `7` or `0..3,10`; undefined of other text. */
function parseSeeds(text: string): number[] | undefined {
  const seeds = new Set<number>();
  for (const part of text.split(",")) {
    const [, first, last = first] = /^(\d{1,10})(?:\.\.(\d{1,10}))?$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (!(from <= to && to <= flag.LARGEST_SEED && to - from < MOST_SEEDS)) return undefined;
    for (let seed = from; seed <= to; seed++) seeds.add(seed);
  }
  return [...seeds];
}

function parseShard(text: string): Shard | undefined {
  const [, index, count] = (/^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? []).map(Number);
  return index < count ? { index, count } : undefined;
}

const FLAGS = {
  seeds: flag.checked(
    "A..B",
    "seeds, such as 0..63 or 1,5,9 (default: 0..15)",
    `seeds from 0 to ${flag.LARGEST_SEED}, such as 0..63 or 1,5,9`,
    parseSeeds,
  ),
  recipe: flag.recipeFlag(
    "recipes, such as fast,sure, or a JSON file with recipes of your own; -: standard input (default: fast)",
  ),
  model: flag.several(
    flag.modelFlag("numbers of parameters, or widths and hidden widths, such as 6x14,5x10 (default: 763)"),
  ),
  shard: flag.checked(
    "I/N",
    "do part I of N of the runs, I from 0 to N - 1, to split a sweep over N machines (default: 0/1)",
    "I/N with I from 0 to N - 1, such as 0/4",
    parseShard,
  ),
  out: flag.text("FILE.jsonl", "file that gets one line of JSON per run; runs that are in it are skipped"),
  pairs: flag.wholeNumber("N", "held-out pairs that each model adds (default: 1000000)", PAIRS),
  hard: flag.wholeNumber("N", "hard pairs that each model adds (default: 100000)", PAIRS),
  certify: {
    help: "end each run with a proof, as train does; recipe sure then trains on the pairs where the proof fails",
  },
  backend: flag.oneOf(
    ["auto", "wasm", "webgpu"],
    "wasm: each run on one thread; webgpu: all runs on the GPU (default: auto, which is wasm)",
  ),
  threads: flag.wholeNumber("N", `parallel runs (default: all cores, at most 8; on a GPU ${GPU_RUNS})`, [1, 1024]),
  arithmetic: flag.ENGINE_FLAGS.arithmetic,
  svg: flag.outputFile(
    "FILE.svg",
    "with summarize: also plot the errors, or the seconds until a proof, into an SVG file; -: standard output",
  ),
  overwrite: flag.OVERWRITE_FLAG,
} as const;

export const sweepCommand = defineCommand({
  description:
    "Trains many seeds and recipes on all cores, and appends one line of JSON per run to a file. To resume a stopped sweep,\n" +
    "run the same command again. `sweep summarize FILES` prints a table of the runs in one or more such files; -: standard input.",
  operands: "[summarize FILE…]",
  flags: FLAGS,
  permissions: "--allow-read=FILE --allow-write=FILE",
  example:
    "deno run --allow-read=sweep.jsonl --allow-write=sweep.jsonl cli.ts sweep --recipe fast,sure --seeds 0..63 --out sweep.jsonl",
  async run(input) {
    const [verb] = input.operands;
    if (verb === undefined) return await runSweep(input);
    if (verb === "summarize") return await summarizeFiles(input);
    throw input.fail(`its one verb is summarize: current value is ${flag.quote(verb)}`);
  },
});

async function runSweep(input: Input<typeof FLAGS>): Promise<number> {
  const { flags, json, fail } = input;
  const { recipe = "fast", model: models = [763], seeds = [...Array(16).keys()], shard, arithmetic = "exact" } = flags;
  const { out, pairs = 1_000_000, hard = 100_000, certify } = flags;
  if (out === undefined) throw fail("--out is missing: add --out FILE.jsonl");
  if (out === STANDARD) throw fail("--out must be a file, which is read to resume: current value is -");
  if (flags.overwrite) throw fail("--overwrite belongs to sweep summarize: runs are appended");
  if (flags.svg !== undefined) throw fail("--svg belongs to sweep summarize: found --svg");
  const runs = planRuns({ recipes: await recipesFrom(recipe), models, seeds, arithmetic }, shard);
  const { threads, trainer } = await chooseTrainer(input);
  const run = (display: ProgressDisplay, signal: AbortSignal) => {
    const onRun = (line: SweepLine, done: number) => {
      display.log(outcome(line));
      display.update(done, runs.length, `${done} of ${runs.length} runs`);
    };
    return sweep(runs, { out, threads, trainer, pairs, hard, certify, signal, onRun });
  };
  const advice = `: the finished runs are in ${out}, run the same command again to resume`;
  const result = await watched("sweep", run, advice);
  const text = `${formatInteger(result.done)} runs done, ${formatInteger(result.known)} were already in ${out}`;
  return printResult({ runs: runs.length, ...result, out }, text, { json });
}

async function chooseTrainer({ flags, fail }: Input<typeof FLAGS>): Promise<{ threads: number; trainer?: RunTrainer }> {
  const { backend, threads, arithmetic } = flags;
  const { hasSimd } = await import("../engine/wasm/core.ts");
  if (backend !== "webgpu" && (backend === "wasm" || hasSimd())) {
    const atOnce = threads ?? flag.defaultThreads();
    if (atOnce <= MOST_THREADS) return { threads: atOnce };
    throw fail(`--threads must be at most ${MOST_THREADS} on wasm: current value is ${atOnce}`);
  }
  if (arithmetic === "exact") throw fail("--arithmetic must be fast on a GPU: current value is exact");
  const { gpuTrainer } = await import("../sweep/gpu_trainer.ts");
  return { threads: threads ?? GPU_RUNS, trainer: await gpuTrainer() };
}

function outcome(line: SweepLine): string {
  const { recipe, model, seed, certify, certified, seconds, failure } = line;
  const [errors, pairs, hardErrors, hard] = [line.errors, line.pairs, line.hardErrors, line.hard].map(formatInteger);
  const result = failure ?? `${errors} of ${pairs} wrong, ${hardErrors} of ${hard} hard ones`;
  const proof = certify ? (certified ? ", proved right" : ", not proved right") : "";
  return `${recipe}, ${model}, seed ${seed}: ${result}${proof}, ${seconds.toFixed(1)} s`;
}

async function summarizeFiles({ operands: [, ...files], flags, json }: Input<typeof FLAGS>): Promise<number> {
  const { svg, overwrite, ...foreign } = flags;
  const fail = (reason: string) => new flag.UsageError(`Cannot run sweep summarize as ${reason}`);
  const [other] = Object.entries(foreign).find(([, value]) => value !== undefined && value !== false) ?? [];
  if (other !== undefined) throw fail(`--${other} belongs to a sweep: it takes files and --svg`);
  await checkOutput(svg, overwrite);
  if (files.length === 0) throw fail("it needs files: name one or more");
  const lines: SweepLine[] = [];
  for (const file of files) {
    const found = parseSweep(await readText(file, "the file of a sweep"), nameOf(file)).runs;
    if (found.length === 0) {
      throw new flag.UsageError(`Cannot summarize ${nameOf(file)} as it must hold runs: it holds none`);
    }
    lines.push(...found);
  }
  const summaries = summarize(lines);
  if (svg !== undefined) await writeOutput(svg, toSvg(lines));
  return printResult(summaries, toMarkdown(summaries), { json, output: svg });
}
