import { certify } from "../src/certify/certify.ts";
import { harden } from "../src/certify/harden.ts";
import type { CertifyProgress } from "../src/certify/types.ts";
import { failed, type ProofNews, type ProofOrder, type WorkerScope } from "./protocol.ts";

/** The prover gives up after this many seconds. */
const MOST_SECONDS = 120;

const scope = globalThis as unknown as WorkerScope<ProofOrder, ProofNews>;

scope.onmessage = async ({ data: { model, parameters, threads, harden: hardens } }) => {
  const onProgress = (progress: CertifyProgress) => scope.postMessage({ type: "progress", progress });
  try {
    const { result, parameters: hardened = parameters } = hardens
      ? await harden({ model, parameters }, {
        ...{ threads, onProgress },
        onRound: (round) => scope.postMessage({ type: "round", ...round }),
      })
      : { result: await certify({ model, parameters }, { seconds: MOST_SECONDS, threads, onProgress }) };
    scope.postMessage({ type: "done", result, parameters: hardened });
  } catch (error) {
    scope.postMessage(failed(error));
  }
};
