/**
 * Loading the WASM core: which module, its memory, its exports with their types.
 *
 * @module
 */
import { fromBase64 } from "../../base64.ts";
import type { Arithmetic } from "../types.ts";

/** The exports of `assembly/entry.ts`. Addresses are byte offsets in the memory. */
export interface CoreExports {
  readonly parametersAt: WebAssembly.Global;
  readonly gradientAt: WebAssembly.Global;
  readonly firstMomentAt: WebAssembly.Global;
  readonly secondMomentAt: WebAssembly.Global;
  readonly runAt: WebAssembly.Global;
  readonly lossesAt: WebAssembly.Global;
  readonly normsAt: WebAssembly.Global;
  readonly maxRun: WebAssembly.Global;
  problemsBase(threads: number): number;
  configure(model: number): void;
  initialize(seed: number, attempt: number): void;
  resetOptimizer(): void;
  optimizerSteps(): number;
  setOptimizerSteps(steps: number): void;
  learningRate(step: number, steps: number, peak: number, warmupSteps: number, floor: number): number;
  lossAndGradient(problems: number, count: number): number;
  optimizerStep(
    rate: number,
    weightDecay: number,
    clipNorm: number,
    beta1: number,
    beta2: number,
    epsilon: number,
  ): number;
  train(): void;
  logits(problems: number, count: number, out: number): void;
  decode(problems: number, count: number, out: number): void;
  sample(
    seed: number,
    domain: number,
    attempt: number,
    index: number,
    count: number,
    minDigits: number,
    maxDigits: number,
    out: number,
  ): void;
  mapExp2(at: number, vectors: number): void;
  mapLn(at: number, vectors: number): void;
  mapGelu(at: number, vectors: number): void;
}

/** A loaded core. */
export interface Core {
  readonly memory: WebAssembly.Memory;
  readonly exports: CoreExports;
  /** The arithmetic that the module really has. */
  readonly arithmetic: Arithmetic;
}

// (module (func (result v128) (v128.const i32x4 0 0 0 0)))
const SIMD_PROBE = [
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7b, 0x03, 0x02, 0x01, 0x00],
  ...[0x0a, 0x16, 0x01, 0x14, 0x00, 0xfd, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0b],
];

// (module (func (param v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0))))
const RELAXED_SIMD_PROBE = [
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7b, 0x01, 0x7b, 0x03, 0x02, 0x01],
  ...[0x00, 0x0a, 0x0d, 0x01, 0x0b, 0x00, 0x20, 0x00, 0x20, 0x00, 0x20, 0x00, 0xfd, 0x85, 0x02, 0x0b],
];

/** Whether this runtime compiles 128-bit SIMD. */
export function hasSimd(): boolean {
  return WebAssembly.validate(Uint8Array.from(SIMD_PROBE));
}

/** Whether this runtime compiles relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(Uint8Array.from(RELAXED_SIMD_PROBE));
}

const compiled = new Map<Arithmetic, WebAssembly.Module>();

/** Compiles a module, once per process. */
export function compileCore(arithmetic: Arithmetic, base64: string): WebAssembly.Module {
  let module = compiled.get(arithmetic);
  if (module === undefined) compiled.set(arithmetic, module = new WebAssembly.Module(fromBase64(base64)));
  return module;
}

/** Bytes of a page of WASM memory. */
export const PAGE = 65536;

/** Instantiates a core with a memory of its own. */
export function instantiateCore(module: WebAssembly.Module, arithmetic: Arithmetic): Core {
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536 });
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return { memory, exports: instance.exports as unknown as CoreExports, arithmetic };
}
