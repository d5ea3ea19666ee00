import { checkpointFrom, type CheckpointSource } from "../checkpoint/safetensors/checkpoint.ts";
import { checkParameters } from "../engine/interface/checks.ts";
import { checkOptions, type OptionKinds } from "../common/options.ts";
import { decodingModules, readDecodingNumbers } from "../engine/wasm/read_decoding.ts";
import { variantOf } from "../model/variant.ts";
import { QUERIES } from "../model/vocabulary.ts";
import { hashOfWeights, sealCertificate } from "./certificate.ts";
import { searchCounterexamples } from "./counterexample_search.ts";
import { type ExamineOptions, proveAllSteps } from "./prove.ts";
import type { CertifyCheckpoint, CertifyOptions, CertifyResult, Input } from "./types.ts";
import { createWorkerPool, type WorkerPool } from "./worker_pool.ts";

const OPTIONS: OptionKinds<CertifyOptions> = {
  ...{ seconds: "a positive number", cuts: "a positive number", threads: "a whole number from 1 to 64" },
  ...{ signal: "an AbortSignal", onProgress: "a function" },
};
const INPUTS = "100000000000000000000";

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
 * @param workers A pool that is kept
 */
export async function examine(
  checkpoint: CertifyCheckpoint,
  options: ExamineOptions,
  workers?: WorkerPool,
): Promise<{ result: CertifyResult; narrow: Input[]; margin: number }> {
  const { model, parameters } = checkpoint;
  const { signal, onProgress, threads, exhaustive, promising } = options;
  checkParameters(parameters, variantOf(model));
  signal?.throwIfAborted();
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const search = searchCounterexamples(checkpoint);
  const { quick } = search;
  // where the module gives up its tables nothing can be proved: the theorem is about decoding by tables as well
  const numbers = quick === undefined || exhaustive || promising !== undefined
    ? readDecodingNumbers(model, parameters)
    : null;
  let pool = workers;
  let proof: Awaited<ReturnType<typeof proveAllSteps>> = { outcomes: [], narrow: [] };
  const abort = () => pool?.end(signal!.reason);
  signal?.addEventListener("abort", abort);
  try {
    if (numbers !== null) {
      pool ??= await createWorkerPool(threads);
      signal?.throwIfAborted();
      pool.load(numbers);
      const own = quick === undefined || promising === undefined ? options : { ...options, promising: Infinity };
      proof = await proveAllSteps(pool, search, own, (proved, provedSteps) => {
        onProgress?.({ proved, provedSteps, seconds: elapsed() });
      });
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    if (workers === undefined) pool?.end();
  }
  const { outcomes, narrow } = proof;
  const proved = outcomes.flatMap(({ proof }) => proof ?? []).reverse();
  const wrong = quick ?? outcomes.find(({ counterexample }) => counterexample)?.counterexample;
  const open = outcomes.find(({ open }) => open)?.open ?? null;
  const certified = wrong === undefined && proved.length === QUERIES;
  const verdict = wrong !== undefined ? "counterexample" : certified ? "certified" : "undecided";
  const weights = await hashOfWeights(parameters);
  const worstMargin = certified ? Math.min(...proved.map(({ result }) => result.margin)) : null;
  const result: CertifyResult = {
    ...{ verdict, certified, inputs: INPUTS, model, weights, worstMargin, steps: proved.map(({ result }) => result) },
    counterexample: wrong === undefined ? null : search.describe(wrong),
    undecided: wrong === undefined ? open : null,
    ...{ seconds: elapsed(), threads: pool?.threads ?? 1 },
    certificate: worstMargin === null ? null : await sealCertificate({
      ...{ format: "tiny-adder certificate", version: 3, model, weights, modules: await decodingModules() },
      ...{ inputs: INPUTS, worstMargin, steps: proved.map(({ certificate }) => certificate) },
    }),
  };
  signal?.throwIfAborted(); // an abort after the last task has no task left to reject
  const margin = Math.min(...narrow.map((found) => found.margin));
  return { result, narrow: quick === undefined ? narrow : [quick, ...narrow], margin };
}
