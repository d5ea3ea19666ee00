import type { ModelName } from "../../model/variant.ts";
import type { Operands, Problems } from "../../model/problem.ts";
import type { SampleRequest, SampleStream } from "../../model/sampler.ts";
import type { StageHyperparameters } from "../../schedule/stage.ts";

export type { SampleRequest, SampleStream };

/**
 * The values of the option `backend`.
 *
 * @example Usage
 * ```ts
 * import { BACKENDS } from "@x/tiny-adder/engine";
 *
 * console.log(BACKENDS.includes("wasm")); // true
 * ```
 */
export const BACKENDS = ["auto", "wasm", "webgpu", "reference"] as const;

/** The engines: AssemblyScript compiled to WASM SIMD, WGSL on a GPU, and plain TypeScript in float64, to compare the others with. */
export type BackendName = Exclude<typeof BACKENDS[number], "auto">;

/**
 * The values of the option `arithmetic`.
 *
 * @example Usage
 * ```ts
 * import { ARITHMETICS } from "@x/tiny-adder/engine";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(ARITHMETICS, ["exact", "fast"]);
 * ```
 */
export const ARITHMETICS = ["exact", "fast"] as const;

/** `exact`: the same bytes on every machine. `fast`: fused multiply-add if the machine has it, so the last bits may differ. */
export type Arithmetic = typeof ARITHMETICS[number];

/** Options of {@linkcode createEngine}. */
export interface EngineOptions {
  /** The engine; `auto` is `wasm`; where that is missing or forbidden `webgpu`, and without a GPU `reference`. @default {"auto"} */
  backend?: BackendName | "auto";
  /** The variant of the model. @default {763} */
  model?: ModelName;
  /** Most threads, 1 to 64; fewer work where that is faster. They do not change the result. @default {1} */
  threads?: number;
  /** How sums of products are rounded; the reference has only `exact`, a GPU only `fast`. @default {"exact"; "fast" on a GPU} */
  arithmetic?: Arithmetic;
}

/**
 * Hyperparameters of one step of AdamW: Loshchilov and Hutter 2017, arXiv:1711.05101, algorithm 2. By default `weightDecay` is 0, `clipNorm` 1, `beta1`
 * 0.9, `beta2` 0.999 and `epsilon` 1e-8.
 */
export interface StepOptions
  extends Partial<Pick<StageHyperparameters, "weightDecay" | "clipNorm" | "beta1" | "beta2" | "epsilon">> {
  /** Step size, 0 or more. */
  readonly learningRate: number;
}

/** The loss of a batch, and its gradient before clipping. */
export interface LossAndGradient {
  /** Mean cross-entropy over the 12 query positions and the batch, in nats. */
  loss: number;
  /** dL/dparameters, as long as the flat parameter vector and in its order. */
  gradient: Float32Array;
}

/** The result of one optimizer step. */
export interface StepReport {
  /** The loss before the step, in nats. */
  loss: number;
  /** The Euclidean norm of the gradient before clipping. */
  gradientNorm: number;
}

/** The state of AdamW. Both moments are as long as the flat parameter vector and in its order. */
export interface OptimizerState {
  /** Number of steps taken. */
  step: number;
  /** Running mean of the gradient. */
  firstMoment: Float32Array;
  /** Running mean of the squared gradient. */
  secondMoment: Float32Array;
}

/** Consecutive training steps on examples that the engine draws itself; seed, attempt and digits are those of {@linkcode SampleRequest}. */
export interface TrainRun extends Pick<Required<SampleRequest>, "seed" | "attempt" | "minDigits" | "maxDigits"> {
  /** Steps of this attempt before, over all stages: the number of the first batch. */
  firstSample: number;
  /** Hyperparameters and learning-rate schedule. */
  stage: StageHyperparameters;
  /** The first step, counted from 0 within the stage. */
  firstStep: number;
  /** Number of steps. */
  steps: number;
  /** Makes the examples of each step; its number counts from 0 over all stages. @default {the engine draws them} */
  problems?: (step: number) => Operands;
}

