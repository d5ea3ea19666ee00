import { chunksOf, type Operands } from "../../model/problem.ts";
import { DOMAINS, type SampleRequest } from "../../model/sampler.ts";
import { TOKENS } from "../../model/variant.ts";
import { QUERIES } from "../../model/vocabulary.ts";
import type { StageHyperparameters } from "../../schedule/stage.ts";
import { BaseEngine, type VectorName } from "../interface/base_engine.ts";
import { checkBatch } from "../interface/checks.ts";
import { EngineError } from "../interface/error.ts";
import type { Arithmetic, DecodedSample, LossAndGradient, StepReport } from "../interface/types.ts";
import type { StepOptions, TrainRun, TrainRunReport } from "../interface/types.ts";
import { ActiveThreads } from "./active_threads.ts";
import { type Core, DECODE_CHUNK, decodeProblems, readVector, writeProblems, writeRun, writeVector } from "./core.ts";
import type { EngineThreads } from "./thread_pool.ts";

/** Problems that are drawn, or whose logits are computed, in one call of the core: a multiple of four. */
const CHUNK = 4096;
const STEPS_AT_FIRST = 10; // of several threads, before their speed is known

export class WasmEngine extends BaseEngine {
  readonly backend = "wasm";
  override readonly threads: number;
  #core: Core | undefined;
  #failed: Int32Array; // not 0 where a thread has died
  #byTables: boolean | undefined; // whether decoding uses tables; undefined where they are not those of the weights in force
  readonly #workers: EngineThreads | undefined;
  readonly #active: ActiveThreads;

  constructor(core: Core, readonly arithmetic: Arithmetic, workers?: EngineThreads) {
    super(core.variant);
    this.threads = workers?.threads ?? 1;
    this.#workers = workers;
    this.#active = new ActiveThreads(this.threads);
    this.#core = core;
    this.#failed = new Int32Array(core.memory.buffer, core.exports.failedAt.value, 1);
    core.exports.initialize(0, 0);
  }

