import { initialParameters } from "../../model/initialization.ts";
import { type Operands, packOperands, type Problems } from "../../model/problem.ts";
import { drawOperands } from "../../model/sampler.ts";
import { type ModelName, TOKENS, type Variant, variantOf } from "../../model/variant.ts";
import { QUERIES, readSum } from "../../model/vocabulary.ts";
import { learningRateAt } from "../../schedule/learning_rate.ts";
import {
  checkNotEmpty,
  checkOptimizerState,
  checkParameters,
  checkStepOptions,
  checkTrainRun,
  checkWeightsChosen,
  type FilledStepOptions,
} from "../interface/checks.ts";
import type {
  Engine,
  LossAndGradient,
  OptimizerState,
  SampleRequest,
  StepOptions,
  StepReport,
  TrainRun,
  TrainRunReport,
} from "../interface/types.ts";
import { adamW, type AdamWState, clipGradientNorm, freshState } from "./adamw.ts";
import { decodeAll } from "./decode.ts";
import { lossAndGradient, teacherForcedLogits, type Tensors, tensorsOf } from "./model.ts";

/**
 * Plain TypeScript in float64: the oracle that other engines are tested against.
 *
 * Weights and moments stay in float64 from step to step; only what leaves the engine is rounded to float32.
 *
 * ```ts
 * import { ReferenceEngine } from "./engine.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const engine = new ReferenceEngine();
 * engine.initialize(1);
 * const { loss } = await engine.lossAndGradient([{ a: 42, b: 7 }]);
 * assertEquals(loss > 2 && loss < 3, true); // ln 14 = 2.64: it knows nothing yet
 * await engine.dispose();
 * ```
 */
export class ReferenceEngine implements Engine {
  /** What really runs. */
  readonly backend = "reference";
  /** It knows no threads. */
  readonly threads = 1;
  /** Float64 has no fast form. */
  readonly arithmetic = "exact";

  readonly #variant: Variant;
  readonly #parameters: Float64Array;
  readonly #tensors: Tensors;
  #optimizer: AdamWState;
  #disposed = false;
  #weightsChosen = false;

  /** Makes an engine with the initial weights of seed 0. */
  constructor(model: ModelName = 763) {
    this.#variant = variantOf(model);
    this.#parameters = Float64Array.from(initialParameters(this.#variant, 0));
    this.#tensors = tensorsOf(this.#parameters, this.#variant);
    this.#optimizer = freshState(this.#parameters.length);
  }

  /** The variant of the model. */
  get model(): ModelName {
    return this.#variant.name;
  }

  /** Sets the weights; the optimizer starts anew. */
  setParameters(values: Float32Array): void {
    this.#checkAlive();
    checkParameters(values, this.#variant);
    this.#parameters.set(values);
    this.#weightsChosen = true;
    this.#optimizer = freshState(values.length);
  }

  /** A copy of the weights, rounded to float32. */
  parameters(): Float32Array {
    this.#checkAlive();
    return Float32Array.from(this.#parameters);
  }

  /** Draws fresh weights for a seed; the optimizer starts anew. */
  initialize(seed: number, attempt = 0): void {
    this.setParameters(initialParameters(this.#variant, seed, attempt));
  }

  /** A copy of the optimizer's state, rounded to float32. */
  optimizerState(): OptimizerState {
    this.#checkAlive();
    const { step, firstMoment, secondMoment } = this.#optimizer;
    return { step, firstMoment: Float32Array.from(firstMoment), secondMoment: Float32Array.from(secondMoment) };
  }

  /** Sets the optimizer's state. */
  setOptimizerState(state: OptimizerState): void {
    this.#checkAlive();
    checkOptimizerState(state, this.#variant);
    this.#optimizer = {
      step: state.step,
      firstMoment: Float64Array.from(state.firstMoment),
      secondMoment: Float64Array.from(state.secondMoment),
    };
  }

  /** The loss and its gradient; nothing is changed. */
  lossAndGradient(problems: Problems): Promise<LossAndGradient> {
    return this.#answer(problems, (operands) => {
      const { loss, gradient } = lossAndGradient(this.#tensors, this.#variant, operands);
      return { loss, gradient: Float32Array.from(gradient) };
    });
  }

  /** Logits [n, 12, 14] at positions 21 … 32, teacher-forced. */
  logits(problems: Problems): Promise<Float32Array> {
    return this.#answer(problems, (operands) => {
      const rows = teacherForcedLogits(this.#tensors, this.#variant, operands);
      const logits = new Float32Array(rows.length * TOKENS);
      rows.forEach((row, i) => logits.set(row, i * TOKENS));
      return logits;
    });
  }

  /** One step of clipping and AdamW. */
  trainStep(problems: Problems, options: StepOptions): Promise<StepReport> {
    return this.#answer(problems, (operands) => this.#step(operands, checkStepOptions(options)));
  }

  /** Many steps on examples drawn by the engine. */
  trainRun(run: TrainRun): Promise<TrainRunReport> {
    return this.#run(() => {
      checkTrainRun(run);
      const { seed, attempt, firstSample, stage, firstStep, steps, minDigits, maxDigits } = run;
      const losses = new Float32Array(steps);
      const gradientNorms = new Float32Array(steps);
      for (let k = 0; k < steps; k++) {
        const sample = firstSample + k;
        const count = stage.batch;
        const operands = drawOperands({ seed, stream: "training", attempt, sample, count, minDigits, maxDigits });
        const learningRate = learningRateAt(stage, firstStep + k);
        const report = this.#step(operands, checkStepOptions({ ...stage, learningRate }));
        losses[k] = report.loss;
        gradientNorms[k] = report.gradientNorm;
      }
      return { losses, gradientNorms };
    });
  }

  /** The problems of a sampler stream. */
  sample(request: SampleRequest): Operands {
    this.#checkAlive();
    return drawOperands(request);
  }

  /** Tokens [n, 12] decoded greedily from the prompts alone. */
  decode(problems: Problems): Promise<Uint8Array> {
    return this.#answer(problems, (operands) => {
      checkWeightsChosen(this.#weightsChosen);
      return decodeAll(this.#tensors, this.#variant, operands);
    });
  }

  /** The sums read off greedily; null where the eleven tokens were not all digits. */
  async predict(problems: Problems): Promise<(bigint | null)[]> {
    const tokens = await this.decode(problems);
    return Array.from({ length: tokens.length / QUERIES }, (_, i) => {
      const sum = readSum(tokens, i * QUERIES);
      return Number.isNaN(sum) ? null : BigInt(sum);
    });
  }

  /** Nothing is held; the engine cannot be used afterwards. */
  dispose(): Promise<void> {
    this.#disposed = true;
    return Promise.resolve();
  }

  #step(operands: Operands, options: FilledStepOptions): StepReport {
    const { loss, gradient } = lossAndGradient(this.#tensors, this.#variant, operands);
    const gradientNorm = clipGradientNorm(gradient, options.clipNorm);
    adamW(this.#parameters, gradient, this.#optimizer, options);
    this.#weightsChosen = true;
    return { loss, gradientNorm };
  }

  #checkAlive(): void {
    if (this.#disposed) throw new Error("Cannot use this engine as it was disposed of: create another one");
  }

  /** Runs `work` now; whatever it throws becomes a rejection. */
  #run<T>(work: () => T): Promise<T> {
    return new Promise((resolve) => {
      this.#checkAlive();
      resolve(work());
    });
  }

  #answer<T>(problems: Problems, work: (operands: Operands) => T): Promise<T> {
    return this.#run(() => {
      const operands = packOperands(problems);
      checkNotEmpty(operands);
      return work(operands);
    });
  }
}
