/**
 * The worker that proves a model right, or finds where it is wrong. It gathers a crew of workers of its own.
 *
 * @module
 */
import { certify } from "../src/certify/certify.ts";
import { failureOf, type ProofNews, type ProofOrder, type WorkerScope } from "./protocol.ts";

/** Seconds after which a proof is given up. */
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
    scope.postMessage({ type: "failed", failure: failureOf(error) });
  }
};
