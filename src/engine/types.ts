import type { ModelName } from "../model/variant.ts";
import type { Operands, Problems } from "../model/problem.ts";
import type { StageHyperparameters } from "../training/stage.ts";

/** What can really run a model. */
export type BackendName = "wasm" | "webgpu" | "reference";

/** `exact`: the same bytes everywhere. `fast`: fused multiply-add where the machine has it, last bits may differ. */
export type Arithmetic = "exact" | "fast";

/** Options of {@linkcode createEngine}. */
export interface EngineOptions {
  /** What to run on; `auto` is `wasm`, and `webgpu` where WASM SIMD is missing. @default {"auto"} */
  backend?: BackendName | "auto";
  /** The variant of the model. @default {763} */
  model?: ModelName;
  /** Number of threads, 1 … 64. @default {1} */
  threads?: number;
  /** How sums of products are rounded; the reference knows `exact` alone, a GPU `fast`. @default {"exact"; "fast" on a GPU} */
  arithmetic?: Arithmetic;
}

/** Hyperparameters of one optimizer step. */
export interface StepOptions {
  /** Step size of AdamW. */
  learningRate: number;
  /** Decoupled weight decay, on every tensor. @default {0} */
  weightDecay?: number;
  /** The gradient is scaled down to this norm where it is longer; 0 or Infinity: never. @default {1} */
  clipNorm?: number;
  /** Decay of the first moment. @default {0.9} */
  beta1?: number;
  /** Decay of the second moment. @default {0.999} */
  beta2?: number;
  /** Added to the root of the second moment. @default {1e-8} */
  epsilon?: number;
}

/** The loss of a batch and its gradient before clipping, in the order of the flat parameter vector. */
export interface LossAndGradient {
  /** Mean cross-entropy over the 12 query positions and the batch, in nats. */
  loss: number;
  /** dL/dparameters. */
  gradient: Float32Array;
}

/** What one optimizer step reports. */
export interface StepReport {
  /** The loss before the step. */
  loss: number;
  /** The Euclidean norm of the gradient before clipping. */
  gradientNorm: number;
}

/** The state of AdamW. */
export interface OptimizerState {
  /** Number of steps taken. */
  step: number;
  /** Running mean of the gradient. */
  firstMoment: Float32Array;
  /** Running mean of the squared gradient. */
  secondMoment: Float32Array;
}

/** A stretch of training on examples that the engine draws itself. */
export interface TrainRun {
  /** Seed of the run, a whole number in [0, 2^32). */
  seed: number;
  /** How often the run has started again; 0 at first. Part of the sampler's counter. */
  attempt: number;
  /** Steps that the sampler has already served in this attempt, over all stages. */
  firstSample: number;
  /** Hyperparameters and schedule. */
  stage: StageHyperparameters;
  /** The first step within the stage. */
  firstStep: number;
  /** Number of steps. */
  steps: number;
  /** Operands have at least this many random digits, 1 … 10. */
  minDigits: number;
  /** Operands have at most this many random digits. */
  maxDigits: number;
}

/** One entry per step of a {@linkcode TrainRun}. */
export interface TrainRunReport {
  /** The loss before each step. */
  losses: Float32Array;
  /** The norm of each gradient before clipping. */
  gradientNorms: Float32Array;
}

/** Which stream of random numbers examples come from. No two streams share a generator key. */
export type SampleStream = "training" | "evaluation";

/** What to draw. */
export interface SampleRequest {
  /** Seed, a whole number in [0, 2^32). */
  seed: number;
  /** The stream. */
  stream: SampleStream;
  /** Restart count, as in {@linkcode TrainRun}. @default {0} */
  attempt?: number;
  /** Which step's examples. @default {0} */
  sample?: number;
  /** Number of problems. */
  count: number;
  /** Fewest random digits of an operand. @default {10} */
  minDigits?: number;
  /** Most random digits of an operand. @default {10} */
  maxDigits?: number;
}

/** The GPU that an engine runs on. */
export interface AdapterDescription {
  /** What its driver calls it. */
  readonly name: string;
  /** Whether it is a program on the CPU. */
  readonly software: boolean;
}

/** A model, its optimizer and the machinery that runs them. */
export interface Engine {
  /** What really runs. */
  readonly backend: BackendName;
  /** The variant of the model. */
  readonly model: ModelName;
  /** Threads at work. */
  readonly threads: number;
  /** The arithmetic that really runs; the reference engine is always `exact`, a GPU always `fast`. */
  readonly arithmetic: Arithmetic;
  /** The GPU, where it runs on one. */
  readonly adapter?: AdapterDescription;
  /** Sets the weights from `parameterCount` floats; the optimizer starts anew. */
  setParameters(values: Float32Array): void;
  /** A copy of the weights. */
  parameters(): Float32Array;
  /** Draws fresh weights for a seed; the optimizer starts anew. */
  initialize(seed: number, attempt?: number): void;
  /** A copy of the optimizer's state. */
  optimizerState(): OptimizerState;
  /** Sets the optimizer's state. */
  setOptimizerState(state: OptimizerState): void;
  /** The loss and its gradient; nothing is changed. */
  lossAndGradient(problems: Problems): Promise<LossAndGradient>;
  /** Logits [n, 12, 14] at positions 21 … 32, teacher-forced: the right sum stands at 22 … 32. */
  logits(problems: Problems): Promise<Float32Array>;
  /** One step of clipping and AdamW. */
  trainStep(problems: Problems, options: StepOptions): Promise<StepReport>;
  /** Many steps on examples drawn by the engine. */
  trainRun(run: TrainRun): Promise<TrainRunReport>;
  /** The problems of a sampler stream. */
  sample(request: SampleRequest): Operands;
  /** Tokens [n, 12] decoded greedily from the prompts alone. */
  decode(problems: Problems): Promise<Uint8Array>;
  /** The sums read off greedily; null where the eleven tokens were not all digits. */
  predict(problems: Problems): Promise<(bigint | null)[]>;
  /** Frees threads and memory; the engine cannot be used afterwards. */
  dispose(): Promise<void>;
}
