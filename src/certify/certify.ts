/**
 * The prover: whether a model adds every pair of operands correctly.
 */
import { formatValue } from "../common/format_value.ts";
import { checkpointFrom, type CheckpointSource } from "../checkpoint/safetensors/source.ts";
import { checkParameters } from "../engine/interface/checks.ts";
import { checkOptions, type OptionKinds } from "../common/options.ts";
import { decodingModules, readDecodingNumbers } from "../engine/wasm/read_decoding.ts";
import { variantOf } from "../model/variant.ts";
import { hashOfWeights, sealCertificate } from "./certificate.ts";
import { positionOfA, positionOfB } from "./groups.ts";
import { CounterexampleSearch, proveAllSteps } from "./prove.ts";
import type { StepOutcome } from "./prove_step.ts";
import type { CertifyCheckpoint, CertifyOptions, CertifyResult, Input, OpenRegion } from "./types.ts";
import { createWorkerPool, type WorkerPool } from "./worker_pool.ts";

const OPTIONS: OptionKinds<CertifyOptions> = {
  ...{ seconds: "a number", cuts: "a number", threads: "a number", signal: "an AbortSignal", onProgress: "a function" },
};
const INPUTS = "100000000000000000000";
const DEFAULT_SECONDS = 60;
const MOST_THREADS = 64;
const DEFAULT_CUTS = 100_000;
/** The least margin that is claimed, in logits: bounds hold for float32 as it is rounded, so any above 0 would do. */
const NEEDED = 0.001;
/** Between two looks at the signal lie that many milliseconds. */
const TURN_MS = 50;

/**
 * Decides whether a model adds every pair in [0, 9999999999]^2 correctly, by greedy decoding: all 11 digits and the end. docs/certificate.md
 * has the proof.
 *
 * @example Usage
 * ```ts
 * import { certify } from "@x/tiny-adder/certify";
 * import { assertEquals } from "@std/assert";
 *
 * const untrained = { model: 763, parameters: new Float32Array(763).fill(0.1) } as const;
 * const { verdict, counterexample } = await certify(untrained, { seconds: 10 });
 * assertEquals(verdict, "counterexample");
 * console.log(counterexample);
 * ```
 *
 * @throws {RangeError} If the weights are not those of the model, or an option is out of its range
 * @throws {EngineError} If one of its workers dies
 */
export async function certify(checkpoint: CheckpointSource, options: CertifyOptions = {}): Promise<CertifyResult> {
  checkOptions("certify a model", options, OPTIONS);
  return (await examine(checkpointFrom(checkpoint, "certify a model"), options)).result;
}

/** The result of {@linkcode examine}. */
export interface Examination {
  result: CertifyResult;
  /** The inputs with the smallest margins met at each step. */
  narrow: Input[];
}

/**
 * As {@linkcode certify}, and reports the narrow inputs as well.
 *
 * @param options With `exhaustive` it looks at all steps, even where one is found to be wrong
 */
export async function examine(
  checkpoint: CertifyCheckpoint,
  options: CertifyOptions & { exhaustive?: boolean },
): Promise<Examination> {
  checkParameters(checkpoint.parameters, variantOf(checkpoint.model));
  const threads = checkRanges(options);
  options.signal?.throwIfAborted();
  const started = performance.now();
  const search = new CounterexampleSearch(checkpoint);
  const quick = search.quick();
  const hasEnded = quick !== undefined && !options.exhaustive;
  const pool = await createWorkerPool(hasEnded ? 1 : threads);
  const { model } = checkpoint;
  const result: CertifyResult = {
    ...{ verdict: "undecided", certified: false, inputs: INPUTS, model },
    ...{ weights: await hashOfWeights(checkpoint.parameters), worstMargin: null, steps: [], counterexample: null },
    ...{ undecided: null, seconds: 0, threads: pool.threads, certificate: null },
  };
  const narrow: Input[] = quick === undefined ? [] : [quick];
  try {
    if (!hasEnded) narrow.push(...await decide(checkpoint, { ...options, pool, search, started, result }));
  } finally {
    pool.terminate();
  }
  if (quick !== undefined) {
    Object.assign(result, { verdict: "counterexample", counterexample: search.describe(quick), undecided: null });
  }
  result.seconds = (performance.now() - started) / 1000;
  return { result, narrow };
}

