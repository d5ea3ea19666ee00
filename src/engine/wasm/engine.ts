/**
 * The WASM engine: the core of `assembly/` behind the interface of all engines.
 *
 * @module
 */
import { type Operands, packOperands, type Problems } from "../../model/problem.ts";
import { QUERIES, readSum } from "../../model/vocabulary.ts";
import { checkWord } from "../../model/philox.ts";
import { parameterCount, TOKENS, type Variant } from "../../model/variant.ts";
import { checkSampleRequest, DOMAINS } from "../../model/sampler.ts";
import type {
  Arithmetic,
  Engine,
  LossAndGradient,
  OptimizerState,
  SampleRequest,
  StepOptions,
  StepReport,
  TrainRun,
  TrainRunReport,
} from "../types.ts";
import { checkNotEmpty, checkOptimizerState, checkParameters, checkStepOptions, checkTrainRun } from "../checks.ts";
import { type Core, PAGE } from "./core.ts";

/** Problems that are decoded, or whose logits are computed, in one call of the core. */
const CHUNK = 4096;

/** An {@linkcode Engine} on the WASM core. */
export class WasmEngine implements Engine {
  readonly backend = "wasm";
  readonly model: Variant["name"];
  readonly threads = 1;
  readonly arithmetic: Arithmetic;
  readonly #variant: Variant;
  readonly #count: number;
  #core: Core | undefined;

  /** Takes over a core of its own. */
  constructor(core: Core, variant: Variant) {
    this.model = variant.name;
    this.arithmetic = core.arithmetic;
    this.#core = core;
    this.#variant = variant;
    this.#count = parameterCount(variant);
    this.#reserve(0);
    core.exports.configure(variant.name);
    core.exports.initialize(0, 0);
  }

  /** The core, as long as the engine lives. */
  #live(): Core {
    if (this.#core === undefined) throw new Error("Cannot use this engine as it was disposed of: create another one");
    return this.#core;
  }