  protected override checkUsable(): void {
    super.checkUsable();
    if (Atomics.load(this.#failed, 0) !== 0) throw broken();
  }

  get #exports(): Core["exports"] {
    return this.#core!.exports;
  }

  /** Calls what may work on several threads: it does `units` times what `kind` says. @throws {EngineError} If a thread dies */
  #onThreads<T>(kind: string, units: number, call: (core: Core) => T): T {
    const begin = performance.now();
    try {
      const result = call(this.#core!);
      const before = this.#active.count;
      this.#active.measure(kind, units, performance.now() - begin);
      if (this.#active.count !== before) this.#exports.setActiveThreads(this.#active.count);
      return result;
    } catch (cause) {
      if (!(cause instanceof WebAssembly.RuntimeError)) throw cause;
      return this.#giveUp(broken(cause));
    }
  }

  #giveUp(error: unknown): never {
    Atomics.store(this.#failed, 0, 1);
    throw error;
  }

  protected read(name: VectorName): Float32Array {
    return readVector(this.#core!, this.#exports[`${name}At`]);
  }

  protected write(name: VectorName, values: Float32Array): void {
    writeVector(this.#core!, this.#exports[`${name}At`], values);
    this.#byTables = undefined;
  }

  protected get stepCount(): number {
    return this.#exports.optimizerSteps();
  }

  protected set stepCount(count: number) {
    this.#exports.setOptimizerSteps(count);
  }

  protected initialParameters(seed: number, attempt: number): Float32Array {
    this.#exports.initialize(seed, attempt);
    return this.read("parameters");
  }

  // The core works while it is called; only a background trainer takes its time.

  #lossAndGradient(operands: Operands): number {
    const core = this.#core!;
    const count = operands.length / 2;
    const room = core.memory.buffer.byteLength - core.exports.problemsBase(this.threads);
    checkBatch(count, Math.floor(room / (2 * operands.BYTES_PER_ELEMENT)));
    const { problems } = writeProblems(core, operands, this.threads);
    return this.#onThreads("gradient", count, ({ exports }) => exports.lossAndGradient(problems, count));
  }

  protected computeGradient(operands: Operands): LossAndGradient {
    return { loss: this.#lossAndGradient(operands), gradient: readVector(this.#core!, this.#exports.gradientAt) };
  }

  protected takeStep(operands: Operands, options: Required<StepOptions>): StepReport {
    const loss = this.#lossAndGradient(operands);
    this.#byTables = undefined;
    writeRun(this.#core!, options);
    return { loss, gradientNorm: this.#exports.optimizerStep(options.learningRate) };
  }

  /** The same on every machine. */
  protected override learningRateAt(stage: StageHyperparameters, step: number): number {
    writeRun(this.#core!, { ...stage, stageSteps: stage.steps });
    return this.#exports.learningRate(step);
  }

  protected override async takeSteps(run: TrainRun): Promise<TrainRunReport> {
    this.#byTables = undefined;
    const { stage, ...fields } = run;
    const kind = `batches of ${stage.batch}`;
    const steps = Math.min(run.steps, this.#exports.maxRun.value, this.#active.pieceOf(kind, STEPS_AT_FIRST));
    writeRun(this.#core!, { ...stage, stageSteps: stage.steps, ...fields, steps });
    const inBackground = this.#workers?.train?.();
    if (inBackground === undefined) this.#onThreads(kind, steps, ({ exports }) => exports.train());
    else await inBackground.catch((error) => this.#giveUp(error));
    this.checkUsable(); // it may have been disposed of meanwhile
    const { memory, exports: { lossesAt, normsAt } } = this.#core!;
    const copy = ({ value }: WebAssembly.Global) => new Float32Array(memory.buffer, value, steps).slice();
    return { losses: copy(lossesAt), gradientNorms: copy(normsAt) };
  }

  protected draw(request: Required<SampleRequest>): Operands {
    const { stream, sample, first, count, ...fields } = request;
    writeRun(this.#core!, { ...fields, firstSample: sample });
    const out = this.#exports.problemsBase(this.threads);
    const operands = new Float64Array(2 * count);
    for (let done = 0; done < count; done += CHUNK) {
      const now = Math.min(CHUNK, count - done);
      this.#exports.sample(DOMAINS[stream], first + done, now, out);
      operands.set(new Float64Array(this.#core!.memory.buffer, out, 2 * now), 2 * done);
    }
    return operands;
  }

  protected computeLogits(operands: Operands): Float32Array {
    const each = QUERIES * TOKENS;
    const logits = new Float32Array(operands.length / 2 * each);
    for (const { chunk, first, count } of chunksOf(operands, CHUNK)) {
      const { problems, results } = writeProblems(this.#core!, chunk, this.threads);
      this.#exports.logits(problems, count, results);
      logits.set(new Float32Array(this.#core!.memory.buffer, results, count * each), first * each);
    }
    return logits;
  }

  protected override async decodeDrawn(request: Required<SampleRequest>): Promise<DecodedSample> {
    this.#byTables ??= this.#exports.prepareDecoding();
    if (!this.#byTables) return await super.decodeDrawn(request);
    const { stream, sample, first, count, ...fields } = request;
    writeRun(this.#core!, { ...fields, firstSample: sample });
    const out = this.#exports.problemsBase(this.threads);
    const tokens = new Uint8Array(count * QUERIES);
    let wrong = 0;
    for (let done = 0; done < count; done += DECODE_CHUNK) {
      const now = Math.min(DECODE_CHUNK, count - done);
      const call = ({ exports }: Core) => exports.decodeDrawn(DOMAINS[stream], first + done, now, out);
      wrong += this.#onThreads("drawn sums", now, call);
      tokens.set(new Uint8Array(this.#core!.memory.buffer, out, now * QUERIES), done * QUERIES);
    }
    return { tokens, wrong };
  }

  protected decodeTokens(operands: Operands): Uint8Array {
    this.#byTables ??= this.#exports.prepareDecoding();
    return this.#onThreads("sums", operands.length / 2, (core) => decodeProblems(core, operands, this.threads));
  }

  protected free(): void {
    this.#workers?.stop();
    this.#core = undefined;
    this.#failed = new Int32Array(1); // a view would keep the memory
  }
}

function broken(cause?: unknown): EngineError {
  const message = "Cannot go on with this engine as its threads must live: one has died. Create another one";
  return new EngineError(message, { cause });
}
