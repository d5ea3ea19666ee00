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
} from "../interface/types.ts";
import {
  checkNotEmpty,
  checkOptimizerState,
  checkParameters,
  checkStepOptions,
  checkTrainRun,
  checkWeightsChosen,
} from "../interface/checks.ts";
import { capacity, type Core, coreModel, decodeProblems, writeProblems } from "./core.ts";
import { EngineError } from "../interface/error.ts";
import type { BackgroundTrainer, ThreadPool } from "./thread_pool.ts";

/** Problems that are drawn, or whose logits are computed, in one call of the core: a multiple of four. */
const CHUNK = 4096;

/** Who works beside the caller. */
export interface Helpers {
  /** Threads at work, the caller's own included. @default {1} */
  threads?: number;
  /** The others. */
  pool?: ThreadPool;
  /** Where `train` of the core runs, if not here. */
  background?: BackgroundTrainer;
}

/** An {@linkcode Engine} on the WASM core. */
export class WasmEngine implements Engine {
  readonly backend = "wasm";
  readonly model: Variant["name"];
  readonly threads: number;
  readonly arithmetic: Arithmetic;
  readonly #variant: Variant;
  readonly #count: number;
  #core: Core | undefined;
  /** Not 0 where a thread has died. */
  #failed: Int32Array;
  /** Whether the tables of decoding are those of the weights in force. */
  #decodable = false;
  #weightsChosen = false;

  readonly #pool: ThreadPool | undefined;
  readonly #background: BackgroundTrainer | undefined;

  /** Takes over a core of its own, and its helpers. */
  constructor(core: Core, arithmetic: Arithmetic, variant: Variant, { threads = 1, pool, background }: Helpers = {}) {
    this.model = variant.name;
    this.arithmetic = arithmetic;
    this.threads = threads;
    this.#pool = pool;
    this.#background = background;
    this.#core = core;
    this.#failed = new Int32Array(core.memory.buffer, core.exports.failedAt.value, 1);
    this.#variant = variant;
    this.#count = parameterCount(variant);
    core.exports.configure(coreModel(variant.name));
    core.exports.initialize(0, 0);
  }

  /** The core, as long as the engine lives. */
  #live(): Core {
    if (this.#core === undefined) throw new Error("Cannot use this engine as it was disposed of: create another one");
    if (Atomics.load(this.#failed, 0) !== 0) throw broken();
    return this.#core;
  }

  /** Calls what may do its work on several threads. @throws {EngineError} If one of them dies */
  #onThreads<T>(call: (core: Core) => T): T {
    const core = this.#live();
    try {
      return call(core);
    } catch (cause) {
      if (!(cause instanceof WebAssembly.RuntimeError)) throw cause;
      return this.#giveUp(broken(cause));
    }
  }

  /** Marks the engine as broken. */
  #giveUp(error: unknown): never {
    Atomics.store(this.#failed, 0, 1);
    throw error;
  }

  /** A view of the core's memory. */
  #floats(at: number, length: number): Float32Array {
    return new Float32Array(this.#live().memory.buffer, at, length);
  }

  setParameters(values: Float32Array): void {
    checkParameters(values, this.#variant);
    const { exports } = this.#live();
    this.#floats(exports.parametersAt.value, this.#count).set(values);
    exports.resetOptimizer();
    this.#weightsChanged();
  }

  parameters(): Float32Array {
    return this.#floats(this.#live().exports.parametersAt.value, this.#count).slice();
  }

  initialize(seed: number, attempt = 0): void {
    checkWord("draw parameters", "seed", seed);
    checkWord("draw parameters", "attempt", attempt);
    this.#live().exports.initialize(seed, attempt);
    this.#weightsChanged();
  }

  #weightsChanged(): void {
    this.#decodable = false;
    this.#weightsChosen = true;
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
    const core = this.#live();
    const most = capacity(core, 2 * operands.BYTES_PER_ELEMENT, this.threads);
    if (operands.length / 2 > most) {
      throw new RangeError(
        `Cannot compute a gradient as a batch must have at most ${most} problems: current number is ${
          operands.length / 2
        }`,
      );
    }
    const { problems: at } = writeProblems(core, operands, this.threads);
    return this.#onThreads(({ exports }) => exports.lossAndGradient(at, operands.length / 2));
  }

  // deno-lint-ignore require-await
  async trainStep(problems: Problems, options: StepOptions): Promise<StepReport> {
    const { learningRate, weightDecay, clipNorm, beta1, beta2, epsilon } = checkStepOptions(options);
    const loss = this.#lossAndGradient(problems);
    const { exports } = this.#live();
    this.#weightsChanged();
    const gradientNorm = exports.optimizerStep(learningRate, weightDecay, clipNorm, beta1, beta2, epsilon);
    return { loss, gradientNorm };
  }

  async trainRun(run: TrainRun): Promise<TrainRunReport> {
    checkTrainRun(run);
    const { memory, exports } = this.#live();
    const { seed, attempt, firstSample, stage, firstStep, minDigits, maxDigits } = run;
    this.#weightsChanged();
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
      if (this.#background === undefined) this.#onThreads(({ exports }) => exports.train());
      else await this.#background.train().catch((error) => this.#giveUp(error));
      losses.set(this.#floats(exports.lossesAt.value, steps), done);
      gradientNorms.set(this.#floats(exports.normsAt.value, steps), done);
    }
    return { losses, gradientNorms };
  }

  sample(request: SampleRequest): Operands {
    const { seed, stream, attempt, sample, count, minDigits, maxDigits } = checkSampleRequest(request);
    const { exports, memory } = this.#live();
    const out = exports.problemsBase(this.threads);
    const operands = new Float64Array(2 * count);
    for (let first = 0; first < count; first += CHUNK) {
      const now = Math.min(CHUNK, count - first);
      exports.sample(seed, DOMAINS[stream], attempt, sample, first, now, minDigits, maxDigits, out);
      operands.set(new Float64Array(memory.buffer, out, 2 * now), 2 * first);
    }
    return operands;
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
      const core = this.#live();
      const { problems, results } = writeProblems(core, chunk, this.threads);
      core.exports.logits(problems, count, results);
      logits.set(this.#floats(results, count * each), first / 2 * each);
    }
    return logits;
  }

  // deno-lint-ignore require-await
  async decode(problems: Problems): Promise<Uint8Array> {
    const operands = packOperands(problems);
    checkNotEmpty(operands);
    const core = this.#live();
    checkWeightsChosen(this.#weightsChosen);
    if (!this.#decodable) core.exports.prepareDecoding();
    this.#decodable = true;
    return this.#onThreads((core) => decodeProblems(core, operands, this.threads));
  }

  async predict(problems: Problems): Promise<(bigint | null)[]> {
    const tokens = await this.decode(problems);
    return Array.from({ length: tokens.length / QUERIES }, (_, i) => {
      const sum = readSum(tokens, i * QUERIES);
      return Number.isNaN(sum) ? null : BigInt(sum);
    });
  }

  // deno-lint-ignore require-await
  async dispose(): Promise<void> {
    if (this.#core !== undefined) this.#pool?.stop();
    this.#background?.stop();
    this.#core = undefined;
    this.#failed = new Int32Array(1); // a view would keep the memory
  }
}

function broken(cause?: unknown): EngineError {
  return new EngineError("Cannot go on with this engine as its threads must live: one has died. Create another one", {
    cause,
  });
}
