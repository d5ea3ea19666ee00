import { fromBase64 } from "../../common/encoding.ts";
import { chunksOf } from "../../model/problem.ts";
import { gather, spread, type Variant } from "../../model/variant.ts";
import { QUERIES } from "../../model/vocabulary.ts";
import { EngineError } from "../interface/error.ts";

/**
 * Pages, of 64 KiB each, of the core's memory, which neither grows nor moves, so that V8 keeps its size in a register (measured: on shared
 * memory training is 1.06 times slower where it could grow). Untouched pages cost nothing: a small model takes 1 MB of the 16.
 */
export const PAGES = 256;

/** Parts of the memory's layout: byte offsets and sizes. `Run.…` is the index of a field among the doubles at `runAt`. */
type Globals<Name extends string> = Readonly<Record<Name, WebAssembly.Global>>;
type AdderGlobals = Globals<"parametersAt" | "keysAt" | "queriesAt" | "projectionAt" | "w1At" | "w2At" | "outputAt">;
type CoreGlobals =
  & Globals<"gradientAt" | "firstMomentAt" | "secondMomentAt" | "lossesAt" | "normsAt" | "maxRun">
  & Globals<"runAt" | `Run.${keyof RunFields}` | "failedAt" | "blocksAt" | "blockRows">;

/** The exports of `assembly/adder.ts`. */
export interface AdderExports extends AdderGlobals {
  problemsBase(threads: number): number;
  configure(width: number, hidden: number, finalNorm: boolean): void;
  prepareDecoding(): void;
  decode(problems: number, count: number, out: number): void;
}

/** The exports of `assembly/entry.ts`. */
export interface CoreExports extends AdderExports, CoreGlobals {
  prepareDecoding(): boolean;
  initialize(seed: number, attempt: number): void;
  optimizerSteps(): number;
  setOptimizerSteps(steps: number): void;
  lossAndGradient(problems: number, count: number): number;
  logits(problems: number, count: number, out: number): void;
  // what these four and `train` need besides is written by `writeRun`
  learningRate(step: number): number;
  optimizerStep(rate: number): number;
  sample(domain: number, first: number, count: number, out: number): void;
  decodeDrawn(domain: number, first: number, count: number, out: number): number;
  train(): void;
  setThreads(count: number, mayPark: boolean): void;
  setActiveThreads(count: number): void;
  setPatience(checks: number): void;
  heartbeats(): number;
  stopThreads(): number;
  mapExp2(at: number, vectors: number): void;
  mapLn(at: number, vectors: number): void;
  mapGelu(at: number, vectors: number): void;
}

/** A module with a memory of its own, for one model. */
export interface Core<Exports extends AdderExports = CoreExports> {
  readonly variant: Variant;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly exports: Exports;
}

// (module (func (result v128) (v128.const i32x4 0 0 0 0)))
const SIMD_PROBE = "AGFzbQEAAAABBQFgAAF7AwIBAAoWARQA/QwAAAAAAAAAAAAAAAAAAAAACw==";
// (module (func (param v128) (result v128) (f32x4.relaxed_madd (local.get 0) (local.get 0) (local.get 0))))
const RELAXED_SIMD_PROBE = "AGFzbQEAAAABBgFgAXsBewMCAQAKDQELACAAIAAgAP2FAgs=";

/** What keeps this runtime from running the core, and what to do; undefined if nothing does. */
function obstacle(): string | undefined {
  if (typeof WebAssembly !== "object") return "the runtime must have WebAssembly: it has none (--jitless turns it off)";
  const probe = fromBase64(SIMD_PROBE);
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
  const otherwise = "Or use the backend reference, which is slow, as add of the whole library does";
  throw new EngineError(`Cannot create an engine on wasm as ${reason}. ${otherwise}`, { cause });
}

/** Whether this runtime compiles relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(fromBase64(RELAXED_SIMD_PROBE));
}

// The import of the memory in the binary: "env", "memory", a memory, its limits have a maximum.
const MEMORY_IMPORT = [3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 0x02, 0x01];

/** Compiled modules by their source, for memory of their own and for shared memory. */
const compiled = [new Map<string, WebAssembly.Module>(), new Map<string, WebAssembly.Module>()];

/**
 * Compiles a module from base64, once per process. Whether it imports shared memory is one bit of the binary, so one source serves both: atomic
 * instructions work on memory that is not shared, too, and waiting only happens where there are threads.
 */
function compile(base64: string, shared: boolean): WebAssembly.Module {
  const known = compiled[Number(shared)].get(base64);
  if (known !== undefined) return known;
  const bytes = fromBase64(base64);
  if (shared) {
    const at = bytes.findIndex((_, i) => MEMORY_IMPORT.every((byte, j) => bytes[i + j] === byte));
    bytes[at + MEMORY_IMPORT.length - 1] |= 0x02;
  }
  const module = new WebAssembly.Module(bytes);
  compiled[Number(shared)].set(base64, module);
  return module;
}

/** Makes a core on memory of its own. @throws {EngineError} If there may be no WebAssembly SIMD, or the system refuses the memory */
export function instantiate<Exports extends AdderExports = CoreExports>(
  base64: string,
  variant: Variant,
  shared = false,
): Core<Exports> {
  try {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared });
    const module = compile(base64, shared);
    const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
    exports.configure(variant.width, variant.hidden, variant.finalNorm);
    return { variant, module, memory, exports };
  } catch (cause) {
    checkSimd(cause);
    if (!(cause instanceof RangeError)) throw cause;
    const asked = `the system must grant it ${PAGES / 16} MiB of memory`;
    throw new EngineError(`Cannot create an engine as ${asked}: ${cause.message}`, { cause });
  }
}

/** A flat vector of the core, such as its gradient, as one of its model. */
export function readVector({ memory, variant }: Core<AdderExports>, at: WebAssembly.Global): Float32Array {
  return gather(new Float32Array(memory.buffer, at.value), variant);
}

/** The inverse of {@linkcode readVector}. */
export function writeVector(core: Core<AdderExports>, at: WebAssembly.Global, values: Float32Array): void {
  new Float32Array(core.memory.buffer, at.value).set(spread(values, core.variant));
}

/** `Run` in assembly/layout.ts. */
const RUN_FIELDS = [
  ...["seed", "attempt", "firstSample", "firstStep", "steps", "minDigits", "maxDigits", "batch", "stageSteps"] as const,
  ...["learningRate", "warmupSteps", "floor", "weightDecay", "clipNorm", "beta1", "beta2", "epsilon"] as const,
];
export type RunFields = Record<typeof RUN_FIELDS[number], number>;

export function writeRun({ memory, exports }: Core, run: Partial<RunFields>): void {
  const doubles = new Float64Array(memory.buffer, exports.runAt.value);
  for (const name of RUN_FIELDS) doubles[exports[`Run.${name}`].value] = run[name] ?? 0;
}

/** Copies doubles to where the core reads problems; results may follow behind them. */
export function writeProblems({ memory, exports }: Core<AdderExports>, operands: Float64Array, threads = 1) {
  const problems = exports.problemsBase(threads);
  new Float64Array(memory.buffer, problems, operands.length).set(operands);
  return { problems, results: problems + operands.byteLength };
}

/** Problems of one call of the core: their operands and tokens fit into its memory many times. */
export const DECODE_CHUNK = 65_536;

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
