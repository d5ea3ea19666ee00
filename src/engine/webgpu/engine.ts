import type { Operands } from "../../model/problem.ts";
import type { SampleRequest } from "../../model/sampler.ts";
import type { ModelName, Variant } from "../../model/variant.ts";
import { BaseEngine, type VectorName } from "../interface/base_engine.ts";
import { checkBatch, checkStepOptions } from "../interface/checks.ts";
import type { AdapterDescription, Engine, LossAndGradient } from "../interface/types.ts";
import type { StepOptions, StepReport, TrainRun, TrainRunReport } from "../interface/types.ts";
import { ReferenceEngine } from "../reference/engine.ts";
import { hasSimd, instantiate } from "../wasm/core.ts";
import { WasmEngine } from "../wasm/engine.ts";
import type { Gpu } from "./device.ts";
import { NO_STEP, Population, type TrainResult } from "./population.ts";
import type { RunRequest } from "./program.ts";

const MOST_STEPS = 2000;

/** The engine that draws first weights and problems: they are to the byte those of the WASM engine. */
async function makeCpuEngine(variant: Variant): Promise<Engine> {
  if (!hasSimd()) return new ReferenceEngine(variant.name);
  const { WASM } = await import("../wasm/exact_module.ts");
  return new WasmEngine(instantiate(WASM, variant), "exact");
}
const cpuEngines: Partial<Record<ModelName, Promise<Engine>>> = {};

/**
 * An engine on a GPU: one model of a population, whose weights and moments are kept here. Its arithmetic is `fast`: the same adapter gives the same bytes
 * every time, another one may round otherwise.
 */
export class WebgpuEngine extends BaseEngine {
  readonly backend = "webgpu";
  readonly arithmetic = "fast";
  readonly adapter: AdapterDescription;
  protected stepCount = 0;
  #vectors: Readonly<Record<VectorName, Float32Array>>; // in the order of `RunRequest`; replaced, never written to
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(private readonly population: Population, private readonly cpu: Engine) {
    super(population.program.variant);
    this.adapter = population.program.gpu.adapter;
    const parameters = this.initialParameters(0, 0);
    const zeros = new Float32Array(parameters.length);
    this.#vectors = { parameters, firstMoment: zeros, secondMoment: zeros };
    population.join();
  }

  /** Makes an engine of a new member of a population; its weights are those of seed 0. */
  static async join(population: Population): Promise<WebgpuEngine> {
    const { variant } = population.program;
    return new WebgpuEngine(population, await (cpuEngines[variant.name] ??= makeCpuEngine(variant)));
  }

  protected read(name: VectorName): Float32Array {
    return this.#vectors[name].slice();
  }

  protected write(name: VectorName, values: Float32Array): void {
    this.#vectors = { ...this.#vectors, [name]: values.slice() };
  }

  protected initialParameters(seed: number, attempt: number): Float32Array {
    this.cpu.initialize(seed, attempt);
    return this.cpu.parameters();
  }

  protected draw(request: SampleRequest): Operands {
    return this.cpu.sample(request);
  }

  /** Does one thing after the other, each with the weights that are in force when its turn comes. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(action);
    this.#queue = result.catch(() => {});
    return result;
  }

  /** Takes steps in turn, or computes a gradient where they update nothing. */
  async #train(request: Omit<RunRequest, "vectors" | "stepsBefore">): Promise<TrainResult> {
    checkBatch(request.batch, this.population.mostExamples, ` on ${this.adapter.name}`);
    return await this.#inTurn(async () => {
      const before = { vectors: Object.values(this.#vectors), stepsBefore: this.stepCount };
      const result = await this.population.train({ ...request, ...before });
      if (request.updates) {
        const [parameters, firstMoment, secondMoment] = result.vectors;
        this.#vectors = { parameters, firstMoment, secondMoment };
        this.stepCount += result.losses.length;
      }
      return result;
    });
  }

  protected async computeGradient(operands: Operands): Promise<LossAndGradient> {
    const { losses: [loss], vectors } = await this.#train({ ...NO_STEP, batch: operands.length / 2, operands });
    return { loss, gradient: vectors[0] };
  }

  #answer(kind: "logits" | "tokens", operands: Operands): Promise<Float32Array> {
    return this.#inTurn(() => this.population.answer(kind, this.#vectors.parameters, operands));
  }

  protected computeLogits(operands: Operands): Promise<Float32Array> {
    return this.#answer("logits", operands);
  }

  protected async decodeTokens(operands: Operands): Promise<Uint8Array> {
    return Uint8Array.from(await this.#answer("tokens", operands));
  }

  protected async takeStep(operands: Operands, options: Required<StepOptions>): Promise<StepReport> {
    const given = { batch: operands.length / 2, operands, learningRates: [options.learningRate] };
    const { losses, gradientNorms } = await this.#train({ ...NO_STEP, ...options, ...given, updates: true });
    return { loss: losses[0], gradientNorm: gradientNorms[0] };
  }

  protected override takeSteps({ stage, firstStep, steps, ...run }: TrainRun): Promise<TrainRunReport> {
    const rateOf = (_: unknown, k: number) => this.learningRateAt(stage, firstStep + k);
    const learningRates = Array.from({ length: Math.min(steps, MOST_STEPS) }, rateOf);
    return this.#train({ ...run, ...checkStepOptions(stage), batch: stage.batch, learningRates, updates: true });
  }

  protected async free(): Promise<void> {
    await this.#queue;
    this.population.leave();
  }
}

/** @throws {EngineError} If there is no adapter, or it gives no device or refuses the shaders; the message says what to install */
export async function createWebgpuEngine(variant: Variant, gpu?: Gpu): Promise<WebgpuEngine> {
  return await WebgpuEngine.join(await Population.create(variant, gpu));
}
