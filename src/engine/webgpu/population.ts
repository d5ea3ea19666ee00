/**
 * Models on one GPU: their weights and moments, and everything that is dispatched for them.
 *
 * A batch of up to {@linkcode FUSED_BATCH} examples is trained by one workgroup a model, many steps a dispatch; a larger one by a workgroup a tile of
 * 32 examples, a few that add the tiles up and one that takes the step, three dispatches a step. Only the batch size decides, never the other models of
 * a submission, so a model gets the same bytes alone and beside others.
 */
import { chunksOf, type Operands } from "../../model/problem.ts";
import type { Variant } from "../../model/variant.ts";
import { OPERAND_DIGITS, QUERIES } from "../../model/vocabulary.ts";
import type { TrainRunReport } from "../interface/types.ts";
import { type Gpu, sharedGpu } from "./device.ts";
import { type Packing, packingOf } from "./shaders/layout.ts";
import { Buffers, Program, type RunRequest, type StepRequest, type Submission, VEC4 } from "./program.ts";
import { DECODERS, THREADS, TILE, workspaceOf } from "./shaders/mod.ts";

/** The largest batch that one workgroup trains. */
export const FUSED_BATCH = 64;

/** Examples of one dispatch of a model's training, some milliseconds of a real GPU: a longer one may be taken for a hang. */
const DISPATCH_EXAMPLES = 4096;

/** Milliseconds that a request waits for those of the other members. */
const MAX_WAIT = 20;

/** Floats of the logits of a query in the workspace. */
export const LOGITS_ROW = 16;

/** What answers problems: most problems of a submission, problems of a workgroup, and floats that each leaves in the workspace. */
const ANSWERS = {
  logits: { tables: "prepare", most: 4096, workgroup: TILE, floats: QUERIES * LOGITS_ROW },
  decode: { tables: "prepareDecoding", most: 65_536, workgroup: 2 * DECODERS, floats: QUERIES },
} as const;

/** A step of which only the gradient, or an answer, is computed. */
export const NO_STEP: Omit<StepRequest, "batch"> = {
  ...{ learningRate: 0, weightDecay: 0, clipNorm: 0, beta1: 0, beta2: 0, epsilon: 1 },
  ...{ sample: 0, minDigits: 1, maxDigits: OPERAND_DIGITS, before: 0, updates: false },
};

export interface TrainResult extends TrainRunReport {
  /** Packed weights, then the first and the second moments, then the gradient where no step is taken. */
  state: Float32Array<ArrayBuffer>;
}

/** Tiles of a batch, each the work of a workgroup; 0 where one workgroup does all of a step. */
function tilesOf({ steps: [{ batch }] }: RunRequest): number {
  return batch <= FUSED_BATCH ? 0 : Math.ceil(batch / TILE);
}

