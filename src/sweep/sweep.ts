import { createEngine } from "../engine/create_engine.ts";
import type { Arithmetic, Engine } from "../engine/interface/types.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import { hardCases } from "../evaluation/hard.ts";
import type { ModelName } from "../model/variant.ts";
import { sha256 } from "../common/sha256.ts";
import { TrainingError } from "../training/error.ts";
import type { Recipe } from "../training/recipes.ts";
import { train } from "../training/train.ts";
import type { TrainOptions } from "../training/options.ts";
import type { TrainResult } from "../training/types.ts";
import { appendRun, readSweep } from "./file.ts";
import { keyOf, type SweepLine } from "./line.ts";
import { recipeHash, type SweepRun } from "./runs.ts";

/** The seeds of the held-out pairs start here: training uses none of them, and every run gets other pairs. */
const HELD_OUT_SEED = 4_000_000_000;

/** Trains the runs of a sweep. */
export interface RunTrainer {
  readonly backend: string;
  /** The name of the GPU, if there is one. */
  readonly adapter?: string;
  /** The arithmetic that runs if this one is requested. */
  arithmeticOf(asked: Arithmetic): Arithmetic;
  train(options: TrainOptions): Promise<TrainResult>;
  dispose(): void;
}

/** Trains on the CPU, with one thread for each run. */
function cpuTrainer(threads: number): RunTrainer {
  return {
    backend: "wasm",
    arithmeticOf: (asked) => asked,
    // `attempts: 1` trains in a worker, so that runs train in parallel
    train: (options) => train(threads > 1 ? { ...options, attempts: 1 } : options),
    dispose() {},
  };
}

/** Options of {@linkcode sweep}. */
export interface SweepOptions {
  /** The file to append a line to for each run. */
  out: string;
  /** The number of runs to train at a time. */
  threads: number;
  /** @default {the CPU, with one thread for each run} */
  trainer?: RunTrainer;
  /** The number of held-out uniform pairs to test each model on. */
  pairs: number;
  /** The number of hard pairs to test each model on. */
  hard: number;
  /** Whether each run ends with a proof, and with hardening if its recipe has it, like `train` on the command line. @default {false} */
  certify?: boolean;
  /** Ends the sweep; finished runs are kept. */
  signal?: AbortSignal;
  /** Called after each run. */
  onRun?: (line: SweepLine, done: number) => void;
}

/**
 * Does the runs that are not in the file yet, and appends their lines.
 *
 * @returns How many were done, and how many were in the file already
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
    stop.abort(error); // the other runs must not continue after this has failed
    throw error;
  } finally {
    await Promise.allSettled(workers);
    await examiner.dispose();
    trainer.dispose();
  }
  return { done, known: runs.length - open.length };
}

/** Trains one model and tests it. */
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

/** Tests models, one at a time. */
class Examiner {
  readonly #engines = new Map<ModelName, Promise<Engine>>();

  constructor(readonly pairs: number, readonly hard: number) {}

  /** Counts the wrong sums of a model. */
  async examine(
    model: ModelName,
    seed: number,
    parameters: Float32Array,
    signal: AbortSignal,
  ): Promise<{ errors: number; hardErrors: number }> {
    const engine = await (this.#engines.get(model) ?? this.#create(model));
    const ask = async (operands: Float64Array) => {
      if (operands.length === 0) return 0;
      engine.setParameters(parameters); // another model may have used the engine meanwhile
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
