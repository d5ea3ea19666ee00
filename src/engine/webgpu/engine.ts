/**
 * The WebGPU engine: one model of a population behind the interface of all engines.
 *
 * @module
 */
import { type Operands, packOperands, type Problems } from "../../model/problem.ts";
import { checkWord } from "../../model/philox.ts";
import { OPERAND_DIGITS, QUERIES, readSum } from "../../model/vocabulary.ts";
import type { Variant } from "../../model/variant.ts";
import {
  checkNotEmpty,
  checkOptimizerState,
  checkParameters,
  checkStepOptions,
  checkTrainRun,
  checkWeightsChosen,
  type FilledStepOptions,
} from "../interface/checks.ts";
import type {
  AdapterDescription,
  Engine,
  LossAndGradient,
  OptimizerState,
  SampleRequest,
  StepOptions,
  StepReport,
  TrainRun,
  TrainRunReport,
} from "../interface/types.ts";
import type { Gpu } from "./device.ts";
import { type Host, hostOf } from "./host.ts";
import type { StepRequest } from "./jobs.ts";
import { pack, unpack } from "./shaders/layout.ts";
import { Population, type TrainJob } from "./population.ts";

/** Most steps of one submission. */
const MOST_STEPS = 2000;

const NO_STEP: FilledStepOptions = {
  learningRate: 0,
  weightDecay: 0,
  clipNorm: 0,
  beta1: 0,
  beta2: 0,
  epsilon: 1,
};

/** A request for the gradient, or for an answer, of problems that are given. */
function requestFor(batch: number): StepRequest {
  return { ...NO_STEP, sample: 0, minDigits: 1, maxDigits: OPERAND_DIGITS, batch, before: 0, updates: false };
}

/**
 * An {@linkcode Engine} on a GPU. A copy of weights and moments is kept here; after a step it is that of the GPU.
 *
 * Its arithmetic is `fast`: the same adapter gives the same bytes every time, another one may round otherwise.
 */
export class WebgpuEngine implements Engine {
  readonly backend = "webgpu";
  readonly threads = 1;
  readonly arithmetic = "fast";
  readonly model: Variant["name"];
  readonly adapter: AdapterDescription;
  readonly #variant: Variant;
  readonly #host: Host;
  readonly #place: number;
  #population: Population | undefined;
  /** Packed weights and moments. */
  #state: Float32Array<ArrayBuffer>;
  #step = 0;
  /** Whether the GPU has another state. */
  #changed = true;
  #weightsChosen = false;
  #queue: Promise<unknown> = Promise.resolve();

  /** Takes a place in a population; the weights are those of seed 0. */
  constructor(population: Population, host: Host) {
    this.#variant = population.variant;
    this.model = this.#variant.name;
    this.adapter = population.gpu.adapter;
    this.#host = host;
    this.#population = population;
    this.#place = population.join();
    this.#state = new Float32Array(population.stateLength);
    this.initialize(0);
    this.#weightsChosen = false;
  }

