// What a worker of the pool runs. `deno task build:prover` bundles it, with all that it imports, into worker_source.ts.
import { Prover } from "./prover.ts";
import type { WorkerMessage } from "./worker_pool.ts";

/** The scope of a worker, whose types exclude those of a page. */
interface WorkerScope {
  onmessage: (event: MessageEvent<WorkerMessage | null>) => void;
  postMessage(message: unknown): void;
}

const scope = globalThis as unknown as WorkerScope;
let prover: Prover;

scope.onmessage = ({ data }) => {
  if (data === null) scope.postMessage("ready");
  else if ("numbers" in data) prover = new Prover(data.numbers);
  else {
    try {
      scope.postMessage({ result: prover.run(data.task) });
    } catch (error) {
      scope.postMessage({ error: error instanceof Error ? error.message : String(error) });
    }
  }
};
