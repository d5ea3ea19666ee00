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
import { pack, unpack } from "./shaders/layout.ts";

const MOST_STEPS = 2000;

/** The engine that draws first weights and problems: they are to the byte those of the WASM engine. */
async function makeCpuEngine(variant: Variant): Promise<Engine> {
  if (!hasSimd()) return new ReferenceEngine(variant.name);
  const { WASM } = await import("../wasm/exact_module.ts");
  return new WasmEngine(instantiate(WASM, variant), "exact");
}
const cpuEngines: Partial<Record<ModelName, Promise<Engine>>> = {};

/** In the order of the packed state. */
const VECTORS: readonly VectorName[] = ["parameters", "firstMoment", "secondMoment"];

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
  /** Packed weights and moments. */
  #state: Float32Array<ArrayBuffer>;
  /** Whether the GPU has another state. */
  #changed = true;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(population: Population, cpu: Engine) {
    super(population.program.variant);
    this.adapter = population.program.gpu.adapter;
    this.#cpu = cpu;
    this.#population = population;
    this.#member = population.join();
    this.#state = new Float32Array(VECTORS.length * 4 * population.packing.vectors);
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
      this.#population.program.gpu.check();
      if (this.#changed) this.#population.setState(this.#member, this.#state);
      this.#changed = false;
      return action(this.#population);
    });
    this.#queue = result.catch(() => {});
    return result;
  }

  /** Takes steps in turn, all of one batch size, or computes a gradient where they update nothing. */
  async #train(request: Omit<RunRequest, "model">): Promise<TrainResult> {
    const [{ batch, updates }] = request.steps;
    checkBatch(batch, this.#population.mostExamples, ` on ${this.adapter.name}`);
    return await this.#inTurn(async (population) => {
      const steps = request.steps.map((step, k) => ({ ...step, before: this.stepCount + k }));
      const result = await population.train({ ...request, steps, model: this.#member });
      if (updates) {
        this.#state = result.state;
        this.stepCount += steps.length;
      }
      return result;
    });
  }

  protected async computeGradient(operands: Operands): Promise<LossAndGradient> {
    const steps = [{ ...NO_STEP, batch: operands.length / 2 }];
    const { losses: [loss], state } = await this.#train({ seed: 0, attempt: 0, operands, steps });
    return { loss, gradient: unpack(state.subarray(this.#state.length), this.#population.packing) };
  }

  protected async computeLogits(operands: Operands): Promise<Float32Array> {
    const rows = await this.#inTurn((population) => population.answer("logits", this.#member, operands));
    return rows.filter((_, i) => i % LOGITS_ROW < TOKENS);
  }

  protected async decodeTokens(operands: Operands): Promise<Uint8Array> {
    return Uint8Array.from(await this.#inTurn((population) => population.answer("decode", this.#member, operands)));
  }

  protected async takeStep(operands: Operands, options: Required<StepOptions>): Promise<StepReport> {
    const steps = [{ ...NO_STEP, ...options, batch: operands.length / 2, updates: true }];
    const { losses, gradientNorms } = await this.#train({ seed: 0, attempt: 0, operands, steps });
    return { loss: losses[0], gradientNorm: gradientNorms[0] };
  }

  protected override takeSteps(run: TrainRun): Promise<TrainRunReport> {
    const { seed, attempt, stage, firstSample, firstStep, minDigits, maxDigits } = run;
    const step = { ...NO_STEP, ...checkStepOptions(stage), minDigits, maxDigits, batch: stage.batch, updates: true };
    const steps = Array.from({ length: Math.min(run.steps, MOST_STEPS) }, (_, k) => ({
      ...step,
      learningRate: this.learningRateAt(stage, firstStep + k),
      sample: firstSample + k,
    }));
    return this.#train({ seed, attempt, steps });
  }

  protected async free(): Promise<void> {
    await this.#queue;
    this.#population.leave(this.#member);
  }
}

/** @throws {Error} If there is no adapter; the message says what to install. @throws {GpuError} If it gives no device, or refuses the shaders */
export async function createWebgpuEngine(variant: Variant, gpu?: Gpu): Promise<WebgpuEngine> {
  const population = await Population.create(variant, 1, gpu);
  const engine = await WebgpuEngine.join(population);
  population.close();
  return engine;
}
