/**
 * Models on one GPU: their weights and moments, and everything that is dispatched for them.
 *
 * A batch of up to {@linkcode FUSED_BATCH} examples is trained by one workgroup a model, many steps a dispatch; a larger one by a workgroup a tile of
 * 32 examples, a few that add the tiles up and one that takes the step, three dispatches a step. Only the batch size decides, never the other models of
 * a submission, so a model gets the same bytes alone and beside others.
 */
import { chunksOf, type Operands } from "../../model/problem.ts";
import { TOKENS, type Variant } from "../../model/variant.ts";
import { OPERAND_DIGITS, QUERIES } from "../../model/vocabulary.ts";
import { type Gpu, sharedGpu } from "./device.ts";
import { type Packing, packingOf } from "./shaders/layout.ts";
import {
  Buffers,
  type Copy,
  type Dispatch,
  Program,
  type RunRequest,
  type StepRequest,
  submit,
  VEC4,
} from "./program.ts";

import { DECODERS, THREADS, TILE, workspaceOf } from "./shaders/mod.ts";

/** The largest batch that one workgroup trains. */
export const FUSED_BATCH = 64;

/** Examples of one dispatch of a model's training, some milliseconds of a real GPU: a longer one may be taken for a hang. */
const DISPATCH_EXAMPLES = 4096;

/** Milliseconds that a request waits for those of the other members. */
const MAX_WAIT = 20;

/** Floats of the logits of a query in the workspace. */
const LOGITS_ROW = 16;

/** What answers problems: problems of a submission and of a workgroup, and floats that each leaves in the workspace. */
const ANSWERS = {
  logits: { tables: "prepare", submission: 4096, workgroup: TILE, floats: QUERIES * LOGITS_ROW },
  decode: { tables: "prepareDecoding", submission: 65_536, workgroup: 2 * DECODERS, floats: QUERIES },
} as const;

/** A step of which only the gradient, or an answer, is computed. */
export const NO_STEP: Omit<StepRequest, "batch"> = {
  ...{ learningRate: 0, weightDecay: 0, clipNorm: 0, beta1: 0, beta2: 0, epsilon: 1 },
  ...{ sample: 0, minDigits: 1, maxDigits: OPERAND_DIGITS, before: 0, updates: false },
};

export interface TrainResult {
  losses: Float32Array;
  gradientNorms: Float32Array;
  /** Packed weights, then the first and the second moments, then the gradient where no step is taken. */
  state: Float32Array<ArrayBuffer>;
}

/** Whether one workgroup does all of a step. */
function isFused({ steps }: RunRequest): boolean {
  return steps[0].batch <= FUSED_BATCH;
}

function workspacesOf(request: RunRequest): number {
  return isFused(request) ? 1 : Math.ceil(request.steps[0].batch / TILE);
}

