/**
 * The prover: whether a model adds every pair of operands correctly.
 */
import { checkpointFrom, type CheckpointSource } from "../checkpoint/safetensors/checkpoint.ts";
import { checkParameters } from "../engine/interface/checks.ts";
import { checkOptions, type OptionKinds } from "../common/options.ts";
import { decodingModules, readDecodingNumbers } from "../engine/wasm/read_decoding.ts";
import { variantOf } from "../model/variant.ts";
import { positionOfA, positionOfB, QUERIES } from "../model/vocabulary.ts";
import { hashOfWeights, sealCertificate } from "./certificate.ts";
import { CounterexampleSearch } from "./counterexample_search.ts";
import { proveAllSteps, type StepOutcome } from "./prove.ts";
import type { Found } from "./prover.ts";
import type { CertifyCheckpoint, CertifyOptions, CertifyResult, Input, OpenRegion } from "./types.ts";
import { createWorkerPool, type WorkerPool } from "./worker_pool.ts";

const OPTIONS: OptionKinds<CertifyOptions> = {
  ...{ seconds: "a positive number", cuts: "a positive number", threads: "a whole number from 1 to 64" },
  ...{ signal: "an AbortSignal", onProgress: "a function" },
};
const INPUTS = "100000000000000000000";
const DEFAULT_SECONDS = 60;
const DEFAULT_CUTS = 100_000;
/** The least margin that is claimed, in logits: bounds hold for float32 as it is rounded, so any above 0 would do. */
const NEEDED = 0.001;

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

/**
 * As {@linkcode certify}, and reports the inputs with the smallest margins met at each step, and the least of these.
 *
 * @param options With `exhaustive` it looks at all steps, even where one is found to be wrong. With `promising` it hardens: it proves nothing where a smaller margin was met, no step to have a larger one than the least that
 * was met at any, and ends at the first step that cannot be proved. `workers`: a pool that is kept
 */
export async function examine(
  checkpoint: CertifyCheckpoint,
  options: CertifyOptions & { exhaustive?: boolean; promising?: number; workers?: WorkerPool },
): Promise<{ result: CertifyResult; narrow: Input[]; margin: number }> {
  const { model, parameters } = checkpoint;
  checkParameters(parameters, variantOf(model));
  const { seconds = DEFAULT_SECONDS, cuts = DEFAULT_CUTS, exhaustive = false, promising } = options;
  const { signal, onProgress, threads, workers } = options;
  signal?.throwIfAborted();
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const search = new CounterexampleSearch(checkpoint);
  const quick = search.quick();
  // where the module gives up its tables nothing can be proved: the theorem is about decoding by tables as well
  const numbers = quick === undefined || exhaustive || promising !== undefined
    ? readDecodingNumbers(model, parameters)
    : null;
  const pool = workers ?? await createWorkerPool(numbers === null ? 1 : threads);
  const abort = () => pool.end(signal!.reason);
  signal?.addEventListener("abort", abort);
  let outcomes: StepOutcome[] = [];
  let met: Found[] = [];
  try {
    signal?.throwIfAborted();
    if (numbers !== null) {
      pool.load(numbers);
      ({ outcomes, narrow: met } = await proveAllSteps({
        ...{ pool, search, needed: NEEDED, mostCuts: cuts, exhaustive, until: Date.now() + 1000 * seconds },
        promising: quick === undefined || promising === undefined ? promising : Infinity,
        onProgress: (proved, provedSteps) => onProgress?.({ proved, provedSteps, seconds: elapsed() }),
      }));
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    if (workers === undefined) pool.end();
  }
  const proved = outcomes.flatMap((outcome) => outcome.proved ? [outcome] : []).reverse();
  const wrong = quick ?? outcomes.flatMap((outcome) => "counterexample" in outcome ? [outcome.counterexample] : [])[0];
  const open = outcomes.flatMap((outcome) => "open" in outcome ? [outcome.open] : [])[0];
  const certified = wrong === undefined && proved.length === QUERIES;
  const weights = await hashOfWeights(parameters);
  const worstMargin = certified ? Math.min(...proved.map(({ result }) => result.margin)) : null;
  const result: CertifyResult = {
    verdict: wrong !== undefined ? "counterexample" : certified ? "certified" : "undecided",
    ...{ certified, inputs: INPUTS, model, weights, worstMargin, steps: proved.map(({ result }) => result) },
    counterexample: wrong === undefined ? null : search.describe(wrong),
    undecided: wrong !== undefined || open === undefined ? null : describe(open),
    ...{ seconds: elapsed(), threads: pool.threads },
    certificate: worstMargin === null ? null : await sealCertificate({
      ...{ format: "tiny-adder certificate", version: 3, model, weights, modules: await decodingModules() },
      ...{ inputs: INPUTS, worstMargin, steps: proved.map(({ certificate }) => certificate) },
    }),
  };
  const narrow = met.map(({ a, b }) => ({ a, b }));
  const margin = Math.min(...met.map((found) => found.margin));
  return { result, narrow: quick === undefined ? narrow : [quick, ...narrow], margin };
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
