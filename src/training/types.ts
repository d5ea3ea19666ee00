import type { Certificate, CertifyResult } from "../certify/types.ts";
import type { CheckpointSource } from "../checkpoint/safetensors/checkpoint.ts";
import type { AdapterDescription, Engine, EngineOptions } from "../engine/interface/types.ts";
import type { Evaluation } from "../evaluation/evaluate.ts";
import type { Problems } from "../model/problem.ts";
import type { CurriculumPhase, Recipe } from "./recipes.ts";

export type RunKind = "train" | "continue";

/** Steps after which weights are kept; `"log"`: 0, 1, 2, 4 … 512, then every 1,000. */
export type Keep = "log" | readonly number[];

/** The examples that the option `problems` must make, with the digits of operands in the recipe's curriculum at this step. */
export interface ProblemRequest extends Pick<CurriculumPhase, "minDigits" | "maxDigits"> {
  /** The seed of the run. */
  seed: number;
  /** Restarts before, or 2^31 in a second pass. */
  attempt: number;
  /** The step of the attempt, counted from 0 over all stages. */
  step: number;
  /** The number of the first example within the step: 0. */
  first: number;
  /** How many examples are needed: the batch of the stage. */
  count: number;
}

/** Options of {@linkcode train}. */
export interface TrainOptions extends Pick<EngineOptions, "backend" | "model" | "arithmetic"> {
  /** The name of a recipe, or a recipe of your own. @default {"sure"; "fast" for continueTraining} */
  recipe?: string | Recipe;
  /** A whole number in [0, 2^32). The same recipe, model and seed give the same weights, to the byte. @default {1} */
  seed?: number;
  /** Ends the run after this number of steps, with the recipe's schedules unchanged. @default {all steps of the recipe} */
  steps?: number;
  /**
   * Trains 1 to 64 attempts in parallel, one per thread, so that an attempt that fails at a gate costs no time. The result is the same, to the
   * byte. No attempt is saved before the end. @default {one attempt after the other}
   */
  attempts?: number;
  /** Number of threads, 1 to 64; it does not change the result. @default {1; all cores for the proof} */
  threads?: number;
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
   * on with the failing pairs until the proof succeeds. The command line does so unless it has `--no-certify`. @default {false}
   */
  certify?: boolean;
  /**
   * Whether to train on the pairs where the proof fails, and to prove again, up to six times; includes `certify`.
   * @default {the recipe's with `certify`, unless `steps` cut it short; otherwise false}
   */
  harden?: boolean;
  /** Approximate seconds between two saves of the state in `out`; 0: as often as possible. @default {10} */
  saveEvery?: number;
  /** Held-out problems of interim evaluations, events of type `interim`: at most twice a second, in at most 2% of the time. @default {0: none} */
  interimProblems?: number;
  /** Held-out problems of the final evaluation, 1 or more. @default {100_000; 10_000 where the weights are proved before} */
  finalProblems?: number;
  /**
   * The steps after which the weights are kept, as `steps/STEP.safetensors` in `out` and in an event of type `checkpoint`; `"log"`: 0, 1, 2, 4 … 512,
   * then every 1,000. At each of them an event of type `measures` is reported. A restart begins the series anew. @default {none}
   */
  keep?: Keep;
  /**
   * Makes the examples of each step, in place of those that the engine draws. It must be a pure function of its request, so that a resume and any
   * number of threads give the same weights. A resume needs it again. @default {operands of the recipe's lengths, or its mix}
   */
  problems?: (request: ProblemRequest) => Problems;
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

export type RunOptions = TrainOptions & ContinueOptions;

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
  | (EvaluationReport & Pick<Evaluation, "digitAccuracy"> & {
    /** After a step of the option `keep`: of single digits, each of which follows the correct ones before it. */
    type: "measures";
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
export interface EvaluationReport extends Pick<Evaluation, "total" | "correct"> {
  /** Steps of the attempt before it. */
  step: number;
}

/** The report of a finished run, on the engine that really ran. */
export interface TrainReport
  extends
    Pick<Engine, "model" | "backend" | "threads" | "arithmetic">,
    Pick<CertifyResult, "worstMargin" | "counterexample"> {
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
  /** The GPU; null if it ran on the CPU. */
  adapter: AdapterDescription | null;
  /** The share of `evaluated` held-out pairs that the final weights add correctly, 0 to 1. Operands are uniform in [0, 10^10). */
  exactMatch: number;
  /** The number of held-out pairs. */
  evaluated: number;
  /** Whether the weights are proved to add all 10^20 pairs correctly; null if no proof was requested. */
  certified: boolean | null;
  /** Rounds of training on pairs where the proof failed; null if none were requested. */
  hardeningRounds: number | null;
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
