import type { Arithmetic, SampleRequest } from "../engine/interface/types.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { hardCases } from "../evaluation/hard.ts";
import type { ModelName } from "../model/variant.ts";
import { sha256 } from "../common/encoding.ts";
import { TrainingError } from "../training/error.ts";
import { type Recipe, trainRecipe } from "../training/recipes.ts";
import { train } from "../training/train.ts";
import type { TrainOptions, TrainResult } from "../training/types.ts";
import { appendRun, readSweep } from "./file.ts";
import { keyOf, type SweepIdentity, type SweepLine } from "./line.ts";

/** The seeds of the held-out pairs start here: training uses none of them, and every run gets other pairs. */
const HELD_OUT_SEED = 4_000_000_000;

export interface SweepRun extends Pick<SweepLine, "model" | "seed" | "arithmetic"> {
  readonly recipe: Recipe;
}

/** One of several parts of a sweep, for one of several machines; `index` is from 0 to `count` - 1. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

interface SweepPlan extends Pick<SweepRun, "arithmetic"> {
  readonly recipes: readonly (string | Recipe)[];
  readonly models: readonly ModelName[];
  readonly seeds: readonly number[];
}

/** All combinations, recipe by recipe, model by model, seed by seed; of a shard every `count`th. */
export function planRuns(plan: SweepPlan, { index, count }: Shard = { index: 0, count: 1 }): SweepRun[] {
  const { recipes, models, seeds, arithmetic } = plan;
  return recipes.flatMap((named) =>
    models.flatMap((model) => {
      const recipe = typeof named === "string" ? trainRecipe(named, { model }) : named;
      return seeds.map((seed) => ({ recipe, model, seed, arithmetic }));
    })
  ).filter((_, i) => i % count === index);
}

/** The first 16 hexadecimal digits of the SHA-256 of a recipe, which distinguish recipes with the same name. */
export async function recipeHash(recipe: Recipe): Promise<string> {
  return (await sha256(new TextEncoder().encode(JSON.stringify(recipe)))).slice(0, 16);
}

export interface RunTrainer extends Pick<SweepLine, "backend" | "adapter"> {
  /** The one arithmetic that it has, if it has only one. */
  readonly arithmetic?: Arithmetic;
  train(options: TrainOptions): Promise<TrainResult>;
}

/** Trains on the CPU, with one thread for each run: `attempts: 1` trains in a worker, so that runs train in parallel. */
function cpuTrainer(threads: number): RunTrainer {
  return { backend: "wasm", train: (options) => train(threads > 1 ? { ...options, attempts: 1 } : options) };
}

export interface SweepOptions extends Pick<SweepLine, "pairs" | "hard">, Pick<TrainOptions, "certify" | "signal"> {
  out: string;
  /** The number of runs to train at a time. */
  threads: number;
  trainer?: RunTrainer;
  onRun?: (line: SweepLine, done: number) => void;
}

/** Does the runs that are not in the file yet, and appends their lines. @throws {SweepFileError} If the file cannot be used */
export async function sweep(
  runs: readonly SweepRun[],
  { out, threads, trainer = cpuTrainer(threads), pairs, hard, certify = false, signal, onRun }: SweepOptions,
): Promise<{ done: number; known: number }> {
  const known = new Set((await readSweep(out)).map(keyOf));
  const hashes = new Map<Recipe, string>();
  for (const { recipe } of runs) if (!hashes.has(recipe)) hashes.set(recipe, await recipeHash(recipe));
  const { backend, adapter } = trainer;
  const open = runs.map((run): [SweepRun, SweepIdentity] => {
    const { recipe, model, seed } = run;
    const arithmetic = trainer.arithmetic ?? run.arithmetic;
    const of = { recipe: recipe.name, recipeHash: hashes.get(recipe)!, model, seed, arithmetic, backend, adapter };
    return [run, { ...of, pairs, hard, certify }];
  }).filter(([, identity]) => !known.has(keyOf(identity)));
  // models are tested one after the other, because each test needs the memory of an engine
  let testing: Promise<unknown> = Promise.resolve();
  const test: typeof errorsOf = (parameters, identity) => {
    const turn = testing.then(() => errorsOf(parameters, identity));
    testing = turn.catch(() => {});
    return turn;
  };
  const stop = new AbortController();
  const ended = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const queue = open.values();
  let done = 0;
  const work = async () => {
    for (const [run, identity] of queue) {
      const line = await doRun(run, identity, { trainer, test, signal: ended });
      if (!await appendRun(out, line)) continue;
      done++;
      onRun?.(line, done);
    }
  };
  const workers = Array.from({ length: Math.min(threads, open.length) }, work);
  try {
    await Promise.all(workers);
  } catch (error) {
    stop.abort(error); // the other runs must not continue after this has failed
    throw error;
  } finally {
    await Promise.allSettled(workers);
  }
  return { done, known: runs.length - open.length };
}

async function doRun(
  run: SweepRun,
  identity: SweepIdentity,
  { trainer, test, signal }: { trainer: RunTrainer; test: typeof errorsOf; signal: AbortSignal },
): Promise<SweepLine> {
  const begin = performance.now();
  const { pairs, hard, certify } = identity;
  const options = { ...run, finalProblems: 1, certify, signal, evalEvery: 0 };
  const result = await trainer.train(options).then(async ({ parameters, report }) => {
    signal.throwIfAborted();
    const { arithmetic, backend, certified, hardeningRounds, restarts, steps, examples, trainSeconds } = report;
    return {
      ...{ arithmetic, backend, ...await test(parameters, identity), certified, hardeningRounds },
      ...{ attempts: restarts.length + 1, steps, examples, weights: await sha256(new Float32Array(parameters)) },
      ...{ failure: null, trainSeconds },
    };
  }, (error) => {
    if (!(error instanceof TrainingError) || signal.aborted) throw error;
    const failed = { errors: pairs, hardErrors: hard, certified: null, hardeningRounds: null, attempts: 1 };
    return { ...failed, steps: 0, examples: 0, weights: null, failure: error.message, trainSeconds: 0 };
  });
  const round = (seconds: number) => Math.round(1000 * seconds) / 1000;
  const seconds = round((performance.now() - begin) / 1000);
  return { format: 1, ...identity, ...result, trainSeconds: round(result.trainSeconds), seconds };
}

async function errorsOf(parameters: Float32Array, { model, seed, pairs, hard }: SweepIdentity) {
  const errors = async (count: number, problems: Float64Array | SampleRequest) => {
    if (count === 0) return 0;
    const { total, correct } = await evaluate({ model, parameters }, problems, { maxErrors: 0 });
    return total - correct;
  };
  const held = HELD_OUT_SEED + seed % 2 ** 24;
  return {
    errors: await errors(pairs, { seed: held, stream: "evaluation", count: pairs }),
    hardErrors: await errors(hard, hardCases({ count: hard, seed: held })),
  };
}
