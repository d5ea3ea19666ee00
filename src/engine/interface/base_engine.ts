import { checkWord } from "../../model/philox.ts";
import { type Operands, packOperands, type Problems } from "../../model/problem.ts";
import { checkSampleRequest, type SampleRequest } from "../../model/sampler.ts";
import type { ModelName, Variant } from "../../model/variant.ts";
import { QUERIES, readSum } from "../../model/vocabulary.ts";
import { learningRateAt } from "../../schedule/learning_rate.ts";
import type { StageHyperparameters } from "../../schedule/stage.ts";
import { checkOptimizerState, checkParameters, checkStepOptions, checkTrainRun } from "./checks.ts";
import type { DecodedSample, Engine, LossAndGradient, OptimizerState } from "./types.ts";
import type { StepOptions, StepReport, TrainRun, TrainRunReport } from "./types.ts";

/** The vectors that an engine trains, each as long as the flat parameter vector. */
export type VectorName = "parameters" | "firstMoment" | "secondMoment";

/** A result now or later: an engine that works while it is called need not wrap it. */
type MaybePromise<T> = T | Promise<T>;

/** What all engines have in common: checks, disposal, long runs in pieces, and reading sums off decoded tokens. */
export abstract class BaseEngine implements Engine {
  abstract readonly backend: Engine["backend"];
  abstract readonly arithmetic: Engine["arithmetic"];
  readonly threads: number = 1;
  readonly model: ModelName;
  protected abstract stepCount: number;
  /** Whether the weights were set, drawn or trained: those of a new engine cannot add, although their sums look like sums. */
  #weightsChosen = false;
  #isDisposed = false;

  constructor(protected readonly variant: Variant) {
    this.model = variant.name;
  }

  /** A copy of a vector. */
  protected abstract read(name: VectorName): Float32Array;
  protected abstract write(name: VectorName, values: Float32Array): void;
  protected abstract initialParameters(seed: number, attempt: number): Float32Array;
  protected abstract draw(request: Required<SampleRequest>): Operands;
  protected abstract computeGradient(operands: Operands): MaybePromise<LossAndGradient>;
  protected abstract computeLogits(operands: Operands): MaybePromise<Float32Array>;
  protected abstract decodeTokens(operands: Operands): MaybePromise<Uint8Array>;
  protected abstract takeStep(operands: Operands, options: Required<StepOptions>): MaybePromise<StepReport>;
  protected learningRateAt(stage: StageHyperparameters, step: number): number {
    return learningRateAt(stage, step);
  }
  protected abstract free(): MaybePromise<void>;

  protected checkUsable(): void {
    if (this.#isDisposed) throw new Error("Cannot use this engine as it was disposed of: create another one");
  }

  #operands(problems: Problems): Operands {
    this.checkUsable();
    const operands = packOperands(problems);
    if (operands.length > 0) return operands;
    throw new RangeError("Cannot run the model as there must be at least one problem: current number is 0");
  }

  parameters(): Float32Array {
    this.checkUsable();
    return this.read("parameters");
  }

  setParameters(values: Float32Array): void {
    this.checkUsable();
    checkParameters(values, this.variant);
    this.#reset(values);
  }

  initialize(seed: number, attempt = 0): void {
    this.checkUsable();
    checkWord("draw weights", "seed", seed);
    checkWord("draw weights", "attempt", attempt);
    this.#reset(this.initialParameters(seed, attempt));
  }

