import type { EngineOptions } from "../engine/interface/types.ts";
import { sharedGpu } from "../engine/webgpu/device.ts";
import { WebgpuEngine } from "../engine/webgpu/engine.ts";
import { Population } from "../engine/webgpu/population.ts";
import { type ModelName, variantOf } from "../model/variant.ts";
import { startRun } from "../training/start.ts";
import type { RunTrainer } from "./sweep.ts";

/** Opens the GPU for runs side by side, with a workgroup for each. A run gets the same bytes as if it were alone. @throws {Error} If there is no adapter */
export async function gpuTrainer(): Promise<RunTrainer> {
  const gpu = await sharedGpu();
  const populations: Partial<Record<ModelName, Promise<Population>>> = {};

  const makeEngine = async ({ model = 763 }: EngineOptions = {}) =>
    await WebgpuEngine.join(await (populations[model] ??= Population.create(variantOf(model), gpu)));

  return {
    backend: "webgpu",
    adapter: gpu.adapter.name,
    arithmetic: "fast",
    train: (options) => startRun("train", { ...options, backend: "webgpu" }, makeEngine),
  };
}
