import type { ModelName } from "../model/variant.ts";
import type { AdapterDescription, Arithmetic, BackendName } from "../engine/types.ts";
import type { Certificate, CertifyResult } from "../certify/types.ts";
import type { Recipe } from "./recipes.ts";

/** Options of {@linkcode train}. */
export interface TrainOptions {
  /** The name of a recipe, or a recipe of your own. @default {"sure"; "fast" for continueTraining} */
  recipe?: string | Recipe;
  /** The variant of the model. @default {763} */
  model?: ModelName;
  /** A whole number in [0, 2^32): the same seed gives the same weights. @default {1} */
  seed?: number;
  /** Ends the run after that many steps of the recipe, its schedules unchanged. @default {all of the recipe} */
  steps?: number;
  /**
   * Trains so many attempts side by side, one a thread, the later ones in case the earlier ones fail at a gate: a run that does not learn then costs
   * no second try. The result is that of one attempt after the other, to the byte. Nothing is saved before the end.
   * @default {one after the other, as the recipe says}
   */
  attempts?: number;
  /** What to run on. @default {"auto"} */
  backend?: BackendName | "auto";
  /** Threads, 1 … 64, also of the proof. @default {1; all of them for the proof} */
  threads?: number;
  /** `exact` gives the same bytes on every machine. @default {"exact"; "fast" on a GPU} */
  arithmetic?: Arithmetic;
  /** Folder for `model.safetensors`, `state.safetensors` and `log.jsonl`; made if missing. Without it nothing is written. */
  out?: string;
  /** Goes on with the unfinished run in `out`, whose recipe, model and seed it keeps. @default {false} */
  resume?: boolean;
  /** Evaluates every that many steps; 0: only at the end. @default {what the recipe says} */
  evalEvery?: number;
  /**
   * Whether to end with a proof that the weights add every pair correctly, or a pair that they add wrongly. With recipe `sure`, training goes
   * on with the failing pairs until the proof succeeds. The command line turns this on: there, `--no-certify` turns it off.
   * @default {false}
   */
  certify?: boolean;
  /**
   * Trains on with what the proof finds to be wrong or narrow, until it goes through; includes `certify`.
   * @default {with `certify` as the recipe says, else false}
   */
  harden?: boolean;
  /** Seconds between two saves of the state in `out`, about; 0: as often as it can. @default {10} */
  saveEvery?: number;
  /**
   * Asks so many held-out problems now and then while it trains, at most twice a second and for at most 2% of the time, and tells the result as
   * an event `glance`; 0: never. What is trained does not depend on it.
   * @default {0}
   */
  glanceProblems?: number;
  /** Held-out problems of the evaluation that ends the run. @default {100_000} */
  finalProblems?: number;
  /** Ends the run early: the state is saved, and the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Is told what happens, in order. */
  onProgress?: (event: ProgressEvent) => void;
}

/** Options of {@linkcode continueTraining}. */
export interface ContinueOptions extends Omit<TrainOptions, "model" | "attempts"> {
  /** The checkpoint to start from: its bytes, or the path of a safetensors file. Not needed with `resume`. */
  from?: Uint8Array | string;
}

/** What {@linkcode TrainOptions.onProgress} is told. */
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
    /** Training throughput since the last event of this type. */
    examplesPerSecond: number;
  }
  | {
    type: "glance";
    step: number;
    /** Problems asked. */
    total: number;
    /** Of these, answered rightly. */
    correct: number;
  }
  | {
    type: "evaluation";
    step: number;
    total: number;
    correct: number;
    exactMatch: number;
    /** The share of right digits at each of the eleven places of the sum, ones first. */
    digitAccuracy: number[];
  }
  | { type: "restart"; attempt: number; step: number; stage: string; loss: number; gate: number }
  | { type: "certification"; step: number; proved: number; seconds: number }
  | { type: "hardening"; step: number; round: number; proved: number; pool: number }
  | { type: "checkpoint"; step: number; path: string }
  | { type: "end"; step: number; exactMatch: number };

/** One restart: which gate closed, and with what loss. */
export interface RestartReport {
  /** The stage whose gate closed. */
  stage: string;
  /** The step of the attempt at which it closed. */
  step: number;
  /** The mean training loss before it. */
  loss: number;
  /** The loss that it would have let through. */
  gate: number;
}

/** One evaluation during the run. */
export interface EvaluationReport {
  /** Steps of the attempt before it. */
  step: number;
  /** Problems asked. */
  total: number;
  /** Problems answered rightly. */
  correct: number;
}

/** What a run was and what came out. */
export interface TrainReport {
  /** The variant of the model. */
  model: ModelName;
  /** The recipe's name. */
  recipe: string;
  /** The seed of weights and examples. */
  seed: number;
  /** Steps of the attempt that counts. */
  steps: number;
  /** Examples trained on, those of attempts that were given up and of hardening included. */
  examples: number;
  /** Seconds from the call to the result, everything included. */
  seconds: number;
  /** Seconds of training alone. */
  trainSeconds: number;
  /** What really ran. */
  backend: BackendName;
  /** The GPU that it ran on, and whether that is a program on the CPU; null where it ran on none. */
  adapter: AdapterDescription | null;
  /** Threads at work. */
  threads: number;
  /** The arithmetic that really ran. */
  arithmetic: Arithmetic;
  /** Share of held-out uniform 10-digit pairs added rightly at the end. */
  exactMatch: number;
  /** How many pairs that was measured on. */
  evaluated: number;
  /** Whether a proof covers all pairs; null where none was tried. */
  certified: boolean | null;
  /** Rounds of training on what the proof found; null where there were to be none. */
  hardeningRounds: number | null;
  /** The least margin over all inputs, in logits; null unless proved. */
  worstMargin: number | null;
  /** A pair that the weights add wrongly, if the proof found one. */
  counterexample: CertifyResult["counterexample"];
  /** The path of the checkpoint written, or null. */
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

/** What a run gives. */
export interface TrainResult {
  /** The weights. */
  parameters: Float32Array;
  /** The checkpoint, bytes of a safetensors file. */
  checkpoint: Uint8Array;
  /** What happened. */
  report: TrainReport;
  /** The proof that the weights are right on all inputs; null where there is none or it was not asked for. */
  certificate: Certificate | null;
}
