/**
 * Training on what the prover finds, until the proof goes through.
 *
 * @module
 */
import { createEngine } from "../engine/create_engine.ts";
import { drawOperands } from "../model/sampler.ts";
import { certify } from "./certify.ts";
import type { CertifyCheckpoint, CertifyResult, Input } from "./types.ts";

/** Options of {@linkcode harden}. */
export interface HardenOptions {
  /** Most rounds of finding and training. @default {12} */
  rounds?: number;
  /** Seed of the examples, a whole number in [0, 2^32). @default {1} */
  seed?: number;
  /** Seconds for each proof. @default {30} */
  seconds?: number;
  /** Ends it early: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Is told after each proof. */
  onRound?: (round: { round: number; verdict: CertifyResult["verdict"]; pool: number }) => void;
}

/** What {@linkcode harden} gives. */
export interface HardenResult {
  /** The weights at the end. */
  parameters: Float32Array;
  /** What the prover says of them. */
  result: CertifyResult;
  /** Rounds of training that were needed. */
  rounds: number;
}

const BATCH = 64;
/** Examples of a batch that come from what was found. */
const FOUND = 16;
const STEPS = 1500;
const PEAK = 2e-3;

/**
 * Finds inputs that a model adds wrongly or narrowly, adds them and their like to the mix, and trains on, until all is proved right.
 *
 * The like of a pair is got by exchanging its operands, or by changing one digit. Which inputs are hard is what the prover says: nothing here
 * knows of carries.
 *
 * @example Usage
 * ```ts ignore
 * const { parameters, result, rounds } = await harden({ model: 763, parameters: weights });
 * console.log(result.certified, rounds);
 * ```
 */
export async function harden(checkpoint: CertifyCheckpoint, options: HardenOptions = {}): Promise<HardenResult> {
  const { rounds = 12, seed = 1, seconds = 30, signal, onRound = () => {} } = options;
  const { model } = checkpoint;
  let parameters: Float32Array = checkpoint.parameters.slice();
  const pool: Input[] = [];
  const engine = await createEngine({ model });
  try {
    for (let round = 0;; round++) {
      const result = await certify({ model, parameters }, { seconds, signal });
      if (result.counterexample !== null) pool.push(result.counterexample);
      for (const { worst } of result.steps) pool.push(worst);
      onRound({ round, verdict: result.verdict, pool: pool.length });
      if (result.certified || round === rounds) return { parameters, result, rounds: round };
      engine.setParameters(parameters);
      for (let step = 0; step < STEPS; step++) {
        // warm-up over a tenth, then cosine to 0
        const learningRate = PEAK * Math.min(10 * (step + 1) / STEPS, (1 + Math.cos(Math.PI * step / STEPS)) / 2);
        const operands = drawOperands({
          seed,
          stream: "training",
          attempt: 2 ** 30 + round,
          sample: step,
          count: BATCH,
        });
        for (let i = 0; i < FOUND; i++) {
          const { a, b } = likeOf(pool, operands[2 * i + 2 * FOUND], operands[2 * i + 2 * FOUND + 1], i);
          operands.set([a, b], 2 * i);
        }
        await engine.trainStep(operands, { learningRate, weightDecay: 0, clipNorm: 1, beta2: 0.99 });
      }
      parameters = engine.parameters();
    }
  } finally {
    await engine.dispose();
  }
}

/** One of the pool, as it is or with its operands exchanged, and every second time with one digit changed; x and y are random operands. */
function likeOf(pool: readonly Input[], x: number, y: number, i: number): Input {
  // the latest find is drawn every fourth time
  const { a, b } = i % 4 === 0 ? pool[pool.length - 1] : pool[Math.floor(x / 7) % pool.length];
  const [p, q] = x % 2 === 0 ? [a, b] : [b, a];
  if (i % 2 === 0) return { a: p, b: q };
  const place = 10 ** (y % 10);
  const digit = Math.floor(p / place) % 10;
  return { a: p + (Math.floor(x / 100) % 10 - digit) * place, b: q };
}