  #live(): Population {
    if (this.#population === undefined) {
      throw new Error("Cannot use this engine as it was disposed of: create another one");
    }
    return this.#population;
  }

  /** Weights, first moment or second moment, as a view. */
  #part(index: 0 | 1 | 2): Float32Array {
    const length = this.#state.length / 3;
    return this.#state.subarray(index * length, (index + 1) * length);
  }

  setParameters(values: Float32Array): void {
    checkParameters(values, this.#variant);
    const { packing } = this.#live();
    this.#state = new Float32Array(this.#state.length);
    pack(values, packing, this.#part(0));
    this.#step = 0;
    this.#changed = true;
    this.#weightsChosen = true;
  }

  parameters(): Float32Array {
    return unpack(this.#part(0), this.#live().packing);
  }

  initialize(seed: number, attempt = 0): void {
    checkWord("draw parameters", "seed", seed);
    checkWord("draw parameters", "attempt", attempt);
    this.setParameters(this.#host.initialParameters(seed, attempt));
  }

  optimizerState(): OptimizerState {
    const { packing } = this.#live();
    return {
      step: this.#step,
      firstMoment: unpack(this.#part(1), packing),
      secondMoment: unpack(this.#part(2), packing),
    };
  }

  setOptimizerState(state: OptimizerState): void {
    checkOptimizerState(state, this.#variant);
    const { packing } = this.#live();
    this.#state = this.#state.slice();
    pack(state.firstMoment, packing, this.#part(1));
    pack(state.secondMoment, packing, this.#part(2));
    this.#step = state.step;
    this.#changed = true;
  }

  sample(request: SampleRequest): Operands {
    this.#live();
    return this.#host.sample(request);
  }

  /** Does one thing after the other, each with the weights that are in force when its turn comes. */
  #inTurn<T>(action: (population: Population) => Promise<T>): Promise<T> {
    const result = this.#queue.then(() => {
      const population = this.#live();
      population.gpu.check();
      if (this.#changed) population.setState(this.#place, this.#state);
      this.#changed = false;
      return action(population);
    });
    this.#queue = result.catch(() => {});
    return result;
  }

  /** Checks problems before anything is begun. */
  #operands(problems: Problems): Operands {
    this.#live();
    const operands = packOperands(problems);
    checkNotEmpty(operands);
    return operands;
  }

  /** @throws {RangeError} If a batch does not fit into the GPU's buffers */
  #checkBatch(count: number): void {
    const most = this.#live().mostExamples;
    if (count <= most) return;
    throw new RangeError(
      `Cannot compute a gradient as a batch must have at most ${most} problems on ${this.adapter.name}: current number is ${count}`,
    );
  }

  async lossAndGradient(problems: Problems): Promise<LossAndGradient> {
    const operands = this.#operands(problems);
    this.#checkBatch(operands.length / 2);
    const { loss, gradient } = await this.#inTurn((population) =>
      population.gradient(this.#place, requestFor(operands.length / 2), operands)
    );
    return { loss, gradient: unpack(gradient, this.#live().packing) };
  }

  async logits(problems: Problems): Promise<Float32Array> {
    const operands = this.#operands(problems);
    return await this.#inTurn((population) => population.logits(this.#place, requestFor(1), operands));
  }

  async decode(problems: Problems): Promise<Uint8Array> {
    const operands = this.#operands(problems);
    checkWeightsChosen(this.#weightsChosen);
    return await this.#inTurn((population) => population.decode(this.#place, requestFor(1), operands));
  }

  async predict(problems: Problems): Promise<(bigint | null)[]> {
    const tokens = await this.decode(problems);
    return Array.from({ length: tokens.length / QUERIES }, (_, i) => {
      const sum = readSum(tokens, i * QUERIES);
      return Number.isNaN(sum) ? null : BigInt(sum);
    });
  }

  async trainStep(problems: Problems, options: StepOptions): Promise<StepReport> {
    const filled = checkStepOptions(options);
    const operands = this.#operands(problems);
    this.#checkBatch(operands.length / 2);
    const { losses, gradientNorms } = await this.#train((before) => ({
      ...{ seed: 0, attempt: 0, operands },
      steps: [{ ...requestFor(operands.length / 2), ...filled, before, updates: true }],
    }));
    return { loss: losses[0], gradientNorm: gradientNorms[0] };
  }

  async trainRun(run: TrainRun): Promise<TrainRunReport> {
    this.#live();
    checkTrainRun(run);
    const { seed, attempt, stage, firstSample, firstStep, minDigits, maxDigits } = run;
    this.#checkBatch(stage.batch);
    const options = checkStepOptions(stage);
    const losses = new Float32Array(run.steps);
    const gradientNorms = new Float32Array(run.steps);
    for (let done = 0; done < run.steps; done += MOST_STEPS) {
      const report = await this.#train((before) => ({
        ...{ seed, attempt },
        steps: Array.from({ length: Math.min(MOST_STEPS, run.steps - done) }, (_, k) => ({
          ...options,
          learningRate: this.#host.learningRate(stage, firstStep + done + k),
          ...{ sample: firstSample + done + k, minDigits, maxDigits, batch: stage.batch },
          ...{ before: before + k, updates: true },
        })),
      }));
      losses.set(report.losses, done);
      gradientNorms.set(report.gradientNorms, done);
    }
    return { losses, gradientNorms };
  }

  #train(job: (stepsBefore: number) => Omit<TrainJob, "model">): Promise<TrainRunReport> {
    return this.#inTurn(async (population) => {
      const asked = { model: this.#place, ...job(this.#step) };
      const { losses, gradientNorms, state } = await population.train(asked);
      this.#state = state as Float32Array<ArrayBuffer>;
      this.#step += asked.steps.length;
      this.#weightsChosen = true;
      return { losses, gradientNorms };
    });
  }

  async dispose(): Promise<void> {
    const population = this.#population;
    if (population === undefined) return;
    await this.#queue;
    if (this.#population === undefined) return; // disposed of meanwhile
    this.#population = undefined;
    population.leave(this.#place);
  }
}

/**
 * Makes an engine on a GPU.
 *
 * @param gpu The device, where it is not the process's own
 * @throws {Error} If there is no adapter; the message says what to install
 * @throws {GpuError} If the adapter gives no device, or refuses the shaders
 */
export async function createWebgpuEngine(variant: Variant, gpu?: Gpu): Promise<WebgpuEngine> {
  const population = await Population.create(variant, 1, gpu);
  const engine = new WebgpuEngine(population, await hostOf(variant));
  population.close();
  return engine;
}
