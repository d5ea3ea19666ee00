import type { ModelName } from "../model/variant.ts";
import type { AdapterDescription, Arithmetic, BackendName } from "../engine/interface/types.ts";
import type { Certificate, CertifyResult } from "../certify/types.ts";
import type { Evaluation } from "../evaluation/evaluate.ts";

/** An event for the option `onProgress` of `train`. Losses are in nats, `step` counts from the start of the attempt. */
export type ProgressEvent =
  | (Pick<TrainReport, "recipe" | "model" | "seed" | "backend" | "adapter"> & {
    type: "start";
    totalSteps: number;
    resumedAt: number;
  })
  | {
    type: "step";
    /** Steps done in this attempt. */
    step: number;
    totalSteps: number;
    stage: string;
    /** Mean loss since the last event of this type. */
    loss: number;
    learningRate: number;
    gradientNorm: number;
    /** Throughput since the last event of this type. */
    examplesPerSecond: number;
  }
  | ({ type: "interim" } & EvaluationReport)
  | ({ type: "evaluation" } & EvaluationReport & Pick<Evaluation, "exactMatch" | "digitAccuracy">)
  | ({ type: "restart"; attempt: number } & RestartReport)
  | { type: "certification"; step: number; proved: number; provedSteps: number; seconds: number }
  | { type: "hardening"; step: number; round: number; margin: number; proved: number; pool: number }
  | (EvaluationReport & {
    /** After a step of the option `keep`. */
    type: "measures";
    /** The share of correct digits at each of the eleven positions of the sum, ones first, each after the correct ones before it. */
    digitAccuracy: number[];
    /** The mean loss at each of the twelve positions, in nats: the digits of the sum, ones first, and the end. */
    positionLoss: number[];
    /** The Euclidean norm of each tensor, by PyTorch's name. */
    weightNorms: Record<string, number>;
  })
  | {
    /** Weights are kept, by the option `keep`, or saved at the end. */
    type: "checkpoint";
    step: number;
    /** Their file; null where nothing is saved. */
    path: string | null;
    /** A copy of the flat parameter vector. */
    parameters: Float32Array;
  }
  | { type: "end"; step: number; exactMatch: number };

/** A restart: a gate found a loss that was too high. */
export interface RestartReport {
  /** The stage of the gate. */
  stage: string;
  /** The step of the attempt at the gate. */
  step: number;
  /** The mean training loss before the gate, in nats. */
  loss: number;
  /** The largest loss that would have passed, in nats. */
  gate: number;
}

/** An evaluation on held-out problems during the run. */
export interface EvaluationReport {
  /** Steps of the attempt before it. */
  step: number;
  /** Pairs that were added. */
  total: number;
  /** Pairs that were added correctly. */
  correct: number;
}

/** The report of a finished run. */
export interface TrainReport {
  /** The model that was trained. */
  model: ModelName;
  /** The name of the recipe. */
  recipe: string;
  /** The seed of weights and examples. */
  seed: number;
  /** Steps of the last attempt. */
  steps: number;
  /** Training examples, including those of failed attempts and of hardening. */
  examples: number;
  /** Seconds from the call to the result, including evaluation, proof and earlier sessions. */
  seconds: number;
  /** Seconds of training alone, without hardening. */
  trainSeconds: number;
  /** The engine that really ran; so are `threads` and `arithmetic` those that really ran. */
  backend: BackendName;
  /** The GPU; null if it ran on the CPU. */
  adapter: AdapterDescription | null;
  /** The number of threads. */
  threads: number;
  /** How sums of products were rounded. */
  arithmetic: Arithmetic;
  /** The share of `evaluated` held-out pairs that the final weights add correctly, 0 to 1. Operands are uniform in [0, 10^10). */
  exactMatch: number;
  /** The number of held-out pairs. */
  evaluated: number;
  /** Whether the weights are proved to add all 10^20 pairs correctly; null if no proof was requested. */
  certified: boolean | null;
  /** Rounds of training on pairs where the proof failed; null if none were requested. */
  hardeningRounds: number | null;
  /** No input has a smaller margin, in logits; null unless proved. */
  worstMargin: number | null;
  /** A pair that the weights add wrongly, if the proof found one. */
  counterexample: CertifyResult["counterexample"];
  /** The path of the saved checkpoint; null if nothing was saved. */
  checkpoint: string | null;
  /** Every attempt that a gate ended, in order. */
  restarts: RestartReport[];
  /** The evaluations during the run, in order. */
  evaluations: EvaluationReport[];
  /** Whether the recipe's goal ended the run before its last step. */
  stoppedEarly: boolean;
  /** Whether the recipe was finished: false where the option `steps` ended the run before. */
  finished: boolean;
}

/** The result of {@linkcode train} and {@linkcode continueTraining}. */
export interface TrainResult {
  /** The flat parameter vector, in the order of {@linkcode ModelName}. */
  parameters: Float32Array;
  /** The bytes of a safetensors file, with the weights and the metadata of the run. */
  checkpoint: Uint8Array;
  /** Measurements and settings of the run. */
  report: TrainReport;
  /** The proof that the weights add all pairs correctly; null unless `report.certified` is true. */
  certificate: Certificate | null;
}