/** The result of a {@linkcode TrainRun}, one entry per step. */
export interface TrainRunReport {
  /** The loss before each step, in nats. */
  losses: Float32Array;
  /** The Euclidean norm of each gradient before clipping. */
  gradientNorms: Float32Array;
}

/** The answers of an engine to problems that it draws. */
export interface DecodedSample {
  /** Token ids of shape [n, 12], as {@linkcode Engine.decode} gives them. */
  tokens: Uint8Array;
  /** How many of the sums are wrong. */
  wrong: number;
}

/** The GPU that an engine runs on. */
export interface AdapterDescription {
  /** Its name in the driver. */
  readonly name: string;
  /** Whether it is emulated on the CPU. */
  readonly software: boolean;
}

/**
 * A model with its optimizer, ready to run.
 *
 * Every method that takes problems throws a TypeError or a RangeError, naming the value, if an operand is not a whole number in [0, 9999999999].
 * After {@linkcode Engine.dispose} every method throws.
 */
export interface Engine {
  /** The engine that really runs. */
  readonly backend: BackendName;
  /** The variant of the model. */
  readonly model: ModelName;
  /** The most threads that work: 1 if memory cannot be shared. */
  readonly threads: number;
  /** The arithmetic that really runs: `exact` if the machine has no relaxed SIMD. */
  readonly arithmetic: Arithmetic;
  /** The GPU, if it runs on one. */
  readonly adapter?: AdapterDescription;
  /**
   * Sets the weights and resets the optimizer.
   *
   * @param values The flat parameter vector: in the order of {@linkcode ModelName}
   * @throws {RangeError} If its length is not the model's number of parameters, or a value is not finite
   */
  setParameters(values: Float32Array): void;
  /** A copy of the flat parameter vector. */
  parameters(): Float32Array;
  /**
   * Draws random weights and resets the optimizer: LayerNorms are 1 and 0, embeddings N(0, 0.02), linear layers N(0, 1 / sqrt(inputs)).
   *
   * @param seed A whole number in [0, 2^32)
   * @param attempt Another attempt gives other weights for the same seed. @default {0}
   */
  initialize(seed: number, attempt?: number): void;
  /** A copy of the optimizer's state. */
  optimizerState(): OptimizerState;
  /** Sets the optimizer's state. @throws {RangeError} If a moment has another length or a value that cannot be */
  setOptimizerState(state: OptimizerState): void;
  /** The loss of a batch and its gradient. Weights and optimizer stay as they are. */
  lossAndGradient(problems: Problems): Promise<LossAndGradient>;
  /** Logits of shape [n, 12, 14] at the positions 21 to 32, teacher-forced: the positions 22 to 32 hold the right sum. */
  logits(problems: Problems): Promise<Float32Array>;
  /** Takes one training step: gradient, clipping, AdamW. */
  trainStep(problems: Problems, options: StepOptions): Promise<StepReport>;
  /** Takes many training steps on examples that the engine draws. */
  trainRun(run: TrainRun): Promise<TrainRunReport>;
  /** Draws problems: a0 b0 a1 b1 …, where a and b are uniform in [0, 10^n) and n is uniform from `minDigits` to `maxDigits`. */
  sample(request: SampleRequest): Operands;
  /**
   * Token ids of shape [n, 12]: the digits of the sum, ones first, and the end. Decoded greedily, each token fed back.
   *
   * @throws {Error} If the engine is new: its weights must be set, drawn or trained first
   */
  decode(problems: Problems): Promise<Uint8Array>;
  /** Draws problems as `sample` does, decodes them as `decode` does, and counts the wrong sums, in one go. @throws {Error} As `decode` */
  decodeSample(request: SampleRequest): Promise<DecodedSample>;
  /** The sums that {@linkcode Engine.decode} writes; null where one of the eleven tokens is not a digit. @throws {Error} As `decode` */
  predict(problems: Problems): Promise<(bigint | null)[]>;
  /** Frees threads and memory. */
  dispose(): Promise<void>;
}
