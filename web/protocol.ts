/**
 * What the page and its workers say to each other.
 *
 * @module
 */
import type { CertifyProgress, CertifyResult } from "../src/certify/types.ts";
import type { Arithmetic, BackendName, Engine } from "../src/engine/types.ts";
import type { ModelName } from "../src/model/variant.ts";
import type { ProgressEvent, TrainResult } from "../src/training/types.ts";

/** What to train, and on what. */
export interface TrainRequest {
  recipe: string;
  seed: number;
  model: ModelName;
  backend: BackendName;
  /** Undefined: that of the backend. */
  arithmetic?: Arithmetic;
  threads: number;
  /** Whether the run ends with a proof, and with hardening where the recipe has it. */
  certify: boolean;
}

/** What the page tells a worker that trains. */
export type TrainOrder =
  | { type: "train"; request: TrainRequest }
  /** Ends the work, and keeps all that an exact continuation needs. */
  | { type: "pause" }
  | { type: "continue" };

/** What really runs. */
export type Machinery = Pick<Engine, "backend" | "threads" | "arithmetic" | "adapter">;

/** An error on its way between threads: its class by name, and its message. */
export interface Failure {
  name: string;
  message: string;
}

/** The weights after a step. */
export interface Weights {
  step: number;
  parameters: Float32Array;
}

/** A step event, without what the page has from the losses. */
export type StepEvent = Extract<ProgressEvent, { type: "step" }>;

/** What a worker that trains tells the page. */
export type TrainNews =
  | ({ type: "machinery" } & Machinery)
  /** The loss of every step from `firstStep` on, and the last event about them. */
  | { type: "steps"; firstStep: number; losses: Float32Array; event: StepEvent }
  | { type: "event"; event: Exclude<ProgressEvent, { type: "step" }> }
  /** The weights after a step, now and then. */
  | ({ type: "weights" } & Weights)
  /** It has stopped, with these weights. */
  | { type: "paused"; weights: Weights | undefined }
  | { type: "done"; result: TrainResult }
  | { type: "failed"; failure: Failure };

/** What the page asks a worker that proves. */
export interface ProofOrder {
  model: ModelName;
  parameters: Float32Array;
  threads: number;
}

/** What a worker that proves tells the page. */
export type ProofNews =
  | { type: "progress"; progress: CertifyProgress }
  | { type: "done"; result: CertifyResult }
  | { type: "failed"; failure: Failure };

/** The scope of a worker, whose types exclude those of a page. */
export interface WorkerScope<Order, News> {
  onmessage: ((event: MessageEvent<Order>) => void) | null;
  postMessage(news: News): void;
}

/** An error as plain data. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Error) return { name: error.name, message: error.message };
  return { name: "Error", message: String(error) };
}
