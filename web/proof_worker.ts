import { certify } from "../src/certify/certify.ts";
import { harden } from "../src/certify/harden.ts";
import type { CertifyProgress } from "../src/certify/types.ts";
import { failed, type ProofNews, type ProofOrder } from "./protocol.ts";

const report = (news: ProofNews) => postMessage(news);

onmessage = async ({ data: { model, parameters, threads, harden: hardens } }: MessageEvent<ProofOrder>) => {
  const options = { threads, onProgress: (progress: CertifyProgress) => report({ type: "progress", progress }) };
  try {
    const { result, parameters: hardened = parameters } = hardens
      ? await harden({ model, parameters }, { ...options, onRound: (round) => report({ type: "round", ...round }) })
      : { result: await certify({ model, parameters }, { ...options, seconds: 120 }) };
    report({ type: "done", result, parameters: hardened });
  } catch (error) {
    report(failed(error));
  }
};
