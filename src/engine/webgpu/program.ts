/** The shaders of a variant on a device, their buffers, and submissions: requests are packed, shaders dispatched, results copied back. */
import type { Operands } from "../../model/problem.ts";
import type { ModelName, Variant } from "../../model/variant.ts";
import type { FilledStepOptions } from "../interface/checks.ts";
import type { Gpu } from "./device.ts";
import type { EntryPoint } from "./shaders/entries.ts";
import { BINDINGS, type BufferName, shaderOf, TABLE, workspaceOf } from "./shaders/mod.ts";

/** The shaders of a variant on a device. Each entry point is compiled when it is first used. */
export class Program {
  readonly layout: GPUBindGroupLayout;
  readonly #pipelineLayout: GPUPipelineLayout;
  readonly #pipelines: Partial<Record<EntryPoint, Promise<GPUComputePipeline>>> = {};

  private constructor(readonly gpu: Gpu, readonly variant: Variant, readonly module: GPUShaderModule) {
    const { device } = gpu;
    this.layout = device.createBindGroupLayout({
      entries: BINDINGS.map(({ access }, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: access === "read" ? "read-only-storage" : "storage" },
      })),
    });
    this.#pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [this.layout] });
  }

  static readonly #programs = new WeakMap<Gpu, Partial<Record<ModelName, Promise<Program>>>>();

  /** The program of a variant, once per device. @throws {GpuError} If the shader does not compile */
  static of(gpu: Gpu, variant: Variant): Promise<Program> {
    const programs = Program.#programs.get(gpu) ?? {};
    Program.#programs.set(gpu, programs);
    return programs[variant.name] ??= Program.compile(gpu, variant);
  }

  /** Compiles a program. @throws {GpuError} If the shader does not compile */
  static async compile(gpu: Gpu, variant: Variant, code: string = shaderOf(variant)): Promise<Program> {
    const descriptor = { label: `tiny-adder ${variant.name}`, code };
    const module = await gpu.try("compile the shaders", () => gpu.device.createShaderModule(descriptor));
    return new Program(gpu, variant, module);
  }

  /** The pipeline of an entry point. @throws {GpuError} If it does not compile */
  pipeline(entryPoint: EntryPoint): Promise<GPUComputePipeline> {
    return this.#pipelines[entryPoint] ??= this.gpu.try(
      `compile the shader ${entryPoint}`,
      () =>
        this.gpu.device.createComputePipelineAsync({
          label: entryPoint,
          layout: this.#pipelineLayout,
          compute: { module: this.module, entryPoint },
        }),
    );
  }
}

/** The storage buffers of a population, which grow as they must. */
export class Buffers {
  readonly #buffers = new Map<BufferName, GPUBuffer>();
  #group: GPUBindGroup | undefined;

  constructor(readonly program: Program) {
    for (const { name } of BINDINGS) this.#make(name, 256);
  }

  #make(label: BufferName, size: number): void {
    this.#buffers.get(label)?.destroy();
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    this.#buffers.set(label, this.program.gpu.device.createBuffer({ label, size, usage }));
    this.#group = undefined;
  }

  get(name: BufferName): GPUBuffer {
    return this.#buffers.get(name)!;
  }

  /** Makes sure that a buffer has so many bytes; its content may be lost. */
  reserve(name: BufferName, bytes: number): void {
    if (this.get(name).size >= bytes) return;
    const { maxStorageBufferBindingSize } = this.program.gpu.device.limits;
    this.#make(name, Math.max(bytes, Math.min(maxStorageBufferBindingSize, 2 ** Math.ceil(Math.log2(bytes)))));
  }

  /** Writes to the beginning of a buffer, or from a byte on, within it. */
  write(name: BufferName, data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, at = 0): void {
    if (data.byteLength === 0) return; // Deno 2.9 panics
    this.reserve(name, at + data.byteLength);
    this.program.gpu.device.queue.writeBuffer(this.get(name), at, data);
  }

  /** All of them, for a pass. */
  group(): GPUBindGroup {
    return this.#group ??= this.program.gpu.device.createBindGroup({
      layout: this.program.layout,
      entries: BINDINGS.map(({ name }, binding) => ({ binding, resource: { buffer: this.get(name) } })),
    });
  }

  destroy(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
  }
}

export const VEC4 = 16;
/** Words of `Step` in shaders/mod.ts. */
const STEP_WORDS = 16;
const HALF = 100_000;
/** The least normal float32: at 0 a weight whose gradient is always 0 would become 0 / 0. */
const LEAST_EPSILON = 2 ** -126;

export interface StepRequest extends FilledStepOptions {
  /** The sampler's number of this step. */
  sample: number;
  minDigits: number;
  maxDigits: number;
  batch: number;
  /** Steps that AdamW has taken before. */
  before: number;
  /** Whether the step is taken, or only its gradient computed. */
  updates: boolean;
}

