import type { Operands } from "../../model/problem.ts";
import type { SampleRequest } from "../../model/sampler.ts";
import type { ModelName, Variant } from "../../model/variant.ts";
import { learningRateAt } from "../../schedule/learning_rate.ts";
import { BaseEngine, type VectorName } from "../interface/base_engine.ts";
import { checkBatch, checkStepOptions, type FilledStepOptions } from "../interface/checks.ts";
import type {
  AdapterDescription,
  Engine,
  LossAndGradient,
  StepReport,
  TrainRun,
  TrainRunReport,
} from "../interface/types.ts";
import { ReferenceEngine } from "../reference/engine.ts";
import { hasSimd, instantiate } from "../wasm/core.ts";
import { WasmEngine } from "../wasm/engine.ts";
import type { Gpu } from "./device.ts";
import { NO_STEP, Population, type TrainRequest } from "./population.ts";
import { pack, unpack } from "./shaders/layout.ts";

/** The engine that draws first weights and problems: they are to the byte those of the WASM engine. */
function makeCpuEngine(variant: Variant): Promise<Engine> {
  if (!hasSimd()) return Promise.resolve(new ReferenceEngine(variant.name));
  return import("../wasm/exact_module.ts").then(({ WASM }) => new WasmEngine(instantiate(WASM, variant), "exact"));
}
const cpuEngines: Partial<Record<ModelName, Promise<Engine>>> = {};

/** The vectors in the order of the packed state. */
const VECTORS: readonly VectorName[] = ["parameters", "firstMoment", "secondMoment"];

/**
 * An engine on a GPU: one model of a population. A copy of weights and moments is kept here; after a step it is that of the GPU.
 *
 * Its arithmetic is `fast`: the same adapter gives the same bytes every time, another one may round otherwise.
 */
export class WebgpuEngine extends BaseEngine {
  readonly backend = "webgpu";
  readonly arithmetic = "fast";
  readonly adapter: AdapterDescription;
  protected stepCount = 0;
  /** Most steps of one submission. */
  protected readonly mostSteps: number = 2000;
  readonly #population: Population;
  readonly #cpu: Engine;
  /** The number of this model in the population. */
  readonly #member: number;
  /** Packed weights and moments. */
  #state: Float32Array<ArrayBuffer>;
  /** Whether the GPU has another state. */
  #changed = true;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(population: Population, cpu: Engine) {
    super(population.variant);
    this.adapter = population.gpu.adapter;
    this.#cpu = cpu;
    this.#population = population;
    this.#member = population.join();
    this.#state = new Float32Array(population.stateLength);
    this.write("parameters", this.initialParameters(0, 0));
  }

  /** Makes an engine of the next free model of a population; its weights are those of seed 0. */
  static async join(population: Population): Promise<WebgpuEngine> {
    const { variant } = population;
    return new WebgpuEngine(population, await (cpuEngines[variant.name] ??= makeCpuEngine(variant)));
  }

  /** One of the packed vectors, as a view. */
  #packed(name: VectorName): Float32Array {
    const length = this.#state.length / VECTORS.length;
    return this.#state.subarray(VECTORS.indexOf(name) * length).subarray(0, length);
  }

  protected read(name: VectorName): Float32Array {
    return unpack(this.#packed(name), this.#population.packing);
  }

  protected write(name: VectorName, values: Float32Array): void {
    pack(values, this.#population.packing, this.#packed(name));
    this.#changed = true;
  }

  protected initialParameters(seed: number, attempt: number): Float32Array {
    this.#cpu.initialize(seed, attempt);
    return this.#cpu.parameters();
  }

  protected draw(request: SampleRequest): Operands {
    return this.#cpu.sample(request);
  }

  /** Does one thing after the other, each with the weights that are in force when its turn comes. */
  #inTurn<T>(action: (population: Population) => Promise<T>): Promise<T> {
    const result = this.#queue.then(() => {
      this.#population.gpu.check();
      if (this.#changed) this.#population.setState(this.#member, this.#state);
      this.#changed = false;
      return action(this.#population);
    });
    this.#queue = result.catch(() => {});
    return result;
  }

  /** @throws {RangeError} If a batch does not fit into the GPU's buffers */
  #checkBatch(count: number): void {
    checkBatch(count, this.#population.mostExamples, ` on ${this.adapter.name}`);
  }

  protected async computeGradient(operands: Operands): Promise<LossAndGradient> {
    const count = operands.length / 2;
    this.#checkBatch(count);
    const { loss, gradient } = await this.#inTurn((population) => population.gradient(this.#member, operands));
    return { loss, gradient: unpack(gradient, this.#population.packing) };
  }

  protected computeLogits(operands: Operands): Promise<Float32Array> {
    return this.#inTurn((population) => population.logits(this.#member, operands));
  }

  protected decodeTokens(operands: Operands): Promise<Uint8Array> {
    return this.#inTurn((population) => population.decode(this.#member, operands));
  }

  protected async takeStep(operands: Operands, options: FilledStepOptions): Promise<StepReport> {
    const count = operands.length / 2;
    this.#checkBatch(count);
    const { losses, gradientNorms } = await this.#train((before) => ({
      ...{ seed: 0, attempt: 0, operands },
      steps: [{ ...NO_STEP, ...options, batch: count, before, updates: true }],
    }));
    return { loss: losses[0], gradientNorm: gradientNorms[0] };
  }

  protected takeSteps(run: TrainRun): Promise<TrainRunReport> {
    const { seed, attempt, stage, firstSample, firstStep, steps, minDigits, maxDigits } = run;
    this.#checkBatch(stage.batch);
    const options = checkStepOptions(stage);
    return this.#train((before) => ({
      ...{ seed, attempt },
      steps: Array.from({ length: steps }, (_, k) => ({
        ...options,
        learningRate: learningRateAt(stage, firstStep + k),
        ...{ sample: firstSample + k, minDigits, maxDigits, batch: stage.batch },
        ...{ before: before + k, updates: true },
      })),
    }));
  }

  #train(request: (stepsBefore: number) => Omit<TrainRequest, "model">): Promise<TrainRunReport> {
    return this.#inTurn(async (population) => {
      const asked = { model: this.#member, ...request(this.stepCount) };
      const { losses, gradientNorms, state } = await population.train(asked);
      this.#state = state as Float32Array<ArrayBuffer>;
      this.stepCount += asked.steps.length;
      return { losses, gradientNorms };
    });
  }

  protected async free(): Promise<void> {
    await this.#queue;
    this.#population.leave(this.#member);
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
  const engine = await WebgpuEngine.join(population);
  population.close();
  return engine;
}
