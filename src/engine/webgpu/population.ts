/**
 * Models on one GPU: their weights and moments, and everything that is dispatched for them.
 *
 * A batch of up to {@linkcode FUSED_BATCH} examples is trained by one workgroup a model, many steps a dispatch; a larger one by a workgroup a tile of
 * 32 examples, a few that add the tiles up and one that takes the step, three dispatches a step. Which of the two is a matter of the batch alone, never
 * of who else is trained in the same submission: so a model gets the same bytes alone and in company.
 *
 * @module
 */
import type { Operands } from "../../model/problem.ts";
import { TOKENS, type Variant } from "../../model/variant.ts";
import { QUERIES } from "../../model/vocabulary.ts";
import { type Gpu, sharedGpu } from "./device.ts";
import type { RunRequest, StepRequest } from "./jobs.ts";
import { type Packing, packingOf } from "./shaders/layout.ts";
import { Buffers, Program } from "./program.ts";
import { DECODERS, THREADS, TILE, workspaceOf } from "./shaders/mod.ts";
import { type Copy, type Dispatch, submit, VEC4 } from "./submission.ts";
import { WaitingRoom } from "./waiting_room.ts";

/** The largest batch of which one workgroup does all. */
export const FUSED_BATCH = 64;

/** Examples of one dispatch of a model's training, some milliseconds of a real GPU: a longer one may be taken for a hang. */
const DISPATCH_EXAMPLES = 4096;
/** Problems of one submission that decodes. */
const DECODE_CHUNK = 65_536;
/** Problems of one submission that computes logits. */
const LOGITS_CHUNK = 4096;

/** Steps for one model. */
export interface TrainJob {
  /** The model's place in the population. */
  model: number;
  seed: number;
  attempt: number;
  /** All of one batch size. */
  steps: readonly StepRequest[];
  /** Examples to train on instead of drawn ones; the same for each step. */
  operands?: Operands;
}

/** What came of it. */
export interface TrainJobResult {
  losses: Float32Array;
  gradientNorms: Float32Array;
  /** Packed weights, then the first and the second moments. */
  state: Float32Array;
}

/** Whether one workgroup does all of a step. */
function isFused({ steps }: TrainJob): boolean {
  return steps[0].batch <= FUSED_BATCH;
}

/** Workspaces that a job needs. */
function workspacesOf(job: TrainJob): number {
  return isFused(job) ? 1 : Math.ceil(job.steps[0].batch / TILE);
}

