import { check, checkOneOf, checkWhole } from "../common/checks.ts";
import { checkOptions, type OptionKinds } from "../common/options.ts";
import { type Variant, variantOf } from "../model/variant.ts";
import { EngineError } from "./interface/error.ts";
import { ReferenceEngine } from "./reference/engine.ts";
import { type Arithmetic, ARITHMETICS, BACKENDS, type Engine, type EngineOptions } from "./interface/types.ts";
import { checkSimd, hasRelaxedSimd, hasSimd, instantiate } from "./wasm/core.ts";
import { WasmEngine } from "./wasm/engine.ts";
import { hasThreads, startThreads, startTrainer } from "./wasm/thread_pool.ts";

const OPTIONS: OptionKinds<EngineOptions> = {
  ...{ backend: "anything", model: "anything", threads: "a number", arithmetic: "anything" },
};
const ONLY_ARITHMETIC: Readonly<Partial<Record<string, Arithmetic>>> = { reference: "exact", webgpu: "fast" };

/** Where relaxed SIMD is missing, the arithmetic is `exact`. */
async function createWasmEngine(variant: Variant, asked: Arithmetic, threads: number | "background"): Promise<Engine> {
  checkSimd();
  const arithmetic = asked === "fast" && hasRelaxedSimd() ? "fast" : "exact";
  const { WASM } = await (arithmetic === "fast" ? import("./wasm/fast_module.ts") : import("./wasm/exact_module.ts"));
  const core = instantiate(WASM, variant, threads !== 1);
  if (threads === 1) return new WasmEngine(core, arithmetic);
  const workers = threads === "background" ? startTrainer(core) : startThreads(core, threads - 1);
  return new WasmEngine(core, arithmetic, await workers);
}

async function createGpuEngine(variant: Variant): Promise<Engine> {
  const { createWebgpuEngine } = await import("./webgpu/engine.ts");
  return await createWebgpuEngine(variant);
}

/** Makes a WASM engine whose `trainRun` works in the background. @throws {EngineError} If WASM SIMD or shared memory is missing */
export async function createBackgroundEngine({ model = 763, arithmetic = "exact" }: EngineOptions): Promise<Engine> {
  if (!hasThreads()) {
    const needed = "the runtime must have workers and shared memory (a page must be isolated)";
    throw new EngineError(`Cannot train attempts side by side as ${needed}: train one after the other`);
  }
  return await createWasmEngine(variantOf(model), arithmetic, "background");
}

/**
 * Makes an engine with the initial weights of seed 0.
 *
 * Nothing falls back silently: the engine's properties say what really runs, and a named backend that is missing is an error.
 *
 * @example Usage
 * ```ts
 * import { createEngine } from "@x/tiny-adder/engine";
 *
 * const engine = await createEngine({ backend: "wasm", model: 763 });
 * const { loss, gradient } = await engine.lossAndGradient([{ a: 42, b: 7 }]);
 * console.log(loss, gradient.length); // 2.639…, 763
 * await engine.dispose();
 * ```
 *
 * @throws {RangeError} If an option has a wrong value
 * @throws {EngineError} If the runtime lacks or forbids WebAssembly or a GPU, or refuses memory or threads; the message says what to do
 */
export async function createEngine(options: EngineOptions = {}): Promise<Engine> {
  const asked = "create an engine";
  checkOptions(asked, options, OPTIONS);
  const { backend = "auto", model = 763, threads = 1, arithmetic = "exact" } = options;
  checkOneOf(asked, "backend", backend, BACKENDS);
  checkOneOf(asked, "arithmetic", arithmetic, ARITHMETICS);
  const only = ONLY_ARITHMETIC[backend] ?? arithmetic;
  const isPossible = options.arithmetic === undefined || arithmetic === only;
  check(isPossible, asked, "arithmetic", `${only} on backend ${backend}`, arithmetic);
  checkWhole(asked, "threads", threads, 1, 64);
  const variant = variantOf(model);
  switch (backend) {
    case "reference":
      return new ReferenceEngine(variant.name);
    case "webgpu":
      return await createGpuEngine(variant);
    case "auto":
      if (!hasSimd()) return await createGpuEngine(variant).catch(() => new ReferenceEngine(variant.name));
      // falls through
    case "wasm":
      // one thread if memory cannot be shared; the engine reports it as `threads`
      return await createWasmEngine(variant, arithmetic, hasThreads() ? threads : 1);
  }
}