/** The models of one variant on one GPU. */
export class Population {
  readonly packing: Packing;
  /** Bytes of the weights, of a moment or of a gradient: the state of a model is these four. */
  readonly #vectorBytes: number;
  /** The most workspaces that fit into one binding, and workgroups into one dispatch. */
  readonly #mostWorkspaces: number;
  readonly #buffers: Buffers;
  /** Indices of models without a member. */
  readonly #free: number[];
  #members = 0;
  /** Requests that wait for those of the other members. */
  readonly #pending: { request: RunRequest; resolve: (result: Promise<TrainResult>) => void }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isTraining = false;
  #closed = false;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(readonly program: Program, capacity: number) {
    const { gpu: { device: { limits } }, variant } = program;
    this.packing = packingOf(variant);
    this.#vectorBytes = VEC4 * this.packing.vectors;
    const fitting = Math.floor(limits.maxStorageBufferBindingSize / (VEC4 * workspaceOf(variant).vectors));
    this.#mostWorkspaces = Math.min(fitting, limits.maxComputeWorkgroupsPerDimension);
    this.#buffers = new Buffers(program);
    this.#buffers.reserve("states", capacity * 4 * this.#vectorBytes);
    this.#free = Array.from({ length: capacity }, (_, i) => capacity - 1 - i);
  }

  static async create(variant: Variant, capacity: number, gpu?: Gpu): Promise<Population> {
    return new Population(await Program.of(gpu ?? await sharedGpu(), variant), capacity);
  }

  get mostExamples(): number {
    return TILE * this.#mostWorkspaces;
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

  /** Batches of as many tiles need the same dispatches, so they are a submission, or several where they do not fit into one. */
  async #trainPending(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isTraining = true;
    const submissions: Promise<unknown>[] = [];
    for (const [tiles, group] of Map.groupBy(this.#pending.splice(0), ({ request }) => tilesOf(request))) {
      const most = Math.max(1, Math.floor(this.#mostWorkspaces / Math.max(1, tiles)));
      for (let first = 0; first < group.length; first += most) {
        const part = group.slice(first, first + most);
        const results = this.#inTurn(() => this.#submitTraining(part.map(({ request }) => request), tiles));
        part.forEach(({ resolve }, i) => resolve(results.then((all) => all[i])));
        submissions.push(results);
      }
    }
    await Promise.allSettled(submissions);
    this.#isTraining = false;
    this.#trainIfReady();
  }

  /** One after the other: the buffers are shared. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(action);
    this.#queue = result.catch(() => {});
    return result;
  }

  async #submitTraining(requests: readonly RunRequest[], tiles: number): Promise<TrainResult[]> {
    const [models, vector] = [requests.length, this.#vectorBytes];
    const runs = requests.map((request) => ({
      ...request,
      stride: tiles || Math.max(1, Math.floor(DISPATCH_EXAMPLES / request.steps[0].batch)),
    }));
    const step: Submission["dispatches"] = tiles === 0 ? [["train", models]] : [
      ["addTiles", tiles, models],
      ["sumTiles", Math.ceil(workspaceOf(this.program.variant).sums / THREADS), models],
      ["update", models],
    ];
    const repeats = runs.map(({ steps, stride }) => tiles === 0 ? Math.ceil(steps.length / stride) : steps.length);
    const dispatches = new Array<Submission["dispatches"]>(Math.max(...repeats)).fill(step).flat();
    const [reports, ...states] = await this.#buffers.submit({
      runs,
      workspaces: Math.max(1, tiles) * models,
      dispatches: tiles === 0 ? dispatches : [["prepare", models], ...dispatches],
      copies: [
        ["reports", 0, 8 * runs.reduce((sum, { steps }) => sum + steps.length, 0)],
        ...runs.map(({ model, steps: [{ updates }] }) =>
          ["states", 4 * model * vector, (updates ? 3 : 4) * vector] as const
        ),
      ],
    });
    let at = 0;
    return runs.map(({ steps }, i) => {
      const own = reports.subarray(2 * at, 2 * (at += steps.length));
      const [losses, gradientNorms] = [0, 1].map((which) => own.filter((_, k) => k % 2 === which));
      return { losses, gradientNorms, state: states[i] };
    });
  }

  /** The floats that each problem leaves in the workspace: rows of logits, or tokens. */
  async answer(kernel: keyof typeof ANSWERS, model: number, operands: Operands): Promise<Float32Array> {
    const { tables, most, workgroup, floats } = ANSWERS[kernel];
    const answers = new Float32Array(floats * operands.length / 2);
    for (const { chunk, first, count } of chunksOf(operands, most)) {
      const submission: Submission = {
        runs: [{ model, seed: 0, attempt: 0, steps: [{ ...NO_STEP, batch: count }], operands: chunk, stride: 1 }],
        workspaces: 1,
        dispatches: [[tables, 1], [kernel, Math.ceil(count / workgroup)]],
        copies: [["workspace", 0, 4 * floats * count]],
      };
      const [part] = await this.#inTurn(() => this.#buffers.submit(submission));
      answers.set(part, floats * first);
    }
    return answers;
  }
}
