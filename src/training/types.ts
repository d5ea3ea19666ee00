import type { CheckpointSource } from "../checkpoint/safetensors/source.ts";
import type { ModelName } from "../model/variant.ts";
import type { AdapterDescription, Arithmetic, BackendName } from "../engine/interface/types.ts";
import type { Certificate, CertifyResult } from "../certify/types.ts";
import type { Recipe } from "./recipes.ts";

/** Options of {@linkcode train}. */
export interface TrainOptions {
  /** The name of a recipe, or a recipe of your own. @default {"sure"; "fast" for continueTraining} */
  recipe?: string | Recipe;
  /** The variant of the model. @default {763} */
  model?: ModelName;
  /** A whole number in [0, 2^32). The same recipe, model and seed give the same weights, to the byte. @default {1} */
  seed?: number;
  /** Ends the run after this number of steps, with the recipe's schedules unchanged. @default {all steps of the recipe} */
  steps?: number;
  /**
   * Trains 1 to 64 attempts in parallel, one per thread, so that an attempt that fails at a gate costs no time. The result is the same as one
   * attempt after the other, to the byte. Nothing is saved before the end.
   * @default {one attempt after the other}
   */
  attempts?: number;
  /** The engine; `auto` is `wasm`; where that is missing or forbidden `webgpu`, and without a GPU `reference`. @default {"auto"} */
  backend?: BackendName | "auto";
  /** Number of threads, 1 to 64; it does not change the result. @default {1; all cores for the proof} */
  threads?: number;
  /** `exact` gives the same weights on every machine. @default {"exact"; "fast" on a GPU} */
  arithmetic?: Arithmetic;
  /** Folder for `model.safetensors`, `state.safetensors`, `log.jsonl` and `certificate.json`; it is created. @default {nothing is written} */
  out?: string;
  /** Resumes the run in `out`, with its recipe, model and seed. @default {false} */
  resume?: boolean;
  /** Whether the run may replace the one in `out`, its weights and its proof. @default {false: a folder that holds a run is refused} */
  overwrite?: boolean;
  /** Steps between two evaluations; 0: only at the end. @default {the recipe's} */
  evalEvery?: number;
  /**
   * Whether to end with a proof that the weights add every pair correctly, or a pair that they add wrongly. With recipe `sure`, training goes
   * on with the failing pairs until the proof succeeds. The command line turns this on: there, `--no-certify` turns it off.
   * @default {false}
   */
  certify?: boolean;
  /**
   * Whether to train on the pairs where the proof fails, and to prove again, up to six times; includes `certify`.
   * @default {the recipe's with `certify`, unless `steps` cut it short; otherwise false}
   */
  harden?: boolean;
  /** Approximate seconds between two saves of the state in `out`; 0: as often as possible. @default {10} */
  saveEvery?: number;
  /**
   * Held-out problems of interim accuracy checks, which are reported as events of type `glance`, at most twice a second and in at most 2% of
   * the time; 0: none. They do not change the weights.
   * @default {0}
   */
  glanceProblems?: number;
  /** Held-out problems of the final evaluation, 1 or more. @default {100_000} */
  finalProblems?: number;
  /** Stops the run: its state is saved in `out`, and the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Called with each event, in order. */
  onProgress?: (event: ProgressEvent) => void;
}

/** Options of {@linkcode continueTraining}. */
export interface ContinueOptions extends Omit<TrainOptions, "model" | "attempts"> {
  /** The checkpoint to start from, in any form. Required unless `resume` is set. */
  from?: CheckpointSource;
}

/** An event for {@linkcode TrainOptions.onProgress}. Losses are in nats, `step` counts from the start of the attempt. */
export type ProgressEvent =
  | {
    type: "start";
    recipe: string;
    model: ModelName;
    seed: number;
    totalSteps: number;
    backend: BackendName;
    adapter: AdapterDescription | null;
    resumedAt: number;
  }
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
  | {
    type: "glance";
    step: number;
    /** Problems of this interim check. */
    total: number;
    /** Correct answers. */
    correct: number;
  }
  | {
    type: "evaluation";
    step: number;
    total: number;
    correct: number;
    exactMatch: number;
    /** The share of correct digits at each of the eleven positions of the sum, ones first. */
    digitAccuracy: number[];
  }
  | { type: "restart"; attempt: number; step: number; stage: string; loss: number; gate: number }
  | { type: "certification"; step: number; proved: number; seconds: number }
  | { type: "hardening"; step: number; round: number; proved: number; pool: number }
  | { type: "checkpoint"; step: number; path: string }
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

/** An evaluation during the run. */
export interface EvaluationReport {
  /** Steps of the attempt before it. */
  step: number;
  /** Held-out problems. */
  total: number;
  /** Correct answers. */
  correct: number;
}

/** The report of a finished run. */
export interface TrainReport {
  /** The variant of the model. */
  model: ModelName;
  /** The recipe's name. */
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
  /** The engine that really ran. */
  backend: BackendName;
  /** The GPU; null if it ran on the CPU. */
  adapter: AdapterDescription | null;
  /** The number of threads that really ran. */
  threads: number;
  /** The arithmetic that really ran. */
  arithmetic: Arithmetic;
  /** The share of held-out pairs that the final weights add correctly, 0 to 1. Operands are uniform in [0, 10^10). */
  exactMatch: number;
  /** The number of these pairs. */
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
  /** Every restart, in order. */
  restarts: RestartReport[];
  /** Every evaluation, in order. */
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
