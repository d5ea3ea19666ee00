/**
 * Loading the WASM core: which module, its memory, its exports with their types.
 *
 * @module
 */
import { fromBase64 } from "../../common/base64.ts";
import { chunksOf } from "../../model/problem.ts";
import type { ModelName } from "../../model/variant.ts";
import { QUERIES } from "../../model/vocabulary.ts";
import { EngineError } from "../interface/error.ts";
import { PAGES } from "./memory.ts";

/** The exports of `assembly/adder.ts`. Addresses are byte offsets in the memory. */
export interface AdderExports {
  readonly parametersAt: WebAssembly.Global;
  readonly keysAt: WebAssembly.Global;
  readonly queriesAt: WebAssembly.Global;
  readonly projectionAt: WebAssembly.Global;
  readonly w1At: WebAssembly.Global;
  readonly w2At: WebAssembly.Global;
  readonly outputAt: WebAssembly.Global;
  problemsBase(threads: number): number;
  configure(model: number): void;
  prepareDecoding(): void;
  decode(problems: number, count: number, out: number): void;
}

/** The exports of `assembly/entry.ts`. */
export interface CoreExports extends AdderExports {
  readonly gradientAt: WebAssembly.Global;
  readonly firstMomentAt: WebAssembly.Global;
  readonly secondMomentAt: WebAssembly.Global;
  readonly runAt: WebAssembly.Global;
  readonly lossesAt: WebAssembly.Global;
  readonly normsAt: WebAssembly.Global;
  readonly maxRun: WebAssembly.Global;
  readonly failedAt: WebAssembly.Global;
  readonly blocksAt: WebAssembly.Global;
  tablesUsable(): boolean;
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
  sample(
    seed: number,
    domain: number,
    attempt: number,
    index: number,
    first: number,
    count: number,
    minDigits: number,
    maxDigits: number,
    out: number,
  ): void;
  setThreads(count: number, mayPark: boolean): void;
  setPatience(looks: number): void;
  heartbeats(): number;
  stopThreads(): number;
  mapExp2(at: number, vectors: number): void;
  mapLn(at: number, vectors: number): void;
  mapGelu(at: number, vectors: number): void;
}

/** A module with a memory of its own. */
export interface Core<Exports extends AdderExports = CoreExports> {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly exports: Exports;
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

/** What keeps this runtime from running the core, and what to do; undefined if nothing does. */
function obstacle(): string | undefined {
  if (typeof WebAssembly !== "object") return "the runtime must have WebAssembly: it has none (--jitless turns it off)";
  const probe = Uint8Array.from(SIMD_PROBE);
  if (!WebAssembly.validate(probe)) return "the runtime must have WebAssembly SIMD: it has none. Use a newer one";
  try {
    new WebAssembly.Module(probe);
  } catch (cause) {
    return "WebAssembly must be allowed: it is forbidden. In a page, add 'wasm-unsafe-eval' to script-src of its " +
      `Content-Security-Policy (${(cause as Error).message})`;
  }
}

/** Whether this runtime compiles 128-bit SIMD, and may. */
export function hasSimd(): boolean {
  return obstacle() === undefined;
}

/** @throws {EngineError} If this runtime cannot run the core */
export function checkSimd(cause?: unknown): void {
  const reason = obstacle();
  if (reason === undefined) return;
  throw new EngineError(`Cannot create an engine on wasm as ${reason}. Or use the backend reference, which is slow`, {
    cause,
  });
}

/** Whether this runtime compiles relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(Uint8Array.from(RELAXED_SIMD_PROBE));
}

/** The number under which the core knows a model. @throws {EngineError} If it is a narrow one */
export function coreModel(model: ModelName): number {
  if (typeof model === "number") return model;
  throw new EngineError(
    `Cannot create an engine on wasm as the model must be 763 or 777: current value is ${model}. Use the backend reference`,
  );
}

/** Compiled modules by kind of memory and source. */
const compiled = { shared: new Map<string, WebAssembly.Module>(), own: new Map<string, WebAssembly.Module>() };

/** Compiles a module from base64, once per process. */
function compile(base64: string, shared: boolean): WebAssembly.Module {
  const modules = shared ? compiled.shared : compiled.own;
  let module = modules.get(base64);
  if (module === undefined) {
    const bytes = fromBase64(base64);
    if (shared) importSharedMemory(bytes);
    modules.set(base64, module = new WebAssembly.Module(bytes));
  }
  return module;
}

// The import of the memory in the binary: "env", "memory", a memory, its limits have a maximum.
const MEMORY_IMPORT = [3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x01];

/**
 * Makes a module import shared memory. That is one bit of the binary, so one module serves both: atomic instructions work on memory that is
 * not shared, too, and waiting only happens where there are threads.
 */
function importSharedMemory(bytes: Uint8Array): void {
  const at = bytes.findIndex((_, i) => MEMORY_IMPORT.every((byte, j) => bytes[i + j] === byte));
  bytes[at + MEMORY_IMPORT.length - 1] |= 0x02;
}

/**
 * Makes a core of a generated module, on memory of its own, shared or not.
 *
 * @throws {EngineError} If the runtime lacks or forbids WebAssembly SIMD, or the system refuses the memory
 */
export function instantiate<Exports extends AdderExports = CoreExports>(base64: string, shared = false): Core<Exports> {
  try {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared });
    const module = compile(base64, shared);
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    return { module, memory, exports: exports as unknown as Exports };
  } catch (cause) {
    checkSimd(cause);
    if (!(cause instanceof RangeError)) throw cause;
    const size = PAGES / 16;
    throw new EngineError(
      `Cannot create an engine as the system must grant it ${size} MiB of memory: ${cause.message}`,
      { cause },
    );
  }
}

/**
 * How many items fit behind a core's own data.
 *
 * @param bytes Bytes of one item
 */
export function capacity({ memory, exports }: Core<AdderExports>, bytes: number, threads = 1): number {
  return Math.floor((memory.buffer.byteLength - exports.problemsBase(threads)) / bytes);
}

/** Copies doubles to where the core reads problems; results may follow behind them. */
export function writeProblems(
  { memory, exports }: Core<AdderExports>,
  operands: Float64Array,
  threads = 1,
): { problems: number; results: number } {
  const problems = exports.problemsBase(threads);
  new Float64Array(memory.buffer, problems, operands.length).set(operands);
  return { problems, results: problems + operands.byteLength };
}

/** Problems of one call of the core: their operands and tokens fit into its memory many times. */
const DECODE_CHUNK = 65_536;

/** Decodes problems whose tables are ready: tokens [n, 12]. */
export function decodeProblems(core: Core<AdderExports>, operands: Float64Array, threads = 1): Uint8Array {
  const tokens = new Uint8Array(operands.length / 2 * QUERIES);
  for (const { chunk, first, count } of chunksOf(operands, DECODE_CHUNK)) {
    const { problems, results } = writeProblems(core, chunk, threads);
    core.exports.decode(problems, count, results);
    tokens.set(new Uint8Array(core.memory.buffer, results, count * QUERIES), first * QUERIES);
  }
  return tokens;
}
