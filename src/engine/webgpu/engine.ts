import type { Operands } from "../../model/problem.ts";
import type { SampleRequest } from "../../model/sampler.ts";
import { type ModelName, TOKENS, type Variant } from "../../model/variant.ts";
import { BaseEngine, type VectorName } from "../interface/base_engine.ts";
import { checkBatch, checkStepOptions } from "../interface/checks.ts";
import type { AdapterDescription, Engine, LossAndGradient } from "../interface/types.ts";
import type { StepOptions, StepReport, TrainRun, TrainRunReport } from "../interface/types.ts";
import { ReferenceEngine } from "../reference/engine.ts";
import { hasSimd, instantiate } from "../wasm/core.ts";
import { WasmEngine } from "../wasm/engine.ts";
import type { Gpu } from "./device.ts";
import { LOGITS_ROW, NO_STEP, Population, type TrainResult } from "./population.ts";
import type { RunRequest } from "./program.ts";

const MOST_STEPS = 2000;

/** The engine that draws first weights and problems: they are to the byte those of the WASM engine. */
async function makeCpuEngine(variant: Variant): Promise<Engine> {
  if (!hasSimd()) return new ReferenceEngine(variant.name);
  const { WASM } = await import("../wasm/exact_module.ts");
  return new WasmEngine(instantiate(WASM, variant), "exact");
}
const cpuEngines: Partial<Record<ModelName, Promise<Engine>>> = {};

const VECTORS: readonly VectorName[] = ["parameters", "firstMoment", "secondMoment"]; // in the order of the packed state

/**
 * An engine on a GPU: one model of a population, whose weights and moments are kept here as well. Its arithmetic is `fast`: the same adapter gives the
 * same bytes every time, another one may round otherwise.
 */
export class WebgpuEngine extends BaseEngine {
  readonly backend = "webgpu";
  readonly arithmetic = "fast";
  readonly adapter: AdapterDescription;
  protected stepCount = 0;
  readonly #population: Population;
  readonly #cpu: Engine;
  readonly #member: number;
  #state: Float32Array<ArrayBuffer>; // packed weights and moments
  #changed = true; // whether the GPU has another state
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(population: Population, cpu: Engine) {
    super(population.program.variant);
    this.adapter = population.program.gpu.adapter;
    this.#cpu = cpu;
    this.#population = population;
    this.#member = population.join();
    this.#state = new Float32Array(VECTORS.length * 4 * population.program.packing.vectors);
    this.write("parameters", this.initialParameters(0, 0));
  }

  /** Makes an engine of the next free model of a population; its weights are those of seed 0. */
  static async join(population: Population): Promise<WebgpuEngine> {
    const { variant } = population.program;
    return new WebgpuEngine(population, await (cpuEngines[variant.name] ??= makeCpuEngine(variant)));
  }

  #packed(name: VectorName): Float32Array {
    const length = this.#state.length / VECTORS.length;
    return this.#state.subarray(VECTORS.indexOf(name) * length).subarray(0, length);
  }

  protected read(name: VectorName): Float32Array {
    return this.#population.program.packing.unpack(this.#packed(name));
  }

  protected write(name: VectorName, values: Float32Array): void {
    this.#population.program.packing.pack(values, this.#packed(name));
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
      this.#population.program.gpu.check();
      if (this.#changed) this.#population.setState(this.#member, this.#state);
      this.#changed = false;
      return action(this.#population);
    });
    this.#queue = result.catch(() => {});
    return result;
  }

  /** Takes steps in turn, or computes a gradient where they update nothing. */
  async #train(request: Omit<RunRequest, "model" | "stepsBefore">): Promise<TrainResult> {
    checkBatch(request.batch, this.#population.mostExamples, ` on ${this.adapter.name}`);
    return await this.#inTurn(async (population) => {
      const result = await population.train({ ...request, model: this.#member, stepsBefore: this.stepCount });
      if (request.updates) {
        this.#state = result.state;
        this.stepCount += result.losses.length;
      }
      return result;
    });
  }

  protected async computeGradient(operands: Operands): Promise<LossAndGradient> {
    const { losses: [loss], state } = await this.#train({ ...NO_STEP, batch: operands.length / 2, operands });
    return { loss, gradient: this.#population.program.packing.unpack(state.subarray(this.#state.length)) };
  }

  protected async computeLogits(operands: Operands): Promise<Float32Array> {
    const rows = await this.#inTurn((population) => population.answer("logits", this.#member, operands));
    return rows.filter((_, i) => i % LOGITS_ROW < TOKENS);
  }

  protected async decodeTokens(operands: Operands): Promise<Uint8Array> {
    return Uint8Array.from(await this.#inTurn((population) => population.answer("tokens", this.#member, operands)));
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
    this.#population.leave(this.#member);
  }
}

/** @throws {EngineError} If there is no adapter, or it gives no device or refuses the shaders; the message says what to install */
export async function createWebgpuEngine(variant: Variant, gpu?: Gpu): Promise<WebgpuEngine> {
  const population = await Population.create(variant, 1, gpu);
  const engine = await WebgpuEngine.join(population);
  population.close();
  return engine;
}
