/**
 * What the host does for the GPU: first weights, evaluation problems and learning rates, to the byte those of the WASM engine.
 *
 * @module
 */
import { initialParameters } from "../../model/initialization.ts";
import type { Operands } from "../../model/problem.ts";
import { drawOperands } from "../../model/sampler.ts";
import type { ModelName, Variant } from "../../model/variant.ts";
import { learningRateAt } from "../../schedule/learning_rate.ts";
import type { StageHyperparameters } from "../../schedule/stage.ts";
import type { SampleRequest } from "../interface/types.ts";
import { hasSimd, instantiate } from "../wasm/core.ts";
import { WasmEngine } from "../wasm/engine.ts";

/** The host's part. */
export interface Host {
  /** Fresh weights. */
  initialParameters(seed: number, attempt: number): Float32Array;
  /** Problems of a stream. */
  sample(request: SampleRequest): Operands;
  /** The learning rate of a step of a stage. */
  learningRate(stage: StageHyperparameters, step: number): number;
}

async function makeHost(variant: Variant): Promise<Host> {
  if (!hasSimd()) {
    // plain TypeScript, which may differ in last bits: JavaScript leaves those of Math.cos and Math.log open
    return {
      initialParameters: (seed, attempt) => initialParameters(variant, seed, attempt),
      sample: drawOperands,
      learningRate: learningRateAt,
    };
  }
  const { WASM } = await import("../wasm/exact_module.ts");
  const core = instantiate(WASM);
  const engine = new WasmEngine(core, "exact", variant);
  return {
    initialParameters(seed, attempt) {
      engine.initialize(seed, attempt);
      return engine.parameters();
    },
    sample: (request) => engine.sample(request),
    learningRate: ({ steps, learningRate, warmupSteps, floor }, step) =>
      core.exports.learningRate(step, steps, learningRate, warmupSteps, floor),
  };
}

const hosts = new Map<ModelName, Promise<Host>>();

/** The host's part for a variant, once per process. */
export function hostOf(variant: Variant): Promise<Host> {
  let host = hosts.get(variant.name);
  if (host === undefined) hosts.set(variant.name, host = makeHost(variant));
  return host;
}
