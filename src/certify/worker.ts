// What a worker of the pool runs. `deno task build:prover` bundles it, with all that it imports, into worker_source.ts.
import { Prover } from "./prover.ts";
import type { WorkerMessage } from "./worker_pool.ts";

/** The scope of a worker, whose types exclude those of a page. */
const scope = globalThis as unknown as MessagePort;
let prover: Prover;

scope.onmessage = ({ data }: MessageEvent<WorkerMessage | null>) => {
  if (data === null) scope.postMessage("ready");
  else if ("keys" in data) prover = new Prover(data);
  else {
    try {
      scope.postMessage({ result: prover.run(data) });
    } catch (error) {
      scope.postMessage({ error });
    }
  }
};
