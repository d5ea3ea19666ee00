/**
 * The prover: whether a model adds every pair of operands rightly.
 *
 * @module
 */
import { shown } from "../shown.ts";
import { checkpointFrom, type CheckpointSource } from "../checkpoint/source.ts";
import { checkParameters } from "../engine/checks.ts";
import { variantOf } from "../model/variant.ts";
import { measureArithmetic } from "./arithmetic.ts";
import { hashOfWeights, sealCertificate } from "./certificate.ts";
import { type Crew, gatherCrew } from "./crew.ts";
import { positionOfA, positionOfB } from "./places.ts";
import { Judge, proveAllSteps } from "./prove.ts";
import type { StepOutcome } from "./prove_step.ts";
import type { BoundedPart } from "./prover.ts";
import { regionsOf } from "./region.ts";
import type { ArithmeticReport, CertifyCheckpoint, CertifyOptions, CertifyResult, Input, OpenRegion } from "./types.ts";

const INPUTS = "100000000000000000000";
const DEFAULT_SECONDS = 60;
const MOST_THREADS = 64;
/** What is demanded before float32 is measured, which is not worth while for a model that is wrong. Mostly the measurement demands less. */
const PROVISIONAL_DEMAND = 0.05;
/** The measurement's share of the progress. */
const MEASURING = 0.2;
/** Between two looks at the signal lie that many milliseconds. */
const TURN_MS = 50;

/**
 * Decides whether a model adds every pair in [0, 9999999999]^2 rightly, by greedy decoding: all 11 digits and the end. docs/certificate.md
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
  return (await examine(checkpointFrom(checkpoint, "certify a model"), options)).result;
}

/** What {@linkcode examine} finds. */
export interface Examination {
  /** The answer. */
  result: CertifyResult;
  /** The inputs with the smallest margins met at each step. */
  narrow: Input[];
}

/**
 * Does what {@linkcode certify} says, and tells the narrow inputs as well.
 *
 * @param options With `exhaustive` it looks at all steps, even where one is found to be wrong
 */
export async function examine(
  checkpoint: CertifyCheckpoint,
  options: CertifyOptions & { exhaustive?: boolean },
): Promise<Examination> {
  checkParameters(checkpoint.parameters, variantOf(checkpoint.model));
  const threads = checkOptions(options);
  options.signal?.throwIfAborted();
  const started = performance.now();
  const judge = new Judge(checkpoint);
  const glaring = judge.glaringFailure();
  const hasEnded = glaring !== undefined && !options.exhaustive;
  const crew = await gatherCrew(hasEnded ? 1 : threads);
  const { model } = checkpoint;
  const result: CertifyResult = {
    ...{ verdict: "undecided", certified: false, inputs: INPUTS, model },
    ...{ weights: await hashOfWeights(checkpoint.parameters), worstMargin: null, steps: [], counterexample: null },
    ...{ undecided: null, arithmetic: null, seconds: 0, threads: crew.threads, certificate: null },
  };
  const narrow: Input[] = glaring === undefined ? [] : [glaring];
  try {
    if (!hasEnded) {
      const parameters = checkpoint.parameters.slice();
      narrow.push(...await decide({ model, parameters }, { ...options, crew, judge, started, result }));
    }
  } finally {
    crew.dismiss();
  }
  if (glaring !== undefined) {
    Object.assign(result, { verdict: "counterexample", counterexample: judge.describe(glaring), undecided: null });
  }
  result.seconds = (performance.now() - started) / 1000;
  return { result, narrow };
}

