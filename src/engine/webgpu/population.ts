/**
 * Models on one GPU: their weights and moments, and everything that is dispatched for them. A batch of up to {@linkcode FUSED_BATCH} examples is trained by one workgroup a model, many steps a dispatch; a larger one by a workgroup a tile of
 * 32 examples and one that adds the tiles up and takes the step, two dispatches a step. Only the batch size decides, never the other models of
 * a submission, so a model gets the same bytes alone and beside others.
 */
import { chunksOf, type Operands } from "../../model/problem.ts";
import { TOKENS, type Variant } from "../../model/variant.ts";
import { OPERAND_DIGITS, QUERIES } from "../../model/vocabulary.ts";
import type { TrainRunReport } from "../interface/types.ts";
import { type Gpu, sharedGpu } from "./device.ts";
import { packProblems, packRuns, packSteps, type Program, programOf, type Run, type RunRequest } from "./program.ts";
import type { EntryPoint } from "./shaders/entries.ts";
import { BINDINGS, type BufferName, DECODERS, TILE } from "./shaders/mod.ts";

/** The largest batch that one workgroup trains. */
export const FUSED_BATCH = 64;
/** Examples of one dispatch of a model's training, some milliseconds of a real GPU: a longer one may be taken for a hang. */
const DISPATCH_EXAMPLES = 4096;
const MAX_WAIT = 20; // milliseconds that a request waits for those of the other members
const LOGITS_ROW = 16; // floats of the logits of a query in the workspace
const MOST_FLOATS = 65_536 * QUERIES; // that the answers of a submission leave there: tokens of 65,536 problems
const VEC4 = 16; // bytes

/** A request to compute only a gradient, or an answer. */
export const NO_STEP: Omit<RunRequest, "vectors" | "batch"> = {
  ...{ seed: 0, attempt: 0, firstSample: 0, minDigits: 1, maxDigits: OPERAND_DIGITS, updates: false },
  ...{ learningRates: [0], stepsBefore: 0, weightDecay: 0, clipNorm: 0, beta1: 0, beta2: 0, epsilon: 1 },
};

export interface TrainResult extends TrainRunReport {
  /** Weights, first and second moments after the steps; where none is taken the gradient. */
  vectors: Float32Array[];
}

type Dispatch = readonly [entryPoint: EntryPoint, x: number, y?: number];
/** What is copied back of a buffer. */
type Copy = readonly [name: BufferName, at: number, bytes: number];

/** The models of one variant on one GPU. */
export class Population {
  readonly #vectorBytes: number; // of the weights, of a moment or of a gradient: a run has these four in `states`
  readonly #workspaceBytes: number;
  readonly #mostWorkspaces: number; // that fit into one binding, and workgroups into one dispatch
  readonly mostExamples: number; // of a batch
  readonly #buffers = new Map<BufferName, GPUBuffer>(); // they grow as they must
  #group: GPUBindGroup | undefined;
  #members = 0;
  /** Requests that wait for those of the other members. */
  readonly #pending: { request: RunRequest; resolve: (result: Promise<TrainResult>) => void }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isTraining = false;

