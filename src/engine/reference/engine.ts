import { initialParameters } from "../../model/initialization.ts";
import type { Operands } from "../../model/problem.ts";
import { drawOperands, type SampleRequest } from "../../model/sampler.ts";
import { type ModelName, TOKENS, variantOf } from "../../model/variant.ts";
import { learningRateAt } from "../../schedule/learning_rate.ts";
import { BaseEngine, type VectorName } from "../interface/base_engine.ts";
import { checkStepOptions, type FilledStepOptions } from "../interface/checks.ts";
import type { LossAndGradient, StepReport, TrainRun, TrainRunReport } from "../interface/types.ts";
import { adamW, type AdamWState, clipGradientNorm, freshState } from "./adamw.ts";
import { decodeAll } from "./decode.ts";
import { lossAndGradient, teacherForcedLogits, type Tensors, tensorsOf } from "./model.ts";

/**
 * Plain TypeScript in float64: the oracle that other engines are tested against. Weights and moments stay in float64 from step to step; only what
 * leaves the engine is rounded to float32.
 */
export class ReferenceEngine extends BaseEngine {
  readonly backend = "reference";
  /** Float64 has no fast form. */
  readonly arithmetic = "exact";
  readonly #vectors: Readonly<Record<VectorName, Float64Array>> & AdamWState;
  readonly #tensors: Tensors;

  /** Makes an engine with the initial weights of seed 0. */
  constructor(model: ModelName = 763) {
    super(variantOf(model));
    const parameters = Float64Array.from(initialParameters(this.variant, 0));
    this.#vectors = { parameters, ...freshState(parameters.length) };
    this.#tensors = tensorsOf(parameters, this.variant);
  }

  protected get stepCount(): number {
    return this.#vectors.step;
  }

  protected set stepCount(count: number) {
    this.#vectors.step = count;
  }

  protected read(name: VectorName): Float32Array {
    return Float32Array.from(this.#vectors[name]);
  }

  protected write(name: VectorName, values: Float32Array): void {
    this.#vectors[name].set(values);
  }

  protected initialParameters(seed: number, attempt: number): Float32Array {
    return initialParameters(this.variant, seed, attempt);
  }

  protected draw(request: SampleRequest): Operands {
    return drawOperands(request);
  }

  protected computeGradient(operands: Operands): LossAndGradient {
    const { loss, gradient } = lossAndGradient(this.#tensors, this.variant, operands);
    return { loss, gradient: Float32Array.from(gradient) };
  }

  protected computeLogits(operands: Operands): Float32Array {
    const rows = teacherForcedLogits(this.#tensors, this.variant, operands);
    const logits = new Float32Array(rows.length * TOKENS);
    rows.forEach((row, i) => logits.set(row, i * TOKENS));
    return logits;
  }

  protected decodeTokens(operands: Operands): Uint8Array {
    return decodeAll(this.#tensors, this.variant, operands);
  }

  protected takeStep(operands: Operands, options: FilledStepOptions): StepReport {
    const { loss, gradient } = lossAndGradient(this.#tensors, this.variant, operands);
    const gradientNorm = clipGradientNorm(gradient, options.clipNorm);
    adamW(this.#vectors.parameters, gradient, this.#vectors, options);
    return { loss, gradientNorm };
  }

  protected takeSteps({ firstSample: sample, firstStep, stage, ...run }: TrainRun): TrainRunReport {
    const operands = drawOperands({ ...run, stream: "training", sample, count: stage.batch });
    const learningRate = learningRateAt(stage, firstStep);
    const { loss, gradientNorm } = this.takeStep(operands, checkStepOptions({ ...stage, learningRate }));
    return { losses: Float32Array.of(loss), gradientNorms: Float32Array.of(gradientNorm) };
  }

  protected free(): void {}
}
