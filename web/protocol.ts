import type { CertifyProgress, CertifyResult } from "../src/certify/types.ts";
import type { Arithmetic, BackendName, Engine } from "../src/engine/interface/types.ts";
import type { ModelName } from "../src/model/variant.ts";
import type { ProgressEvent, TrainResult } from "../src/training/types.ts";

export interface TrainRequest {
  recipe: string;
  seed: number;
  model: ModelName;
  backend: BackendName;
  /** Undefined: the default of the backend. */
  arithmetic?: Arithmetic;
  threads: number;
  /** Whether the run ends with a proof, and with hardening if the recipe has it. */
  certify: boolean;
}

/** From the page to the training worker. */
export type TrainOrder =
  | { type: "train"; request: TrainRequest }
  /** Stops, but keeps all that an exact continuation needs. */
  | { type: "pause" }
  | { type: "continue" };

/** What runs, which may have fewer threads than were requested. */
export type Machinery = Pick<Engine, "backend" | "threads" | "arithmetic" | "adapter">;

/** An error as plain data, which can be sent between threads. */
export interface Failure {
  name: string;
  message: string;
}

export interface Weights {
  step: number;
  parameters: Float32Array;
}

export type StepEvent = Extract<ProgressEvent, { type: "step" }>;

/** From the training worker to the page. */
export type TrainNews =
  | ({ type: "machinery" } & Machinery)
  /** The loss of every step from `firstStep` on, and the latest step event. */
  | { type: "steps"; firstStep: number; losses: Float32Array; event: StepEvent }
  | { type: "event"; event: Exclude<ProgressEvent, { type: "step" }> }
  | ({ type: "weights" } & Weights)
  | { type: "paused"; weights: Weights | undefined }
  | { type: "done"; result: TrainResult }
  | { type: "failed"; failure: Failure };

/** From the page to the proving worker. */
export interface ProofOrder {
  model: ModelName;
  parameters: Float32Array;
  threads: number;
}

/** From the proving worker to the page. */
export type ProofNews =
  | { type: "progress"; progress: CertifyProgress }
  | { type: "done"; result: CertifyResult }
  | { type: "failed"; failure: Failure };

/** The global scope of a worker; its own types cannot be loaded together with those of a page. */
export interface WorkerScope<Order, News> {
  onmessage: ((event: MessageEvent<Order>) => void) | null;
  postMessage(news: News): void;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof Error) return { name: error.name, message: error.message };
  return { name: "Error", message: String(error) };
}