/** The models of one variant on one GPU. */
export class Population {
  readonly packing: Packing;
  readonly #buffers: Buffers;
  readonly #free: number[];
  readonly #room = new WaitingRoom<TrainJob, TrainJobResult>({
    partsOf: (waiting) => this.#partsOf(waiting),
    run: (jobs) => this.#inTurn(() => this.#submitTraining(jobs)),
  });
  #closed = false;
  #queue: Promise<unknown> = Promise.resolve();

  /** Makes room for so many models. */
  constructor(program: Program, capacity: number) {
    this.packing = packingOf(program.variant);
    this.#buffers = new Buffers(program);
    this.#buffers.reserve("states", capacity * this.#stateBytes);
    this.#free = Array.from({ length: capacity }, (_, i) => capacity - 1 - i);
  }

  /** Makes a population on the process's device. */
  static async create(variant: Variant, capacity: number, gpu?: Gpu): Promise<Population> {
    return new Population(await Program.of(gpu ?? await sharedGpu(), variant), capacity);
  }

  /** The most models that a GPU takes. */
  static mostModels({ device }: Gpu, variant: Variant): number {
    const { maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension } = device.limits;
    const most = Math.floor(maxStorageBufferBindingSize / (VEC4 * workspaceOf(variant).vectors));
    return Math.min(most, maxComputeWorkgroupsPerDimension);
  }

  /** The largest batch that fits into one binding. */
  get mostExamples(): number {
    return TILE * Population.mostModels(this.gpu, this.variant);
  }

  /** The GPU at work. */
  get gpu(): Gpu {
    return this.#buffers.program.gpu;
  }

  /** The variant of its models. */
  get variant(): Variant {
    return this.#buffers.program.variant;
  }

  /** Weights, two moments and a gradient. */
  get #stateBytes(): number {
    return 4 * VEC4 * this.packing.vectors;
  }

  /** Floats of weights and moments. */
  get stateLength(): number {
    return 3 * 4 * this.packing.vectors;
  }

  /** Takes a place. */
  join(): number {
    const model = this.#free.pop();
    if (model === undefined) throw new Error("Cannot join a population as a place must be free: all are taken");
    this.#room.join();
    return model;
  }

  /** Gives a place back. */
  leave(model: number): void {
    this.#free.push(model);
    this.#room.leave();
    this.#freeIfDone();
  }

  /** Says that nobody else will join: the last one to leave frees the memory. */
  close(): void {
    this.#closed = true;
    this.#freeIfDone();
  }

  #freeIfDone(): void {
    if (this.#closed && this.#room.members === 0) this.#buffers.destroy();
  }

  /** Sets weights and moments. */
  setState(model: number, state: Float32Array<ArrayBuffer>): void {
    this.#buffers.write("states", state, model * this.#stateBytes);
  }

  /** Trains a model, in one submission with all others that are asked for meanwhile. */
  train(job: TrainJob): Promise<TrainJobResult> {
    return this.#room.do(job);
  }

  /** Batches of one size need the same dispatches; and as many at once as fit. */
  #partsOf<Item extends { job: TrainJob }>(waiting: Item[]): Item[][] {
    const groups = Map.groupBy(waiting, ({ job }) => isFused(job) ? 0 : job.steps[0].batch);
    return [...groups.values()].flatMap((group) => this.#partsThatFit(group));
  }

  #partsThatFit<Item extends { job: TrainJob }>(group: Item[]): Item[][] {
    const most = Math.max(1, Math.floor(Population.mostModels(this.gpu, this.variant) / workspacesOf(group[0].job)));
    return Array.from({ length: Math.ceil(group.length / most) }, (_, i) => group.slice(i * most, (i + 1) * most));
  }

  /** One after the other: the buffers are shared. */
  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(action);
    this.#queue = result.catch(() => {});
    return result;
  }

  /** The three dispatches of a step of a large batch. */
  #largeStep(tiles: number, models: number): Dispatch[] {
    const { sums } = workspaceOf(this.variant);
    return [
      { entryPoint: "addTiles", groups: [tiles, models] },
      { entryPoint: "sumTiles", groups: [Math.ceil(sums / THREADS), models] },
      { entryPoint: "update", groups: [models] },
    ];
  }

  async #submitTraining(jobs: readonly TrainJob[]): Promise<TrainJobResult[]> {
    const fused = isFused(jobs[0]);
    const workspaces = workspacesOf(jobs[0]);
    let firstStep = 0;
    let firstProblem = 0;
    const runs = jobs.map((job): RunRequest => {
      const { model, seed, attempt, steps, operands } = job;
      const stride = fused ? Math.max(1, Math.floor(DISPATCH_EXAMPLES / steps[0].batch)) : workspaces;
      const run = { model, firstStep, steps: steps.length, stride, seed, attempt };
      firstStep += steps.length;
      if (operands === undefined) return run;
      firstProblem += operands.length / 2;
      return { ...run, firstProblem: firstProblem - operands.length / 2 };
    });
    const models = jobs.length;
    const [reports, ...states] = await submit(this.#buffers, {
      runs,
      steps: jobs.flatMap(({ steps }) => steps),
      problems: jobs.flatMap(({ operands }) => operands === undefined ? [] : [operands]),
      workspaces: workspaces * models,
      first: fused ? [] : [{ entryPoint: "prepare", groups: [models] }],
      dispatches: fused ? [{ entryPoint: "train", groups: [models] }] : this.#largeStep(workspaces, models),
      repeats: Math.max(...runs.map(({ steps, stride }) => fused ? Math.ceil(steps / stride) : steps)),
      copies: [
        { name: "reports", at: 0, bytes: 8 * firstStep },
        ...jobs.map(({ model }): Copy => ({
          name: "states",
          at: model * this.#stateBytes,
          bytes: 4 * this.stateLength,
        })),
      ],
    });
    return runs.map(({ firstStep, steps }, i) => ({
      losses: Float32Array.from({ length: steps }, (_, k) => reports[2 * (firstStep + k)]),
      gradientNorms: Float32Array.from({ length: steps }, (_, k) => reports[2 * (firstStep + k) + 1]),
      state: states[i],
    }));
  }

  /** The loss of given problems and its packed gradient. */
  gradient(model: number, step: StepRequest, operands: Operands): Promise<{ loss: number; gradient: Float32Array }> {
    const tiles = Math.ceil(step.batch / TILE);
    return this.#inTurn(async () => {
      const [reports, gradient] = await submit(this.#buffers, {
        runs: [{ model, firstStep: 0, steps: 1, stride: tiles, seed: 0, attempt: 0, firstProblem: 0 }],
        steps: [step],
        problems: [operands],
        workspaces: tiles,
        dispatches: [{ entryPoint: "prepare", groups: [1] }, ...this.#largeStep(tiles, 1)],
        copies: [
          { name: "reports", at: 0, bytes: 8 },
          { name: "states", at: model * this.#stateBytes + 4 * this.stateLength, bytes: this.#stateBytes / 4 },
        ],
      });
      return { loss: reports[0], gradient };
    });
  }

  /** Logits [n, 12, 14]. */
  async logits(model: number, step: StepRequest, operands: Operands): Promise<Float32Array> {
    const rows = QUERIES * operands.length / 2;
    const logits = new Float32Array(rows * TOKENS);
    await this.#inChunks(operands, LOGITS_CHUNK, async (chunk, first) => {
      const count = chunk.length / 2;
      const tiles = Math.ceil(count / TILE);
      const floats = await this.#ask(model, { ...step, batch: count }, chunk, QUERIES * 16, [
        { entryPoint: "prepare", groups: [1] },
        { entryPoint: "logits", groups: [tiles] },
      ]);
      for (let row = 0; row < QUERIES * count; row++) {
        logits.set(floats.subarray(16 * row, 16 * row + TOKENS), TOKENS * (QUERIES * first + row));
      }
    });
    return logits;
  }

  /** Tokens [n, 12]. */
  async decode(model: number, step: StepRequest, operands: Operands): Promise<Uint8Array> {
    const tokens = new Uint8Array(QUERIES * operands.length / 2);
    await this.#inChunks(operands, DECODE_CHUNK, async (chunk, first) => {
      const count = chunk.length / 2;
      const floats = await this.#ask(model, { ...step, batch: count }, chunk, QUERIES, [
        { entryPoint: "prepareDecoding", groups: [1] },
        { entryPoint: "decode", groups: [Math.ceil(count / (2 * DECODERS))] },
      ]);
      tokens.set(floats, QUERIES * first);
    });
    return tokens;
  }

  async #inChunks(
    operands: Operands,
    size: number,
    action: (chunk: Operands, first: number) => Promise<void>,
  ): Promise<void> {
    for (let first = 0; first < operands.length / 2; first += size) {
      await action(operands.subarray(2 * first, 2 * (first + size)), first);
    }
  }

  /** Dispatches that leave so many floats for each problem in the workspace. */
  #ask(
    model: number,
    step: StepRequest,
    operands: Operands,
    floats: number,
    dispatches: Dispatch[],
  ): Promise<Float32Array> {
    const bytes = 4 * floats * step.batch;
    return this.#inTurn(async () => {
      this.#buffers.reserve("workspace", bytes);
      const [result] = await submit(this.#buffers, {
        runs: [{ model, firstStep: 0, steps: 1, stride: 1, seed: 0, attempt: 0, firstProblem: 0 }],
        steps: [step],
        problems: [operands],
        workspaces: 1,
        dispatches,
        copies: [{ name: "workspace", at: 0, bytes }],
      });
      return result;
    });
  }
}
