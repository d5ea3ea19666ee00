import type { Certificate } from "../certify/types.ts";
import type { RunState } from "./progress.ts";
import type { ProgressEvent, TrainResult } from "./types.ts";

type Weights = Pick<TrainResult, "parameters" | "checkpoint">;

/** Events beyond those for `onProgress`: for the files of a run, and the page. */
type InternalEvent =
  /** The run is before its first step. Its folder is no longer that of an earlier run, and the log begins with the settings. */
  | { type: "begin"; settings: Record<string, unknown>; state: RunState }
  /** The loss of each step from `firstStep` on, which counts from 1; the event `step` with their mean follows. */
  | { type: "losses"; firstStep: number; losses: Float32Array }
  /** The run is between two steps. Its state may be saved, and must be if it is due: the run stops, or will not come back for long. */
  | { type: "state"; due: boolean; state: () => RunState }
  /** The weights of a step that the option `keep` names. `checkpoint` makes a file of them. */
  | { type: "kept"; step: number; parameters: Float32Array; checkpoint: () => Uint8Array }
  /** The final weights, as a checkpoint, before their proof. */
  | (Weights & { type: "model"; step: number; exactMatch: number; examples: number })
  | { type: "certificate"; certificate: Certificate };

/** An event of a run. */
export type RunEvent = Exclude<ProgressEvent, { type: "checkpoint" }> | InternalEvent;

/** Takes an event of a run, which waits until the promise resolves. */
export type Emit = (event: RunEvent) => Promise<void>;

const INTERNAL: readonly string[] = ["begin", "losses", "state", "kept", "model", "certificate"];

/** Whether an event is for `onProgress`. */
export function isProgress(event: RunEvent): event is Exclude<RunEvent, InternalEvent> {
  return !INTERNAL.includes(event.type);
}
