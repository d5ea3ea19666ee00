import type { CertifyCheckpoint, CertifyProgress, CertifyResult } from "../src/certify/types.ts";
import type { BackendName, Engine } from "../src/engine/interface/types.ts";
import type { RunEvent } from "../src/training/events.ts";
import type { ProgressEvent, TrainOptions, TrainResult } from "../src/training/types.ts";

/** Options of `train()`, of which the page always gives all but the arithmetic. */
export type TrainRequest =
  & Required<Pick<TrainOptions, "seed" | "model" | "threads" | "certify">>
  & Pick<TrainOptions, "arithmetic">
  & { recipe: string; backend: BackendName };

/** From the page to a worker, which trains or proves. */
export type Order =
  | { type: "train"; request: TrainRequest }
  /** Stops, but keeps all that an exact continuation needs. */
  | { type: "pause" }
  | { type: "continue" }
  /** `hardens`: also trains on the pairs that the proof fails on, until it succeeds. */
  | { type: "prove"; checkpoint: CertifyCheckpoint; threads: number; hardens: boolean };

export interface Weights {
  step: number;
  parameters: Float32Array;
}

/** Sums of an evaluation during a run, which takes a few milliseconds. */
export const EVALUATED = 4000;

export type SessionNews =
  | ProgressEvent
  /** What runs, which may have fewer threads than were requested: each time the run starts or continues. */
  | ({ type: "machinery" } & Pick<Engine, "backend" | "threads" | "arithmetic" | "adapter">)
  | Extract<RunEvent, { type: "losses" }>
  /** The weights of a step that the page can return to. */
  | ({ type: "snapshot" } & Weights);

/** From a worker to the page. */
export type News =
  | SessionNews
  | { type: "paused"; weights: Weights | undefined }
  | { type: "trained"; result: TrainResult }
  | { type: "progress"; progress: CertifyProgress }
  /** Before each round of training that hardens. */
  | { type: "round"; round: number; proved: number; pool: number }
  | { type: "proved"; result: CertifyResult; parameters: Float32Array }
  | { type: "failed"; failure: string };

export type LabWorker = Pick<Worker, "terminate"> & { postMessage(order: Order): void };

/** Starts a worker with its first order. If its script does not load, the page hears of a failure. */
export function startWorker(order: Order, hear: (news: News) => void): LabWorker {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<News>) => hear(data);
  worker.onerror = (event) => {
    event.preventDefault();
    const failure = event.message || "Cannot start as the worker's script must load: reload the page";
    hear({ type: "failed", failure });
  };
  worker.postMessage(order);
  return worker;
}
