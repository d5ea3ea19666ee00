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

export interface Weights {
  step: number;
  parameters: Float32Array;
}

/** Sums of an evaluation during a run, which takes a few milliseconds. */
export const EVALUATED = 4000;

type Failed = { type: "failed"; failure: string };

export type SessionNews =
  | ProgressEvent
  /** Each time the run starts or continues. */
  | ({ type: "machinery" } & Machinery)
  /** The losses of steps `firstStep` on, before the step event with their mean. */
  | { type: "losses"; firstStep: number; losses: Float32Array }
  /** The weights of a step that the page can return to. */
  | ({ type: "snapshot" } & Weights);

/** From the training worker to the page. */
export type TrainNews =
  | SessionNews
  | { type: "paused"; weights: Weights | undefined }
  | { type: "done"; result: TrainResult }
  | Failed;

/** From the page to the proving worker. */
export interface ProofOrder {
  model: ModelName;
  parameters: Float32Array;
  threads: number;
  /** Whether to train on the pairs that the proof fails on, until it succeeds. */
  harden: boolean;
}

/** From the proving worker to the page. */
export type ProofNews =
  | { type: "progress"; progress: CertifyProgress }
  /** Before each round of training. */
  | { type: "round"; round: number; proved: number; pool: number }
  | { type: "done"; result: CertifyResult; parameters: Float32Array }
  | Failed;

export function failed(error: unknown): Failed {
  return { type: "failed", failure: error instanceof Error ? error.message : String(error) };
}

export type LabWorker<Order> = Pick<Worker, "terminate"> & { postMessage(order: Order): void };

/** Starts a worker. If its script does not load, the page hears of a failure. */
export function startWorker<Order, News>(
  name: "train" | "proof",
  hear: (news: News | Failed) => void,
): LabWorker<Order> {
  const worker = new Worker(new URL(`./${name}_worker.js`, import.meta.url), { type: "module", name });
  worker.onmessage = ({ data }: MessageEvent<News>) => hear(data);
  worker.onerror = (event) => {
    event.preventDefault();
    hear(failed(event.message || "Cannot start as the worker's script must load: reload the page"));
  };
  return worker;
}
