/**
 * Many runs, as many at a time as there are cores.
 *
 * @module
 */
import { createEngine } from "../engine/create_engine.ts";
import type { Arithmetic, Engine } from "../engine/types.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { hardCases } from "../evaluation/hard.ts";
import type { ModelName } from "../model/variant.ts";
import { sha256 } from "../sha256.ts";
import { TrainingError } from "../training/error.ts";
import type { Recipe } from "../training/recipes.ts";
import { train } from "../training/train.ts";
import type { TrainOptions, TrainResult } from "../training/types.ts";
import { appendRun, readSweep } from "./file.ts";
import { keyOf, type SweepLine } from "./line.ts";
import { recipeHash, type SweepRun } from "./runs.ts";

/** Seeds of the held-out pairs: none that training uses, and other pairs for every seed. */
const HELD_OUT_SEED = 4_000_000_000;

/** What trains the runs of a sweep. */
export interface RunTrainer {
  /** The backend that runs. */
  readonly backend: string;
  /** The GPU that it runs on. */
  readonly adapter?: string;
  /** The arithmetic that really runs where this one is asked for. */
  arithmeticOf(asked: Arithmetic): Arithmetic;
  /** Trains one run. */
  train(options: TrainOptions): Promise<TrainResult>;
  /** Frees what it holds. */
  dispose(): void;
}

/** Trains on the CPU, each run on a thread of its own. */
function cpuTrainer(threads: number): RunTrainer {
  return {
    backend: "wasm",
    arithmeticOf: (asked) => asked,
    // a single attempt "side by side" trains in a worker, so that as many train at once as there are workers
    train: (options) => train(threads > 1 ? { ...options, attempts: 1 } : options),
    dispose() {},
  };
}

/** Options of {@linkcode sweep}. */
export interface SweepOptions {
  /** The file that gets a line for each run. */
  out: string;
  /** How many runs are trained at a time. */
  threads: number;
  /** What trains them. @default {the CPU, each run on one thread} */
  trainer?: RunTrainer;
  /** Held-out uniform pairs that each model is asked. */
  pairs: number;
  /** Hard pairs that each model is asked. */
  hard: number;
  /** Whether each run ends with a proof, and with hardening where its recipe has it, as `train` on the command line does. @default {false} */
  certify?: boolean;
  /** Ends the sweep; what is finished stays. */
  signal?: AbortSignal;
  /** Is told of each run that was done. */
  onRun?: (line: SweepLine, done: number) => void;
}

/**
 * Does the runs that the file has no line of, and appends their lines.
 *
 * @returns How many were done, and how many the file had already
 * @throws {SweepFileError} If the file cannot be used
 */
export async function sweep(
  runs: readonly SweepRun[],
  { out, threads, trainer = cpuTrainer(threads), pairs, hard, certify = false, signal, onRun }: SweepOptions,
): Promise<{ done: number; known: number }> {
  const known = new Set((await readSweep(out)).map(keyOf));
  const hashes = new Map<Recipe, string>();
  for (const recipe of new Set(runs.map(({ recipe }) => recipe))) hashes.set(recipe, await recipeHash(recipe));
  const open: { run: SweepRun; hash: string }[] = [];
  for (const run of runs) {
    const hash = hashes.get(run.recipe)!;
    const { backend, adapter } = trainer;
    const arithmetic = trainer.arithmeticOf(run.arithmetic);
    const line = { ...run, recipe: run.recipe.name, recipeHash: hash, arithmetic, backend, adapter };
    if (!known.has(keyOf({ ...line, pairs, hard, certify }))) {
      open.push({ run, hash });
    }
  }
  const examiner = new Examiner(pairs, hard);
  const stop = new AbortController();
  const ended = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const queue = open.values();
  let done = 0;
  const work = async () => {
    for (const { run, hash } of queue) {
      const line = await doRun(run, { hash, certify, trainer }, examiner, ended);
      if (!await appendRun(out, line)) continue;
      done++;
      onRun?.(line, done);
    }
  };
  const workers = Array.from({ length: Math.min(threads, open.length) }, work);
  try {
    await Promise.all(workers);
  } catch (error) {
    stop.abort(error); // the other runs must not go on behind the caller's back
    throw error;
  } finally {
    await Promise.allSettled(workers);
    await examiner.dispose();
    trainer.dispose();
  }
  return { done, known: runs.length - open.length };
}

