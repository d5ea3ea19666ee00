import type { Variant } from "../../model/variant.ts";
import type { Gpu } from "./device.ts";
import type { EntryPoint } from "./shaders/entries.ts";
import { BINDINGS, type BufferName, shaderOf } from "./shaders/mod.ts";

/** The shaders of a variant on a device. Each entry point is compiled when it is first used. */
export class Program {
  readonly layout: GPUBindGroupLayout;
  readonly #pipelineLayout: GPUPipelineLayout;
  readonly #pipelines = new Map<EntryPoint, Promise<GPUComputePipeline>>();

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

  static readonly #programs = new WeakMap<Gpu, Map<Variant, Promise<Program>>>();

  /**
   * The program of a variant, once per device.
   *
   * @param source WGSL, where it is not the variant's own
   * @throws {GpuError} If the shader does not compile
   */
  static of(gpu: Gpu, variant: Variant, source?: string): Promise<Program> {
    const make = async () => {
      const descriptor = { label: `tiny-adder ${variant.name}`, code: source ?? shaderOf(variant) };
      return new Program(
        gpu,
        variant,
        await gpu.try("compile the shaders", () => gpu.device.createShaderModule(descriptor)),
      );
    };
    if (source !== undefined) return make();
    let programs = Program.#programs.get(gpu);
    if (programs === undefined) Program.#programs.set(gpu, programs = new Map());
    let program = programs.get(variant);
    if (program === undefined) programs.set(variant, program = make());
    return program;
  }

  /** The pipeline of an entry point. @throws {GpuError} If it does not compile */
  pipeline(entryPoint: EntryPoint): Promise<GPUComputePipeline> {
    let pipeline = this.#pipelines.get(entryPoint);
    if (pipeline === undefined) {
      const compute = { module: this.module, entryPoint };
      const descriptor = { label: entryPoint, layout: this.#pipelineLayout, compute };
      pipeline = this.gpu.try(
        `compile the shader ${entryPoint}`,
        () => this.gpu.device.createComputePipelineAsync(descriptor),
      );
      this.#pipelines.set(entryPoint, pipeline);
    }
    return pipeline;
  }
}

/** The storage buffers of a population, which grow as they must. */
export class Buffers {
  readonly #buffers = new Map<BufferName, GPUBuffer>();
  #group: GPUBindGroup | undefined;

  constructor(readonly program: Program) {
    for (const { name } of BINDINGS) this.#make(name, 256);
  }

  #make(name: BufferName, size: number): void {
    this.#buffers.get(name)?.destroy();
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    this.#buffers.set(name, this.program.gpu.device.createBuffer({ label: name, size, usage }));
    this.#group = undefined;
  }

  /** A buffer. */
  get(name: BufferName): GPUBuffer {
    return this.#buffers.get(name)!;
  }

  /** Makes sure that a buffer has so many bytes; what it held may be lost. */
  reserve(name: BufferName, bytes: number): void {
    if (this.get(name).size >= bytes) return;
    const { maxStorageBufferBindingSize } = this.program.gpu.device.limits;
    this.#make(name, Math.max(bytes, Math.min(maxStorageBufferBindingSize, 2 ** Math.ceil(Math.log2(bytes)))));
  }

  /** Writes to the beginning of a buffer, or from a byte on, within it. */
  write(name: BufferName, data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, at = 0): void {
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

  /** Frees them. */
  destroy(): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
  }
}
