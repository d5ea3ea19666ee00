/**
 * What a worker of the crew runs. `deno task build:prover` bundles it, with all that it imports, into worker_source.ts.
 *
 * @module
 */
import type { Order } from "./crew.ts";
import { Prover } from "./prover.ts";

/** The scope of a worker, whose types exclude those of a page. */
interface WorkerScope {
  onmessage: (event: MessageEvent<Order>) => void;
  postMessage(message: unknown): void;
}

const scope = globalThis as unknown as WorkerScope;
let prover: Prover;

scope.onmessage = ({ data }) => {
  if ("model" in data) {
    prover = new Prover(data.model, data.parameters);
    return;
  }
  const methods = prover as unknown as Record<string, (...args: unknown[]) => unknown>;
  try {
    scope.postMessage({ answer: methods[data.method](...data.args) });
  } catch (error) {
    scope.postMessage({ error: error instanceof Error ? error.message : String(error) });
  }
};
scope.postMessage("ready");
