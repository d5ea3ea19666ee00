import { initialParameters } from "../../model/initialization.ts";
import type { Operands } from "../../model/problem.ts";
import { drawOperands, type SampleRequest } from "../../model/sampler.ts";
import { type ModelName, variantOf } from "../../model/variant.ts";
import { BaseEngine, type VectorName } from "../interface/base_engine.ts";
import type { LossAndGradient, StepOptions, StepReport } from "../interface/types.ts";
import { adamW, clipGradientNorm } from "./adamw.ts";
import { decodeAll, lossAndGradient, teacherForcedLogits, type Tensors, tensorsOf } from "./model.ts";

/** Plain TypeScript in float64: the oracle that other engines are tested against. Only what leaves the engine is rounded to float32. */
export class ReferenceEngine extends BaseEngine {
  readonly backend = "reference";
  readonly arithmetic = "exact";
  protected stepCount = 0;
  readonly #vectors: Readonly<Record<VectorName, Float64Array>>;
  readonly #tensors: Tensors;

  constructor(model: ModelName = 763) {
    super(variantOf(model));
    const parameters = Float64Array.from(initialParameters(this.variant, 0));
    const zeros = () => new Float64Array(parameters.length);
    this.#vectors = { parameters, firstMoment: zeros(), secondMoment: zeros() };
    this.#tensors = tensorsOf(parameters, this.variant);
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
    return Float32Array.from(teacherForcedLogits(this.#tensors, this.variant, operands).flatMap((row) => [...row]));
  }

  protected decodeTokens(operands: Operands): Uint8Array {
    return decodeAll(this.#tensors, this.variant, operands);
  }

  protected takeStep(operands: Operands, options: Required<StepOptions>): StepReport {
    const { loss, gradient } = lossAndGradient(this.#tensors, this.variant, operands);
    const gradientNorm = clipGradientNorm(gradient, options.clipNorm);
    adamW(this.#vectors.parameters, gradient, this.#vectors, ++this.stepCount, options);
    return { loss, gradientNorm };
  }

  protected free(): void {}
}
