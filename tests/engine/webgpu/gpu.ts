/**
 * The GPU that these tests run on. They run in a process of their own: `deno task test:webgpu`.
 *
 * @module
 */
import { createEngine } from "../../../src/engine/mod.ts";
import type { Engine } from "../../../src/engine/interface/types.ts";
import type { ModelName } from "../../../src/model/variant.ts";
import { type EngineUnderTest, FLOAT32_TOLERANCES } from "../engines.ts";

/** Whether there is no adapter, and the tests are ignored. */
export const NO_GPU: boolean = (await navigator.gpu?.requestAdapter() ?? null) === null;

const NOTE = NO_GPU ? " (ignored as a GPU or its driver is not installed)" : "";

/** What the tests of a missing GPU are registered with. */
export const GPU_OPTIONS = { ignore: NO_GPU, note: NOTE };

/** A test that is ignored, and says why, where there is no adapter. */
export function testOnGpu(name: string, fn: () => Promise<void>): void {
  Deno.test({ name: name + NOTE, ignore: NO_GPU, fn });
}

/** A new engine. */
export function gpuEngine(model: ModelName = 763): Promise<Engine> {
  return createEngine({ backend: "webgpu", model });
}

/** The engine under test. */
export const WEBGPU: EngineUnderTest = {
  name: "webgpu",
  create: gpuEngine,
  tolerances: FLOAT32_TOLERANCES,
};