/** @returns The number of threads */
function checkOptions(options: CertifyOptions): number {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot certify a model as its options must be an object: current value is ${shown(options)}`);
  }
  const { seconds = DEFAULT_SECONDS, cuts = Infinity, threads } = options;
  for (const [name, value] of [["seconds", seconds], ["cuts", cuts]] as const) {
    if (typeof value === "number" && value > 0) continue;
    throw new RangeError(
      `Cannot certify a model as ${name} must be a positive number: current value is ${shown(value)}`,
    );
  }
  const asked = threads ?? Math.min(MOST_THREADS, globalThis.navigator?.hardwareConcurrency ?? 1);
  if (!Number.isInteger(asked) || asked < 1 || asked > MOST_THREADS) {
    throw new RangeError(
      `Cannot certify a model as threads must be a whole number from 1 to ${MOST_THREADS}: current value is ${
        shown(asked)
      }`,
    );
  }
  return asked;
}

/** Searches for a proof, and writes what comes of it into `result`. @returns The narrow inputs */
async function decide(
  checkpoint: CertifyCheckpoint,
  { seconds = DEFAULT_SECONDS, cuts = Infinity, exhaustive, signal, onProgress = () => {}, ...given }:
    & CertifyOptions
    & { exhaustive?: boolean; crew: Crew; judge: Judge; started: number; result: CertifyResult },
): Promise<Input[]> {
  const { crew, judge, started, result } = given;
  const elapsed = () => (performance.now() - started) / 1000;
  const expired = () => elapsed() > seconds;
  let shown = 0;
  const show = (proved: number) => onProgress({ proved: shown = Math.max(shown, proved), seconds: elapsed() });
  crew.load(checkpoint.model, checkpoint.parameters);
  const prove = (demanded: number) =>
    proveAllSteps(crew, {
      ...{ demanded, judge, mostCuts: cuts, exhaustive, expired },
      onProgress: (proved) => show((1 - MEASURING) * proved),
    });

  const ended = watch(signal, crew);
  try {
    let outcomes = await prove(PROVISIONAL_DEMAND);
    if (allProved(outcomes)) {
      const arithmetic = await measureArithmetic(
        checkpoint,
        crew,
        (done) => show(1 - MEASURING + MEASURING * done),
      );
      result.arithmetic = arithmetic;
      // rarely: a margin may do for less than what the measurement demands
      const narrow = outcomes.some((outcome) => outcome.proved && !(outcome.result.margin >= arithmetic.demanded));
      if (narrow) outcomes = await prove(arithmetic.demanded);
      if (allProved(outcomes)) {
        await seal(result, arithmetic, outcomes);
        return narrowOf(outcomes);
      }
    }
    result.steps = outcomes.flatMap((outcome) => outcome.proved ? [outcome.result] : []).reverse();
    const wrong = outcomes.find((outcome) => "counterexample" in outcome);
    const open = outcomes.find((outcome) => "open" in outcome);
    if (wrong !== undefined) {
      Object.assign(result, { verdict: "counterexample", counterexample: judge.describe(wrong.counterexample) });
    } else {
      result.undecided = describe(open!.open);
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

function allProved(outcomes: readonly StepOutcome[]): outcomes is Proved[] {
  return outcomes.every(({ proved }) => proved);
}

/** Puts the parts of a proof together. */
async function seal(result: CertifyResult, arithmetic: ArithmeticReport, outcomes: readonly Proved[]): Promise<void> {
  result.steps = outcomes.map((outcome) => outcome.result).reverse();
  const worstMargin = Math.min(...result.steps.map(({ margin }) => margin));
  if (!(worstMargin >= arithmetic.demanded)) throw new Error("a step was proved with too small a margin");
  Object.assign(result, { verdict: "certified", certified: true, worstMargin });
  result.certificate = await sealCertificate({
    ...{ format: "tiny-adder certificate", version: 2, model: result.model, weights: result.weights, inputs: INPUTS },
    ...{ worstMargin, arithmetic, steps: outcomes.map(({ certificate }) => certificate).reverse() },
  });
}

/** Ends the crew's work at the signal. @returns What ends the watch */
function watch(signal: AbortSignal | undefined, crew: Crew): () => void {
  const abort = () => crew.giveUp(signal!.reason);
  signal?.addEventListener("abort", abort);
  // what is asked after the signal is given up as well
  const timer = signal && setInterval(() => signal.aborted && abort(), TURN_MS);
  return () => {
    clearInterval(timer);
    signal?.removeEventListener("abort", abort);
  };
}

/** A region as people read it. */
function describe({ step, token, number, digits, bound }: BoundedPart): OpenRegion {
  const allowed = digits ?? regionsOf(step, token)[number].digits;
  const list = (position: number) => [..."0123456789"].filter((_, digit) => allowed[position] >> digit & 1).join("");
  const places = Array.from({ length: 10 }, (_, place) => place);
  return { step, bound, a: places.map(positionOfA).map(list), b: places.map(positionOfB).map(list) };
}