  /** Makes room for so many bytes behind the core's own data; returns their address. */
  #reserve(bytes: number): number {
    const { memory, exports } = this.#live();
    const base = exports.problemsBase(1);
    const missing = base + bytes - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
    return base;
  }

  /** Views of memory are made when they are used: growing the memory detaches the old ones. */
  #floats(at: number, length: number): Float32Array {
    return new Float32Array(this.#live().memory.buffer, at, length);
  }

  /** Copies problems into the core's memory, with room for `resultBytes` behind them. */
  #write(operands: Operands, resultBytes: number): { problems: number; results: number } {
    const problems = this.#reserve(operands.byteLength + resultBytes);
    new Float64Array(this.#live().memory.buffer, problems, operands.length).set(operands);
    return { problems, results: problems + operands.byteLength };
  }

  setParameters(values: Float32Array): void {
    checkParameters(values, this.#variant);
    const { exports } = this.#live();
    this.#floats(exports.parametersAt.value, this.#count).set(values);
    exports.resetOptimizer();
  }

  parameters(): Float32Array {
    return this.#floats(this.#live().exports.parametersAt.value, this.#count).slice();
  }

  initialize(seed: number, attempt = 0): void {
    checkWord("draw parameters", "seed", seed);
    checkWord("draw parameters", "attempt", attempt);
    this.#live().exports.initialize(seed, attempt);
  }

  optimizerState(): OptimizerState {
    const { exports } = this.#live();
    return {
      step: exports.optimizerSteps(),
      firstMoment: this.#floats(exports.firstMomentAt.value, this.#count).slice(),
      secondMoment: this.#floats(exports.secondMomentAt.value, this.#count).slice(),
    };
  }

  setOptimizerState(state: OptimizerState): void {
    checkOptimizerState(state, this.#variant);
    const { exports } = this.#live();
    exports.setOptimizerSteps(state.step);
    this.#floats(exports.firstMomentAt.value, this.#count).set(state.firstMoment);
    this.#floats(exports.secondMomentAt.value, this.#count).set(state.secondMoment);
  }

  // The core works while it is called, so these promises are settled before they are returned; other engines need them.

  // deno-lint-ignore require-await
  async lossAndGradient(problems: Problems): Promise<LossAndGradient> {
    const loss = this.#lossAndGradient(problems);
    return { loss, gradient: this.#floats(this.#live().exports.gradientAt.value, this.#count).slice() };
  }

  #lossAndGradient(problems: Problems): number {
    const operands = packOperands(problems);
    checkNotEmpty(operands);
    return this.#live().exports.lossAndGradient(this.#write(operands, 0).problems, operands.length / 2);
  }

  // deno-lint-ignore require-await
  async trainStep(problems: Problems, options: StepOptions): Promise<StepReport> {
    const { learningRate, weightDecay, clipNorm, beta1, beta2, epsilon } = checkStepOptions(options);
    const loss = this.#lossAndGradient(problems);
    const { exports } = this.#live();
    const gradientNorm = exports.optimizerStep(learningRate, weightDecay, clipNorm, beta1, beta2, epsilon);
    return { loss, gradientNorm };
  }

  // deno-lint-ignore require-await
  async trainRun(run: TrainRun): Promise<TrainRunReport> {
    checkTrainRun(run);
    const { memory, exports } = this.#live();
    const { seed, attempt, firstSample, stage, firstStep, minDigits, maxDigits } = run;
    const losses = new Float32Array(run.steps);
    const gradientNorms = new Float32Array(run.steps);
    for (let done = 0; done < run.steps; done += exports.maxRun.value) {
      const steps = Math.min(exports.maxRun.value, run.steps - done);
      // the order of the fields of RUN in assembly/entry.ts
      new Float64Array(memory.buffer, exports.runAt.value).set([
        ...[seed, attempt, firstSample + done, firstStep + done, steps, minDigits, maxDigits, stage.batch],
        ...[stage.steps, stage.learningRate, stage.warmupSteps, stage.floor],
        ...[stage.weightDecay, stage.clipNorm, stage.beta1, stage.beta2, stage.epsilon],
      ]);
      exports.train();
      losses.set(this.#floats(exports.lossesAt.value, steps), done);
      gradientNorms.set(this.#floats(exports.normsAt.value, steps), done);
    }
    return { losses, gradientNorms };
  }

  sample(request: SampleRequest): Operands {
    const { seed, stream, attempt, sample, count, minDigits, maxDigits } = checkSampleRequest(request);
    const { exports, memory } = this.#live();
    const out = this.#reserve((count + 3) * 16);
    exports.sample(seed, DOMAINS[stream], attempt, sample, count, minDigits, maxDigits, out);
    return new Float64Array(memory.buffer, out, 2 * count).slice();
  }

  // deno-lint-ignore require-await
  async logits(problems: Problems): Promise<Float32Array> {
    const operands = packOperands(problems);
    checkNotEmpty(operands);
    const each = QUERIES * TOKENS;
    const logits = new Float32Array(operands.length / 2 * each);
    for (let first = 0; first < operands.length; first += 2 * CHUNK) {
      const chunk = operands.subarray(first, first + 2 * CHUNK);
      const count = chunk.length / 2;
      const { problems, results } = this.#write(chunk, count * each * 4);
      this.#live().exports.logits(problems, count, results);
      logits.set(this.#floats(results, count * each), first / 2 * each);
    }
    return logits;
  }

  // deno-lint-ignore require-await
  async decode(problems: Problems): Promise<Uint8Array> {
    return this.#decode(packOperands(problems));
  }

  #decode(operands: Operands): Uint8Array {
    checkNotEmpty(operands);
    const count = operands.length / 2;
    const { problems, results } = this.#write(operands, count * QUERIES);
    const { exports, memory } = this.#live();
    exports.decode(problems, count, results);
    return new Uint8Array(memory.buffer, results, count * QUERIES).slice();
  }

  /** {@linkcode Engine.predict}, done when it returns: NaN where no number was read. */
  predictSums(operands: Operands): Float64Array {
    const tokens = this.#decode(operands);
    return Float64Array.from({ length: operands.length / 2 }, (_, i) => readSum(tokens, i * QUERIES));
  }

  // deno-lint-ignore require-await
  async predict(problems: Problems): Promise<(bigint | null)[]> {
    return Array.from(this.predictSums(packOperands(problems)), (sum) => Number.isNaN(sum) ? null : BigInt(sum));
  }

  // deno-lint-ignore require-await
  async dispose(): Promise<void> {
    this.#core = undefined;
  }
}
