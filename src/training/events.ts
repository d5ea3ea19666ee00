import type { Certificate } from "../certify/types.ts";
import type { RunState } from "./run.ts";
import type { ProgressEvent, TrainResult } from "./types.ts";

type Weights = Pick<TrainResult, "parameters" | "checkpoint">;

/** Events beyond those for `onProgress`: for the files of a run, the page, and the caller who waits for the result. */
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
  | { type: "certificate"; certificate: Certificate }
  | { type: "finished"; result: TrainResult };

/** An event of a run. The run waits until its reader requests the next one. */
export type RunEvent = Exclude<ProgressEvent, { type: "checkpoint" }> | InternalEvent;

export type RunEvents<Result = void> = AsyncGenerator<RunEvent, Result, void>;

const INTERNAL: readonly string[] = ["begin", "losses", "state", "kept", "model", "certificate", "finished"];

/** Reads a run to its end. `record` gets every event, `onProgress` afterwards those that are for everyone. */
export async function follow(
  events: AsyncIterable<RunEvent>,
  record: (event: RunEvent) => Promise<void> | void,
  onProgress: (event: ProgressEvent) => void,
): Promise<TrainResult> {
  for await (const event of events) {
    await record(event);
    if (event.type === "finished") return event.result;
    if (!INTERNAL.includes(event.type)) onProgress(event as ProgressEvent);
  }
  throw new Error("a run ended without a result"); // no generator of this folder does
}

/** Starts work that reports through a function, and yields what it reports. The result, or error, is that of the work. */
export function emitted<Event, Result>(
  work: (emit: (event: Event) => void) => Promise<Result>,
): AsyncGenerator<Event, Result, void> {
  let result!: Promise<Result>;
  const queue = new ReadableStream<Event>({
    start(controller) {
      result = work((event) => controller.enqueue(event));
      result.catch(() => {}).finally(() => controller.close()); // an error is for the reader, who may come later
    },
  }).getReader();
  return (async function* () {
    for (;;) {
      const { done, value } = await queue.read();
      if (done) return await result;
      yield value;
    }
  })();
}