/** @returns The number of threads */
function checkRanges(options: CertifyOptions): number {
  const { seconds = DEFAULT_SECONDS, cuts = DEFAULT_CUTS, threads } = options;
  for (const [name, value] of [["seconds", seconds], ["cuts", cuts]] as const) {
    if (typeof value === "number" && value > 0) continue;
    throw new RangeError(
      `Cannot certify a model as ${name} must be a positive number: current value is ${formatValue(value)}`,
    );
  }
  const asked = threads ?? Math.min(MOST_THREADS, globalThis.navigator?.hardwareConcurrency ?? 1);
  if (!Number.isInteger(asked) || asked < 1 || asked > MOST_THREADS) {
    throw new RangeError(
      `Cannot certify a model as threads must be a whole number from 1 to ${MOST_THREADS}: current value is ${
        formatValue(asked)
      }`,
    );
  }
  return asked;
}

/** Searches for a proof, and writes the outcome into `result`. @returns The narrow inputs */
async function decide(
  checkpoint: CertifyCheckpoint,
  { seconds = DEFAULT_SECONDS, cuts = DEFAULT_CUTS, exhaustive, signal, onProgress = () => {}, ...given }:
    & CertifyOptions
    & { exhaustive?: boolean; pool: WorkerPool; search: CounterexampleSearch; started: number; result: CertifyResult },
): Promise<Input[]> {
  const { pool, search, started, result } = given;
  const numbers = readDecodingNumbers(checkpoint.model, checkpoint.parameters);
  if (numbers === null) return []; // undecided: the theorem is about decoding by tables as well
  pool.load(numbers);
  const ended = cancelAt(signal, pool);
  try {
    const outcomes = await proveAllSteps(pool, {
      ...{ needed: NEEDED, search, mostCuts: cuts, exhaustive, until: Date.now() + 1000 * seconds },
      onProgress: (proved) => onProgress({ proved, seconds: (performance.now() - started) / 1000 }),
    });
    if (outcomes.every((outcome) => outcome.proved)) await seal(result, outcomes);
    else {
      result.steps = outcomes.flatMap((outcome) => outcome.proved ? [outcome.result] : []).reverse();
      const wrong = outcomes.find((outcome) => "counterexample" in outcome);
      const open = outcomes.find((outcome) => "open" in outcome);
      if (wrong !== undefined) {
        Object.assign(result, { verdict: "counterexample", counterexample: search.describe(wrong.counterexample) });
      } else result.undecided = describe(open!.open);
    }
    return narrowOf(outcomes);
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  } finally {
    ended();
  }
}

function narrowOf(outcomes: readonly StepOutcome[]): Input[] {
  return outcomes.flatMap(({ narrow }) => narrow.map(({ a, b }) => ({ a, b })));
}

type Proved = Extract<StepOutcome, { proved: true }>;

/** Puts the parts of a proof together. */
async function seal(result: CertifyResult, outcomes: readonly Proved[]): Promise<void> {
  result.steps = outcomes.map((outcome) => outcome.result).reverse();
  const worstMargin = Math.min(...result.steps.map(({ margin }) => margin));
  Object.assign(result, { verdict: "certified", certified: true, worstMargin });
  const { model, weights } = result;
  result.certificate = await sealCertificate({
    ...{
      format: "tiny-adder certificate",
      version: 3,
      model,
      weights,
      modules: await decodingModules(),
      inputs: INPUTS,
    },
    ...{ worstMargin, steps: outcomes.map(({ certificate }) => certificate).reverse() },
  });
}

/** Cancels the pool's tasks at the signal. @returns What ends the watch */
function cancelAt(signal: AbortSignal | undefined, pool: WorkerPool): () => void {
  const abort = () => pool.cancel(signal!.reason);
  signal?.addEventListener("abort", abort);
  const timer = signal && setInterval(() => signal.aborted && abort(), TURN_MS); // cancels tasks that are submitted later, too
  return () => {
    clearInterval(timer);
    signal?.removeEventListener("abort", abort);
  };
}

/** A part as people read it. */
function describe(
  { step, bound, digits }: { step: number; bound: number; digits: Uint16Array | undefined },
): OpenRegion {
  const list = (position: number) =>
    [..."0123456789"].filter((_, digit) => digits === undefined || digits[position] >> digit & 1).join("");
  const places = Array.from({ length: 10 }, (_, place) => place);
  return { step, bound, a: places.map(positionOfA).map(list), b: places.map(positionOfB).map(list) };
}
