import type { ModelName, Variant } from "../../model/variant.ts";
import type { Gpu } from "./device.ts";
import type { EntryPoint } from "./shaders/entries.ts";
import { BINDINGS, type BufferName, shaderOf } from "./shaders/mod.ts";

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
