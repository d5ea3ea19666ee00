import { checkpointFrom, type CheckpointSource } from "../checkpoint/safetensors/checkpoint.ts";
import { createEngine } from "../engine/create_engine.ts";
import type { BackendName, Engine } from "../engine/interface/types.ts";
import { checkOptions, type OptionKinds } from "../common/options.ts";
import { examine } from "./certify.ts";
import type { ModelName } from "../model/variant.ts";
import { createWorkerPool } from "./worker_pool.ts";
import type { CertifyOptions, CertifyResult, Input } from "./types.ts";

/** Options of {@linkcode harden}. */
export interface HardenOptions extends Pick<CertifyOptions, "threads" | "signal" | "onProgress"> {
  /** Most rounds of finding and training. @default {12} */
  rounds?: number;
  /** Seed of the examples, a whole number in [0, 2^32). @default {1} */
  seed?: number;
  /** Gives up the proof of a group of inputs, and trains on, after that many cuts. @default {10_000} */
  cuts?: number;
  /** What to train on. @default {"auto"} */
  backend?: BackendName | "auto";
  /**
   * Called before each round of training: the least margin that was met, in logits, how many steps of the answer are proved, and how many inputs
   * are trained on. Nothing is proved where the margin is small.
   */
  onRound?: (round: { round: number; margin: number; proved: number; pool: number }) => void;
}

/** The result of {@linkcode harden}. */
export interface HardenResult {
  /** The weights at the end. */
  parameters: Float32Array;
  /** The proof's result for them. */
  result: CertifyResult;
  /** Rounds of training that were needed. */
  rounds: number;
  /** Examples of that training. */
  examples: number;
}

const OPTIONS: OptionKinds<HardenOptions> = {
  ...{ rounds: "a whole number, 0 or more", seed: "a whole number from 0 to 4294967295", cuts: "a positive number" },
  ...{ threads: "a whole number from 1 to 64", backend: "a text", signal: "an AbortSignal" },
  ...{ onRound: "a function", onProgress: "a function" },
};
/** Cuts after the last round. */
const LAST_CUTS = 20_000;
/** A proof is not tried where the search meets a smaller margin, in logits: training on what it met costs less. */
const PROMISING = 1.5;
const BATCH = 64;
/** Examples of a batch that come from what was found. */
const FOUND = 16;
const STEPS = 1500;
const PEAK = 2e-3;
/** The sampler's attempts from which the other examples come: no run of training reaches them. */
const FIRST_ATTEMPT = 2 ** 30;

/**
 * Finds inputs that a model adds wrongly or narrowly, adds them and their like to the mix, and trains on, until all is proved right.
 *
 * The like of a pair is got by exchanging its operands, or by changing one digit. Which inputs are hard is what the prover says: nothing here
 * knows of carries.
 *
 * @example Usage
 * ```ts
 * import { harden } from "@x/tiny-adder/certify";
 *
 * const untrained = new Float32Array(763).fill(0.1); // train it first: no round at all will do
 * const { parameters, result, rounds } = await harden({ model: 763, parameters: untrained }, { rounds: 0 });
 * console.log(result.certified, rounds);
 * ```
 */
export async function harden(checkpoint: CheckpointSource, options: HardenOptions = {}): Promise<HardenResult> {
  checkOptions("harden a model", options, OPTIONS);
  const { model, parameters } = checkpointFrom(checkpoint, "harden a model");
  let engine: Engine | undefined;
  const start = async () => engine ??= await createEngine({ backend: options.backend, model, threads: 1 });
  try {
    return await hardenOn(start, model, parameters.slice(), options);
  } finally {
    await engine?.dispose();
  }
}

/** {@linkcode harden} on an engine that is asked for when training is needed. */
export async function hardenOn(
  engineOf: () => Engine | Promise<Engine>,
  model: ModelName,
  parameters: Float32Array,
  { rounds = 12, seed = 1, cuts = 10_000, threads, signal, onRound = () => {}, onProgress }: HardenOptions,
): Promise<HardenResult> {
  const pool: Input[] = [];
  let workers = await createWorkerPool(threads);
  try {
    for (let round = 0;; round++) {
      const isLast = round === rounds;
      if (round > 1) { // what two models leave in a worker takes as much memory as all else in it
        workers.end();
        workers = await createWorkerPool(threads);
      }
      const { result, narrow, margin } = await examine({ model, parameters }, {
        ...(isLast ? { cuts: LAST_CUTS, promising: -Infinity } : { cuts, promising: PROMISING }),
        ...{ seconds: Infinity, signal, onProgress },
      }, workers);
      if (result.certified || isLast) return { parameters, result, rounds: round, examples: round * STEPS * BATCH };
      pool.push(...narrow);
      onRound({ round: round + 1, margin, proved: result.steps.length, pool: pool.length });
      const engine = await engineOf();
      engine.setParameters(parameters);
      await trainOn(engine, pool, { latest: narrow.length, seed, round, signal });
      parameters = engine.parameters();
    }
  } finally {
    workers.end();
  }
}

/** Trains on the pool and on random examples: warm-up over a tenth of the steps, then cosine to 0. `latest` of the pool are from this round. */
async function trainOn(
  engine: Engine,
  pool: readonly Input[],
  { latest, seed, round, signal }: { latest: number; seed: number; round: number; signal: AbortSignal | undefined },
): Promise<void> {
  const draw = { seed, stream: "training", attempt: FIRST_ATTEMPT + round, count: BATCH } as const;
  for (let step = 0; step < STEPS; step++) {
    signal?.throwIfAborted();
    const learningRate = PEAK * Math.min(10 * (step + 1) / STEPS, (1 + Math.cos(Math.PI * step / STEPS)) / 2);
    const operands = engine.sample({ ...draw, sample: step });
    for (let i = 0; i < FOUND; i++) {
      const from = i % 4 < 2 ? pool.length - latest : 0; // every other time one of the latest finds
      const [x, y] = operands.subarray(2 * i + 2 * FOUND);
      operands.set(likeOf(pool[from + Math.floor(x / 7) % (pool.length - from)], x, y, i % 2 === 1), 2 * i);
    }
    await engine.trainStep(operands, { learningRate, weightDecay: 0, clipNorm: 1, beta2: 0.99 });
  }
}

/** A pair as it is or with its operands exchanged, and if it is to be changed with another digit; x and y are random operands. */
function likeOf({ a, b }: Input, x: number, y: number, isChanged: boolean): [a: number, b: number] {
  const [p, q] = x % 2 === 0 ? [a, b] : [b, a];
  const place = 10 ** (y % 10);
  const digit = Math.floor(p / place) % 10;
  return [isChanged ? p + (Math.floor(x / 100) % 10 - digit) * place : p, q];
}
