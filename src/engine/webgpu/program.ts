/** The shaders of a variant on a device, their buffers, and submissions: requests are packed, shaders dispatched, results copied back. */
import type { Operands } from "../../model/problem.ts";
import type { ModelName, Variant } from "../../model/variant.ts";
import type { StepOptions, TrainRun } from "../interface/types.ts";
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
    const compute = { module: this.module, entryPoint };
    const descriptor = { label: entryPoint, layout: this.#pipelineLayout, compute };
    const compile = () => this.gpu.device.createComputePipelineAsync(descriptor);
    return this.#pipelines[entryPoint] ??= this.gpu.try(`compile the shader ${entryPoint}`, compile);
  }
}

export const VEC4 = 16;
/** Words of `Step` in shaders/mod.ts. */
const STEP_WORDS = 14;
const HALF = 100_000;
/** The least normal float32: at 0 a weight whose gradient is always 0 would become 0 / 0. */
const LEAST_EPSILON = 2 ** -126;

export interface StepRequest extends Required<StepOptions>, Pick<TrainRun, "minDigits" | "maxDigits"> {
  /** The sampler's number of this step. */
  sample: number;
  batch: number;
  /** Steps that AdamW has taken before. */
  before: number;
  /** Whether the step is taken, or only its gradient computed. */
  updates: boolean;
}

/** What one model is asked to do in one submission. */
export interface RunRequest extends Pick<TrainRun, "seed" | "attempt"> {
  /** The index of the model in the population. */
  model: number;
  /** All of one batch size. */
  steps: readonly StepRequest[];
  /** Examples instead of drawn ones; the same for each step. */
  operands?: Operands;
}

export interface Submission {
  /** `stride`: most steps of one dispatch of `train`, or the number of tiles of a batch. */
  runs: readonly (RunRequest & { stride: number })[];
  /** Workgroups that need a workspace of their own. */
  workspaces: number;
  dispatches: (readonly [entryPoint: EntryPoint, x: number, y?: number])[];
  /** Bytes of buffers that are copied back. */
  copies: readonly (readonly [name: "reports" | "states" | "workspace", at: number, bytes: number])[];
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
    words.set([sample, minDigits, maxDigits, batch, Number(updates)], at);
    floats.set([
      ...[learningRate / (1 - beta1 ** t), 1 / Math.sqrt(1 - beta2 ** t), 1 - learningRate * weightDecay],
      ...[Number.isFinite(clipNorm) ? clipNorm : 0, beta1, 1 - beta1, beta2, 1 - beta2],
      Math.max(epsilon, LEAST_EPSILON),
    ], at + 5);
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

/** The storage buffers of a population, which grow as they must. */
export class Buffers {
  readonly #buffers = new Map<BufferName, GPUBuffer>();
  #group: GPUBindGroup | undefined;

  constructor(readonly program: Program) {
    for (const { name } of BINDINGS) this.reserve(name, 256);
  }

  /** Makes sure that a buffer has so many bytes; its content may be lost. */
  reserve(label: BufferName, bytes: number): void {
    const { device } = this.program.gpu;
    const old = this.#buffers.get(label);
    if (old !== undefined && old.size >= bytes) return;
    old?.destroy();
    const size = Math.max(bytes, Math.min(device.limits.maxStorageBufferBindingSize, 2 ** Math.ceil(Math.log2(bytes))));
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    this.#buffers.set(label, device.createBuffer({ label, size, usage }));
    this.#group = undefined;
  }

  /** Writes to the beginning of a buffer, or from a byte on, within it. */
  write(name: BufferName, data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, at = 0): void {
    if (data.byteLength === 0) return; // Deno 2.9 panics
    this.reserve(name, at + data.byteLength);
    this.program.gpu.device.queue.writeBuffer(this.#buffers.get(name)!, at, data);
  }

  /** Submits; the floats of each copy. @throws {GpuError} If the device is lost or refuses it */
  async submit({ runs, workspaces, dispatches, copies }: Submission): Promise<Float32Array<ArrayBuffer>[]> {
    const { gpu, variant, layout } = this.program;
    const { device, counts } = gpu;
    const pipelines = new Map<EntryPoint, GPUComputePipeline>();
    for (const [entryPoint] of dispatches) pipelines.set(entryPoint, await this.program.pipeline(entryPoint));
    const steps = runs.flatMap(({ steps }) => steps);
    const size = copies.reduce((sum, [, , bytes]) => sum + bytes, 0);
    return await gpu.try("run the model", async () => {
      this.write("runs", packRuns(runs));
      this.write("schedule", packSteps(steps));
      this.write("problems", packProblems(runs.flatMap(({ operands }) => operands ?? [])));
      this.write("cursors", new Uint32Array(runs.length));
      this.reserve("reports", 8 * steps.length);
      this.reserve("tables", VEC4 * TABLE * runs.length);
      this.reserve("workspace", VEC4 * workspaceOf(variant).vectors * workspaces);
      for (const [name, at, bytes] of copies) this.reserve(name, at + bytes);
      this.#group ??= device.createBindGroup({
        layout,
        entries: BINDINGS.map(({ name }, binding) => ({ binding, resource: { buffer: this.#buffers.get(name)! } })),
      });

      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setBindGroup(0, this.#group);
      for (const [entryPoint, x, y] of dispatches) {
        pass.setPipeline(pipelines.get(entryPoint)!);
        pass.dispatchWorkgroups(x, y);
      }
      pass.end();
      const staging = device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
      copies.reduce((to, [name, at, bytes]) => {
        encoder.copyBufferToBuffer(this.#buffers.get(name)!, at, staging, to, bytes);
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

  destroy(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
  }
}