/** What one model is asked to do in one submission. */
export interface RunRequest {
  /** The index of the model in the population. */
  model: number;
  seed: number;
  attempt: number;
  /** All of one batch size. */
  steps: readonly StepRequest[];
  /** Examples instead of drawn ones; the same for each step. */
  operands?: Operands;
}

export type Dispatch = readonly [entryPoint: EntryPoint, x: number, y?: number];

/** Bytes of a buffer that are copied back. */
export type Copy = readonly [name: "reports" | "states" | "workspace", at: number, bytes: number];

export interface Submission {
  /** `stride`: most steps of one dispatch of `train`, or the number of tiles of a batch. */
  runs: readonly (RunRequest & { stride: number })[];
  /** Workgroups that need a workspace of their own. */
  workspaces: number;
  dispatches: readonly Dispatch[];
  copies: readonly Copy[];
}

/** `Run` in shaders/mod.ts. */
function packRuns(runs: Submission["runs"]): Uint32Array<ArrayBuffer> {
  let firstStep = 0;
  let firstProblem = 0;
  return Uint32Array.from(runs.flatMap(({ model, steps, stride, seed, attempt, operands }) => {
    const words = [model, firstStep, steps.length, stride, seed, attempt, operands === undefined ? 0 : 1, firstProblem];
    firstStep += steps.length;
    firstProblem += (operands?.length ?? 0) / 2;
    return words;
  }));
}

/** AdamW's corrections are computed here, in doubles, as `optimizerStep` of assembly/optimizer.ts does. */
function packSteps(steps: readonly StepRequest[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(STEP_WORDS * steps.length);
  const floats = new Float32Array(words.buffer);
  steps.forEach((step, i) => {
    const { sample, minDigits, maxDigits, batch, before, updates } = step;
    const { learningRate, weightDecay, clipNorm, beta1, beta2, epsilon } = step;
    const t = before + 1;
    const at = STEP_WORDS * i;
    words.set([sample, minDigits, maxDigits, batch], at);
    floats.set([
      ...[learningRate / (1 - beta1 ** t), 1 / Math.sqrt(1 - beta2 ** t), 1 - learningRate * weightDecay],
      ...[Number.isFinite(clipNorm) ? clipNorm : 0, beta1, 1 - beta1, beta2, 1 - beta2],
      Math.max(epsilon, LEAST_EPSILON),
    ], at + 4);
    words[at + 13] = updates ? 1 : 0;
  });
  return words;
}

/** Operands as halves of five digits, four words a problem. */
function packProblems(problems: readonly Operands[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(2 * problems.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const operands of problems) {
    for (const operand of operands) {
      words[at++] = Math.floor(operand / HALF);
      words[at++] = operand % HALF;
    }
  }
  return words;
}

/** Submits; the floats of each copy. @throws {GpuError} If the device is lost or refuses it */
export async function submit(
  buffers: Buffers,
  { runs, workspaces, dispatches, copies }: Submission,
): Promise<Float32Array<ArrayBuffer>[]> {
  const { gpu, variant } = buffers.program;
  const { device, counts } = gpu;
  const pipelines = new Map<EntryPoint, GPUComputePipeline>();
  for (const entryPoint of new Set(dispatches.map(([entryPoint]) => entryPoint))) {
    pipelines.set(entryPoint, await buffers.program.pipeline(entryPoint));
  }
  const steps = runs.flatMap(({ steps }) => steps);
  const size = copies.reduce((sum, [, , bytes]) => sum + bytes, 0);
  return await gpu.try("run the model", async () => {
    buffers.write("runs", packRuns(runs));
    buffers.write("schedule", packSteps(steps));
    buffers.write("problems", packProblems(runs.flatMap(({ operands }) => operands ?? [])));
    buffers.write("cursors", new Uint32Array(runs.length));
    buffers.reserve("reports", 8 * steps.length);
    buffers.reserve("tables", VEC4 * TABLE * runs.length);
    buffers.reserve("workspace", VEC4 * workspaceOf(variant).vectors * workspaces);
    for (const [name, at, bytes] of copies) buffers.reserve(name, at + bytes);

    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setBindGroup(0, buffers.group());
    for (const [entryPoint, x, y] of dispatches) {
      pass.setPipeline(pipelines.get(entryPoint)!);
      pass.dispatchWorkgroups(x, y);
    }
    pass.end();
    const staging = device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
    copies.reduce((to, [name, at, bytes]) => {
      encoder.copyBufferToBuffer(buffers.get(name), at, staging, to, bytes);
      return to + bytes;
    }, 0);
    device.queue.submit([encoder.finish()]);
    counts.submissions++;
    counts.dispatches += dispatches.length;
    counts.bytesRead += size;
    try {
      await staging.mapAsync(GPUMapMode.READ);
      const mapped = staging.getMappedRange();
      let from = 0;
      return copies.map(([, , bytes]) => new Float32Array(mapped.slice(from, from += bytes)));
    } finally {
      staging.destroy();
    }
  });
}
