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

/** Backends with one arithmetic only. */
const ONLY_ARITHMETIC: Readonly<Partial<Record<string, Arithmetic>>> = { reference: "exact", webgpu: "fast" };

/** The module for an arithmetic, and its real arithmetic: `exact` where relaxed SIMD is missing. */
async function loadModule(arithmetic: Arithmetic): Promise<{ base64: string; real: Arithmetic }> {
  checkSimd();
  const real = arithmetic === "fast" && hasRelaxedSimd() ? "fast" : "exact";
  const { WASM } = real === "fast" ? await import("./wasm/fast_module.ts") : await import("./wasm/exact_module.ts");
  return { base64: WASM, real };
}

async function createWasmEngine(variant: Variant, arithmetic: Arithmetic, asked: number): Promise<WasmEngine> {
  const { base64, real } = await loadModule(arithmetic);
  // one thread if memory cannot be shared; the engine reports it as `threads`
  const threads = hasThreads() ? asked : 1;
  const core = instantiate(base64, variant, threads > 1);
  const pool = threads > 1 ? await startThreads(core, threads - 1) : undefined;
  return new WasmEngine(core, real, { threads, pool });
}

/** Loads the code for GPUs only when it is needed. */
async function createGpuEngine(variant: Variant): Promise<Engine> {
  const { createWebgpuEngine } = await import("./webgpu/engine.ts");
  return await createWebgpuEngine(variant);
}

/**
 * Makes a WASM engine with one thread whose `trainRun` works in the background, so that several train in parallel.
 *
 * @throws {EngineError} If WASM SIMD or shared memory is missing
 */
export async function createBackgroundEngine({ model = 763, arithmetic = "exact" }: EngineOptions): Promise<Engine> {
  if (!hasThreads()) {
    throw new EngineError(
      "Cannot train attempts side by side as the runtime must have workers and shared memory (a page must be isolated): train one after the other",
    );
  }
  const { base64, real } = await loadModule(arithmetic);
  const core = instantiate(base64, variantOf(model), true);
  return new WasmEngine(core, real, { background: await startTrainer(core) });
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
 * @throws {EngineError} If the runtime lacks or forbids WebAssembly, or refuses memory or threads; the message says what to do
 * @throws {Error} If there is no GPU for the backend webgpu
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
      return await createWasmEngine(variant, arithmetic, threads);
  }
}