/** Trains one model and asks it sums. */
async function doRun(
  { recipe, model, seed, arithmetic }: SweepRun,
  { hash, certify, trainer }: { hash: string; certify: boolean; trainer: RunTrainer },
  examiner: Examiner,
  signal: AbortSignal,
): Promise<SweepLine> {
  const begin = performance.now();
  const { pairs, hard } = examiner;
  const known = { format: 1, recipe: recipe.name, recipeHash: hash, model, seed } as const;
  const seconds = () => round((performance.now() - begin) / 1000);
  try {
    const options = { recipe, model, seed, arithmetic, finalProblems: 1, certify, signal, evalEvery: 0 };
    const { parameters, report } = await trainer.train(options);
    const wrong = await examiner.examine(model, seed, parameters, signal);
    return {
      ...known,
      ...{ arithmetic: report.arithmetic, backend: report.backend },
      ...(report.adapter !== null && { adapter: report.adapter.name }),
      ...{ pairs, hard, certify, ...wrong },
      ...{ certified: report.certified, hardeningRounds: report.hardeningRounds },
      ...{ attempts: report.restarts.length + 1, steps: report.steps, examples: report.examples },
      ...{ weights: await sha256(new Float32Array(parameters)), failure: null },
      ...{ trainSeconds: round(report.trainSeconds), seconds: seconds() },
    };
  } catch (error) {
    if (!(error instanceof TrainingError) || signal.aborted) throw error;
    return {
      ...known,
      ...{
        arithmetic: trainer.arithmeticOf(arithmetic),
        backend: trainer.backend,
        ...(trainer.adapter !== undefined && { adapter: trainer.adapter }),
        pairs,
        hard,
        certify,
        errors: pairs,
        hardErrors: hard,
        attempts: 1,
        steps: 0,
        examples: 0,
      },
      ...{
        certified: null,
        hardeningRounds: null,
        weights: null,
        failure: error.message,
        trainSeconds: 0,
        seconds: seconds(),
      },
    };
  }
}

/** Asks models sums, one model at a time. */
class Examiner {
  readonly #engines = new Map<ModelName, Promise<Engine>>();

  constructor(readonly pairs: number, readonly hard: number) {}

  /** How many sums of a model are wrong. */
  async examine(
    model: ModelName,
    seed: number,
    parameters: Float32Array,
    signal: AbortSignal,
  ): Promise<{ errors: number; hardErrors: number }> {
    const engine = await (this.#engines.get(model) ?? this.#create(model));
    const ask = async (operands: Float64Array) => {
      if (operands.length === 0) return 0;
      engine.setParameters(parameters); // in the meantime another model may have been asked
      const { total, correct } = await evaluate(engine, operands, { maxErrors: 0 });
      return total - correct;
    };
    signal.throwIfAborted();
    const held = HELD_OUT_SEED + seed % 2 ** 24;
    const errors = await ask(
      this.pairs === 0 ? new Float64Array() : engine.sample({ seed: held, stream: "evaluation", count: this.pairs }),
    );
    const hardErrors = await ask(
      this.hard === 0 ? new Float64Array() : hardCases({ count: this.hard, seed: held }),
    );
    return { errors, hardErrors };
  }

  #create(model: ModelName): Promise<Engine> {
    const engine = createEngine({ model });
    this.#engines.set(model, engine);
    return engine;
  }

  async dispose(): Promise<void> {
    for (const engine of this.#engines.values()) await (await engine).dispose();
  }
}

function round(seconds: number): number {
  return Math.round(1000 * seconds) / 1000;
}