/** The models of one variant on one GPU. */
export class Population {
  readonly packing: Packing;
  readonly #buffers: Buffers;
  /** Indices of models without a member. */
  readonly #free: number[];
  #members = 0;
  /** Requests that wait for those of the other members. */
  #pending: { request: RunRequest; resolve: (result: Promise<TrainResult>) => void }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isTraining = false;
  #closed = false;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(program: Program, capacity: number) {
    this.packing = packingOf(program.variant);
    this.#buffers = new Buffers(program);
    this.#buffers.reserve("states", capacity * 4 * this.#vectorBytes);
    this.#free = Array.from({ length: capacity }, (_, i) => capacity - 1 - i);
  }

  static async create(variant: Variant, capacity: number, gpu?: Gpu): Promise<Population> {
    return new Population(await Program.of(gpu ?? await sharedGpu(), variant), capacity);
  }

  get gpu(): Gpu {
    return this.#buffers.program.gpu;
  }

  get variant(): Variant {
    return this.#buffers.program.variant;
  }

  /** The most workspaces that fit into one binding, and workgroups into one dispatch. */
  get #mostWorkspaces(): number {
    const { maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension } = this.gpu.device.limits;
    const most = Math.floor(maxStorageBufferBindingSize / (VEC4 * workspaceOf(this.variant).vectors));
    return Math.min(most, maxComputeWorkgroupsPerDimension);
  }

  get mostExamples(): number {
    return TILE * this.#mostWorkspaces;
  }

  /** Bytes of the weights, of a moment or of a gradient: the state of a model is these four. */
  get #vectorBytes(): number {
    return VEC4 * this.packing.vectors;
  }

  /** Gives the index of a model to a new member. */
  join(): number {
    const model = this.#free.pop();
    if (model === undefined) throw new Error("Cannot join a population as a model must be free: all are taken");
    this.#members++;
    return model;
  }

  leave(model: number): void {
    this.#free.push(model);
    this.#members--;
    this.#trainIfReady();
    this.#freeIfDone();
  }

  /** Says that nobody else will join: the last one to leave frees the memory. */
  close(): void {
    this.#closed = true;
    this.#freeIfDone();
  }

  #freeIfDone(): void {
    if (this.#closed && this.#members === 0) this.#buffers.destroy();
  }

  setState(model: number, state: Float32Array<ArrayBuffer>): void {
    this.#buffers.write("states", state, model * 4 * this.#vectorBytes);
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

  async #trainPending(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pending = this.#pending;
    this.#pending = [];
    this.#isTraining = true;
    const results = this.#trainTogether(pending.map(({ request }) => request));
    pending.forEach(({ resolve }, i) => resolve(results[i]));
    await Promise.allSettled(results);
    this.#isTraining = false;
    this.#trainIfReady();
  }

  /** Batches of one size need the same dispatches, so each size is a submission, or several where it does not fit into one. */
  #trainTogether(requests: readonly RunRequest[]): Promise<TrainResult>[] {
    const results: Promise<TrainResult>[] = [];
    const groups = Map.groupBy(requests.keys(), (i) => isFused(requests[i]) ? 0 : requests[i].steps[0].batch);
    for (const group of groups.values()) {
      const most = Math.max(1, Math.floor(this.#mostWorkspaces / workspacesOf(requests[group[0]])));
      for (let first = 0; first < group.length; first += most) {
        const part = group.slice(first, first + most);
        const submitted = this.#inTurn(() => this.#submitTraining(part.map((i) => requests[i])));
        part.forEach((i, k) => results[i] = submitted.then((all) => all[k]));
      }
    }
    return results;
  }

  /** One after the other: the buffers are shared. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(action);
    this.#queue = result.catch(() => {});
    return result;
  }

  async #submitTraining(requests: readonly RunRequest[]): Promise<TrainResult[]> {
    const fused = isFused(requests[0]);
    const workspaces = workspacesOf(requests[0]);
    const models = requests.length;
    const runs = requests.map((request) => ({
      ...request,
      stride: fused ? Math.max(1, Math.floor(DISPATCH_EXAMPLES / request.steps[0].batch)) : workspaces,
    }));
    const step: Dispatch[] = fused ? [["train", models]] : [
      ["addTiles", workspaces, models],
      ["sumTiles", Math.ceil(workspaceOf(this.variant).sums / THREADS), models],
      ["update", models],
    ];
    const repeats = Math.max(
      ...runs.map(({ steps, stride }) => fused ? Math.ceil(steps.length / stride) : steps.length),
    );
    const dispatches = new Array<Dispatch[]>(repeats).fill(step).flat();
    const [reports, ...states] = await submit(this.#buffers, {
      runs,
      workspaces: workspaces * models,
      dispatches: fused ? dispatches : [["prepare", models], ...dispatches],
      copies: [
        ["reports", 0, 8 * runs.reduce((sum, { steps }) => sum + steps.length, 0)],
        ...requests.map((
          { model, steps: [{ updates }] },
        ): Copy => ["states", model * 4 * this.#vectorBytes, (updates ? 3 : 4) * this.#vectorBytes]),
      ],
    });
    let at = 0;
    return runs.map(({ steps }, i) => {
      const own = reports.subarray(2 * at, 2 * (at += steps.length));
      const [losses, gradientNorms] = [0, 1].map((which) => own.filter((_, k) => k % 2 === which));
      return { losses, gradientNorms, state: states[i] };
    });
  }

  /** The floats that each problem leaves in the workspace. */
  async #answer(kernel: keyof typeof ANSWERS, model: number, operands: Operands): Promise<Float32Array> {
    const { tables, submission, workgroup, floats } = ANSWERS[kernel];
    const answers = new Float32Array(floats * operands.length / 2);
    for (const { chunk, first, count } of chunksOf(operands, submission)) {
      const [part] = await this.#inTurn(() =>
        submit(this.#buffers, {
          runs: [{ model, seed: 0, attempt: 0, steps: [{ ...NO_STEP, batch: count }], operands: chunk, stride: 1 }],
          workspaces: 1,
          dispatches: [[tables, 1], [kernel, Math.ceil(count / workgroup)]],
          copies: [["workspace", 0, 4 * floats * count]],
        })
      );
      answers.set(part, floats * first);
    }
    return answers;
  }

  /** Logits [n, 12, 14]. */
  async logits(model: number, operands: Operands): Promise<Float32Array> {
    const rows = await this.#answer("logits", model, operands);
    return rows.filter((_, i) => i % LOGITS_ROW < TOKENS);
  }

  /** Tokens [n, 12]. */
  async decode(model: number, operands: Operands): Promise<Uint8Array> {
    return Uint8Array.from(await this.#answer("decode", model, operands));
  }
}
