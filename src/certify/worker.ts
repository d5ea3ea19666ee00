// What a worker of the pool runs. `deno task build:prover` bundles it, with all that it imports, into worker_source.ts.
import { Prover } from "./prover.ts";
import { runTask } from "./task.ts";
import type { WorkerMessage } from "./worker_pool.ts";

/** The scope of a worker, whose types exclude those of a page. */
interface WorkerScope {
  onmessage: (event: MessageEvent<WorkerMessage>) => void;
  postMessage(message: unknown): void;
}

const scope = globalThis as unknown as WorkerScope;
let prover: Prover;

scope.onmessage = ({ data }) => {
  if ("numbers" in data) {
    prover = new Prover(data.numbers);
    return;
  }
  try {
    scope.postMessage({ result: runTask(prover, data.task) });
  } catch (error) {
    scope.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
};
scope.postMessage("ready");
