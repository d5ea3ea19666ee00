import { certify } from "../src/certify/certify.ts";
import { failed, type ProofNews, type ProofOrder, type WorkerScope } from "./protocol.ts";

/** The prover gives up after this many seconds. */
const MOST_SECONDS = 120;

const scope = globalThis as unknown as WorkerScope<ProofOrder, ProofNews>;

scope.onmessage = async ({ data: { model, parameters, threads } }) => {
  try {
    const result = await certify({ model, parameters }, {
      ...{ seconds: MOST_SECONDS, threads },
      onProgress: (progress) => scope.postMessage({ type: "progress", progress }),
    });
    scope.postMessage({ type: "done", result });
  } catch (error) {
    scope.postMessage(failed(error));
  }
};