  #reset(parameters: Float32Array): void {
    const zeros = new Float32Array(parameters.length);
    this.write("parameters", parameters);
    this.#writeState({ step: 0, firstMoment: zeros, secondMoment: zeros });
    this.#weightsChosen = true;
  }

  #writeState({ step, firstMoment, secondMoment }: OptimizerState): void {
    this.write("firstMoment", firstMoment);
    this.write("secondMoment", secondMoment);
    this.stepCount = step;
  }

  optimizerState(): OptimizerState {
    this.checkUsable();
    return { step: this.stepCount, firstMoment: this.read("firstMoment"), secondMoment: this.read("secondMoment") };
  }

  setOptimizerState(state: OptimizerState): void {
    this.checkUsable();
    checkOptimizerState(state, this.variant);
    this.#writeState(state);
  }

  sample(request: SampleRequest): Operands {
    this.checkUsable();
    return this.draw(checkSampleRequest(request));
  }

  async lossAndGradient(problems: Problems): Promise<LossAndGradient> {
    return await this.computeGradient(this.#operands(problems));
  }

  async logits(problems: Problems): Promise<Float32Array> {
    return await this.computeLogits(this.#operands(problems));
  }

  async trainStep(problems: Problems, options: StepOptions): Promise<StepReport> {
    const operands = this.#operands(problems);
    const report = await this.takeStep(operands, checkStepOptions(options));
    this.#weightsChosen = true;
    return report;
  }

  async #takeFirstStep({ stage, firstStep, firstSample, problems, ...request }: TrainRun): Promise<TrainRunReport> {
    const operands = problems?.(firstSample) ??
      this.draw({ ...request, stream: "training", sample: firstSample, first: 0, count: stage.batch });
    const learningRate = this.learningRateAt(stage, firstStep);
    const { loss, gradientNorm } = await this.trainStep(operands, { ...stage, learningRate });
    return { losses: Float32Array.of(loss), gradientNorms: Float32Array.of(gradientNorm) };
  }

  /** Takes the first steps of a run that gives no problems, at least one: as many as the report has. */
  protected takeSteps(run: TrainRun): MaybePromise<TrainRunReport> {
    return this.#takeFirstStep(run);
  }

  async trainRun(run: TrainRun): Promise<TrainRunReport> {
    this.checkUsable();
    checkTrainRun(run);
    const losses = new Float32Array(run.steps);
    const gradientNorms = new Float32Array(run.steps);
    for (let done = 0; done < run.steps;) {
      this.checkUsable();
      const { firstSample, firstStep, steps } = run;
      const rest = { ...run, firstSample: firstSample + done, firstStep: firstStep + done, steps: steps - done };
      const report = await (run.problems ? this.#takeFirstStep(rest) : this.takeSteps(rest));
      this.#weightsChosen = true;
      losses.set(report.losses, done);
      gradientNorms.set(report.gradientNorms, done);
      done += report.losses.length;
    }
    return { losses, gradientNorms };
  }

  async decode(problems: Problems): Promise<Uint8Array> {
    const operands = this.#operands(problems);
    this.#checkWeights();
    return await this.decodeTokens(operands);
  }

  async decodeSample(request: SampleRequest): Promise<DecodedSample> {
    this.checkUsable();
    const filled = checkSampleRequest(request);
    this.#checkWeights();
    return filled.count === 0 ? { tokens: new Uint8Array(), wrong: 0 } : await this.decodeDrawn(filled);
  }

  /** Draws at least one problem, decodes, and compares. */
  protected async decodeDrawn(request: Required<SampleRequest>): Promise<DecodedSample> {
    const operands = this.draw(request);
    const tokens = await this.decodeTokens(operands);
    let wrong = 0;
    for (let i = 0; i < request.count; i++) {
      if (readSum(tokens, i * QUERIES) !== operands[2 * i] + operands[2 * i + 1]) wrong++;
    }
    return { tokens, wrong };
  }

  #checkWeights(): void {
    if (this.#weightsChosen) return;
    const remedy = "call setParameters, or initialize and train";
    throw new Error(`Cannot add with a new engine as its weights must be set first: ${remedy}`);
  }

  async predict(problems: Problems): Promise<(bigint | null)[]> {
    const tokens = await this.decode(problems);
    return Array.from({ length: tokens.length / QUERIES }, (_, i) => {
      const sum = readSum(tokens, i * QUERIES);
      return Number.isNaN(sum) ? null : BigInt(sum);
    });
  }

  async dispose(): Promise<void> {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    await this.free();
  }
}
