/**
 * The prover: whether a model adds every pair of operands rightly.
 *
 * @module
 */
import { WasmAdder } from "../adder.ts";
import { checkParameters } from "../engine/checks.ts";
import { decodeGreedily } from "../engine/reference/decode.ts";
import { tensorsOf } from "../engine/reference/model.ts";
import { variantOf } from "../model/variant.ts";
import { drawOperands } from "../model/sampler.ts";
import { hardCases } from "../evaluation/hard.ts";
import { QUERIES, targetTokens } from "../model/vocabulary.ts";
import { measureArithmetic } from "./arithmetic.ts";
import { Bounder } from "./bound.ts";
import { hashOfWeights, sealCertificate } from "./certificate.ts";
import { Head } from "./head.ts";
import { positionOfA, positionOfB } from "./places.ts";
import { proveStep, type StepOutcome } from "./prove_step.ts";
import { Query } from "./query.ts";
import type { Region } from "./region.ts";
import type {
  ArithmeticReport,
  CertificateStep,
  CertifyCheckpoint,
  CertifyOptions,
  CertifyResult,
  Input,
  OpenRegion,
} from "./types.ts";

const INPUTS = "100000000000000000000";
const DEFAULT_SECONDS = 60;
/** Between two turns of the event loop lie about this many milliseconds. */
const TURN_MS = 50;
/** Random pairs, and as many with long carries, that are added before anything is proved. */
const GLARING_PROBLEMS = 2000;
/** Shares of the progress: the measurement's, and the rest in equal parts for the steps. */
const MEASURING = 0.2;

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
 * @throws {RangeError} If the weights are not those of the model, or `seconds` is not a positive number
 */
export async function certify(checkpoint: CertifyCheckpoint, options: CertifyOptions = {}): Promise<CertifyResult> {
  const { seconds = DEFAULT_SECONDS, signal, onProgress = () => {} } = options;
  const { model } = checkpoint;
  const variant = variantOf(model);
  checkParameters(checkpoint.parameters, variant);
  if (!(seconds > 0)) {
    throw new RangeError(`Cannot certify a model as seconds must be a positive number: current value is ${seconds}`);
  }
  const parameters = checkpoint.parameters.slice();
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const expired = () => elapsed() > seconds;
  const turn = turns(signal);

  const tensors = tensorsOf(Float64Array.from(parameters), variant);
  const head = new Head(tensors, variant);
  const bounder = new Bounder(head);
  const adder = new WasmAdder(model, parameters);
  const reference = ({ a, b }: Input) => decodeGreedily(tensors, variant, a, b);
  const tools = {
    ...{ head, bounder, expired },
    makeQuery: (step: number, token: number) => new Query(tensors, variant, step, token),
    isWrong: (input: Input) =>
      firstWrong(adder.decode(Float64Array.of(input.a, input.b)), input) >= 0 &&
      firstWrong(reference(input), input) >= 0,
  };

  const result: CertifyResult = {
    ...{ verdict: "undecided", certified: false, inputs: INPUTS, model, weights: await hashOfWeights(parameters) },
    ...{ worstMargin: null, steps: [], counterexample: null, undecided: null, arithmetic: null },
    ...{ seconds: 0, certificate: null },
  };
  const proofs: CertificateStep[] = [];
  let outcome: StepOutcome | undefined;
  let arithmetic: ArithmeticReport | undefined;

  const fail = ({ a, b }: Input) => {
    const step = firstWrong(adder.decode(Float64Array.of(a, b)), { a, b });
    const counterexample = { a, b, expected: a + b, got: adder.add(a, b), step };
    return { ...result, verdict: "counterexample", counterexample, seconds: elapsed() } as const;
  };
  const glaring = glaringFailure(adder, tools.isWrong);
  if (glaring !== undefined) return fail(glaring);

  const measuring = measureArithmetic({ model, parameters }, tools);
  for (let state = await measuring.next();; state = await measuring.next()) {
    if (state.done) {
      arithmetic = state.value;
      break;
    }
    onProgress({ step: 0, proved: MEASURING * state.value, seconds: elapsed() });
    await turn();
  }
  result.arithmetic = arithmetic;

  for (let step = 0; step < QUERIES; step++) {
    const proving = proveStep(step, { ...tools, demanded: arithmetic.demanded });
    for (let state = proving.next();; state = proving.next()) {
      if (state.done) {
        outcome = state.value;
        break;
      }
      const proved = MEASURING + (1 - MEASURING) * (step + state.value) / QUERIES;
      onProgress({ step, proved, seconds: elapsed() });
      await turn();
    }
    if (!outcome.proved) break;
    const { result: { margin, worst }, splits } = outcome;
    result.steps.push(outcome.result);
    proofs.push({ step, margin, worst, splits });
  }

  if (outcome!.proved) {
    const worstMargin = Math.min(...result.steps.map(({ margin }) => margin));
    if (!(worstMargin >= arithmetic.demanded)) throw new Error("a step was proved with too small a margin");
    Object.assign(result, { verdict: "certified", certified: true, worstMargin });
    result.certificate = await sealCertificate({
      ...{ format: "tiny-adder certificate", version: 1, model, weights: result.weights, inputs: INPUTS },
      ...{ worstMargin, arithmetic, steps: proofs },
    });
  } else if ("counterexample" in outcome!) {
    return fail(outcome.counterexample);
  } else {
    result.undecided = describe(outcome!.open, outcome!.bound);
  }
  result.seconds = elapsed();
  return result;
}

/** The first step at which tokens are not those of the sum and its end; -1 where they are. */
function firstWrong(tokens: ArrayLike<number>, { a, b }: Input): number {
  return targetTokens(a, b).findIndex((token, step) => token !== tokens[step]);
}

/** A pair that a look at a few thousand finds to be added wrongly: most models that are not right need no proof of it. */
function glaringFailure(adder: WasmAdder, isWrong: (input: Input) => boolean): Input | undefined {
  const operands = [
    ...hardCases({ count: GLARING_PROBLEMS, seed: 1 }),
    ...drawOperands({ seed: 1, stream: "evaluation", count: GLARING_PROBLEMS }),
  ];
  const pairs = Array.from({ length: operands.length / 2 }, (_, i) => ({ a: operands[2 * i], b: operands[2 * i + 1] }));
  const sums = adder.addMany(pairs);
  return pairs.find(({ a, b }, i) => sums[i] !== a + b && isWrong({ a, b }));
}

/** A region as people read it. */
function describe({ step, digits }: Region, bound: number): OpenRegion {
  const list = (position: number) => [..."0123456789"].filter((_, digit) => digits[position] >> digit & 1).join("");
  const places = Array.from({ length: 10 }, (_, place) => place);
  return { step, bound, a: places.map(positionOfA).map(list), b: places.map(positionOfB).map(list) };
}

/** Lets timers and signals run now and then. */
function turns(signal: AbortSignal | undefined): () => Promise<void> {
  let last = performance.now();
  signal?.throwIfAborted();
  return async () => {
    if (performance.now() - last < TURN_MS) return;
    await new Promise((resolve) => setTimeout(resolve, 0));
    last = performance.now();
    signal?.throwIfAborted();
  };
}