  constructor(readonly program: Program) {
    const { gpu: { device: { limits } }, packing, constants } = program;
    this.#vectorBytes = VEC4 * packing.vectors;
    this.#workspaceBytes = VEC4 * constants.WORKSPACE;
    const fitting = Math.floor(limits.maxStorageBufferBindingSize / this.#workspaceBytes);
    this.#mostWorkspaces = Math.min(fitting, limits.maxComputeWorkgroupsPerDimension);
    this.mostExamples = TILE * this.#mostWorkspaces;
  }

  static async create(variant: Variant, gpu?: Gpu): Promise<Population> {
    return new Population(await programOf(gpu ?? await sharedGpu(), variant));
  }

  join(): void {
    this.#members++;
  }

  /** The last one to leave frees the memory. */
  leave(): void {
    this.#members--;
    this.#trainIfReady();
    if (this.#members > 0) return;
    for (const buffer of this.#buffers.values()) buffer.destroy();
    this.#buffers.clear();
    this.#group = undefined;
  }

  /** Trains a model, together with the others: when every member has asked, or one has waited long enough. */
  train(request: RunRequest): Promise<TrainResult> {
    return new Promise((resolve) => {
      this.#pending.push({ request, resolve });
      this.#trainIfReady();
    });
  }

  #trainIfReady(): void {
    if (this.#isTraining || this.#pending.length === 0) return;
    if (this.#pending.length >= this.#members) this.#trainPending();
    else this.#timer ??= setTimeout(() => this.#trainPending(), MAX_WAIT);
  }

  /** Batches of as many tiles need the same dispatches, so they are a submission, or several where they do not fit into one. */
  async #trainPending(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isTraining = true;
    // each tile is the work of a workgroup; 0 where one workgroup does all of a step
    const tilesOf = (batch: number) => batch <= FUSED_BATCH ? 0 : Math.ceil(batch / TILE);
    for (const [tiles, group] of Map.groupBy(this.#pending.splice(0), ({ request }) => tilesOf(request.batch))) {
      while (group.length > 0) {
        const part = group.splice(0, Math.max(1, Math.floor(this.#mostWorkspaces / Math.max(1, tiles))));
        const results = this.#submitTraining(part.map(({ request }) => request), tiles);
        part.forEach(({ resolve }, i) => resolve(results.then((all) => all[i])));
        await Promise.allSettled([results]);
      }
    }
    this.#isTraining = false;
    this.#trainIfReady();
  }

  async #submitTraining(requests: readonly RunRequest[], tiles: number): Promise<TrainResult[]> {
    const [models, vector] = [requests.length, this.#vectorBytes];
    const runs = requests.map((request) => {
      const stride = tiles || Math.max(1, Math.floor(DISPATCH_EXAMPLES / request.batch));
      return { ...request, stride, radix: 10, taught: 1 };
    });
    const steps = runs.map(({ learningRates }) => learningRates.length);
    const repeat = (most: number, step: Dispatch[]) => new Array<Dispatch[]>(most).fill(step).flat();
    const dispatches: Dispatch[] = tiles === 0
      ? repeat(Math.max(...runs.map(({ stride }, i) => Math.ceil(steps[i] / stride))), [["train", models]])
      : [["prepare", models], ...repeat(Math.max(...steps), [["addTiles", tiles, models], ["update", models]])];
    const [reports, ...states] = await this.#submit(runs, Math.max(1, tiles) * models, dispatches, [
      ["reports", 0, 8 * steps.reduce((sum, count) => sum + count, 0)],
      ...runs.map(({ updates }, i): Copy => (
        updates ? ["states", 4 * i * vector, 3 * vector] : ["states", (4 * i + 3) * vector, vector]
      )),
    ]);
    let at = 0;
    return states.map((state, i) => {
      const own = reports.subarray(2 * at, 2 * (at += steps[i]));
      const [losses, gradientNorms] = [0, 1].map((which) => own.filter((_, k) => k % 2 === which));
      return { losses, gradientNorms, vectors: this.program.packing.unpack(state) };
    });
  }

  /** The logits of a model with these weights, or the tokens that it writes. */
  async answer(kind: "logits" | "tokens", weights: Float32Array, operands: Operands): Promise<Float32Array> {
    const taught = kind === "logits" ? 1 : 0;
    const floats = QUERIES * (taught ? LOGITS_ROW : 1);
    const answers = new Float32Array(floats * operands.length / 2);
    for (const { chunk, first, count } of chunksOf(operands, MOST_FLOATS / floats)) {
      const run = { ...NO_STEP, vectors: [weights], batch: count, operands: chunk, stride: 1, radix: TOKENS, taught };
      const dispatches: Dispatch[] = [["prepare", 1], ["decode", Math.ceil(count / (2 * DECODERS))]];
      const [part] = await this.#submit([run], 1, dispatches, [["workspace", 0, 4 * floats * count]]);
      answers.set(part, floats * first);
    }
    return taught ? answers.filter((_, i) => i % LOGITS_ROW < TOKENS) : answers;
  }

  /** Makes a buffer larger if it must; its content may be lost. */
  #reserve(label: BufferName, bytes: number): void {
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
  #write(name: BufferName, data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, at = 0): void {
    if (data.byteLength === 0) return; // Deno 2.9 panics
    this.#reserve(name, at + data.byteLength);
    this.program.gpu.device.queue.writeBuffer(this.#buffers.get(name)!, at, data);
  }

  /** Submits at once what it writes, as the buffers are shared; the floats of each copy. @param workspaces Workgroups that need one of their own */
  async #submit(runs: readonly Run[], workspaces: number, dispatches: readonly Dispatch[], copies: readonly Copy[]) {
    const { gpu, layout, packing, constants } = this.program;
    const { device, counts } = gpu;
    const pipelines = new Map<EntryPoint, GPUComputePipeline>();
    for (const [name] of dispatches) pipelines.set(name, pipelines.get(name) ?? await this.program.pipeline(name));
    return await gpu.try("run the model", async () => {
      const stateBytes = 4 * this.#vectorBytes;
      for (const { name } of BINDINGS) this.#reserve(name, name === "states" ? stateBytes * runs.length : VEC4);
      runs.forEach(({ vectors }, i) => this.#write("states", packing.pack(vectors), stateBytes * i));
      this.#write("runs", packRuns(runs));
      this.#write("schedule", packSteps(runs));
      this.#write("problems", packProblems(runs));
      this.#write("cursors", new Uint32Array(runs.length));
      this.#reserve("tables", VEC4 * constants.TABLE * runs.length);
      this.#reserve("workspace", this.#workspaceBytes * workspaces);
      for (const [name, at, bytes] of copies) this.#reserve(name, at + bytes);
      const bufferOf = (name: BufferName) => this.#buffers.get(name)!;
      this.#group ??= device.createBindGroup({
        layout,
        entries: BINDINGS.map(({ name }, binding) => ({ binding, resource: { buffer: bufferOf(name) } })),
      });
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      pass.setBindGroup(0, this.#group);
      for (const [entryPoint, x, y] of dispatches) {
        pass.setPipeline(pipelines.get(entryPoint)!);
        pass.dispatchWorkgroups(x, y);
      }
      pass.end();
      const size = copies.reduce((sum, [, , bytes]) => sum + bytes, 0);
      const staging = device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
      copies.reduce((to, [name, at, bytes]) => {
        encoder.copyBufferToBuffer(bufferOf(name), at, staging, to, bytes);
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
}
