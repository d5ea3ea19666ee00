import type { CertifyProgress } from "../src/certify/types.ts";
import type { News, Order } from "./protocol.ts";
import { TrainingSession } from "./training_session.ts";

const PAUSE = new Error("paused");
const report = (news: News) => postMessage(news);

let session: TrainingSession | undefined;
let controller = new AbortController();

onmessage = async ({ data }: MessageEvent<Order>) => {
  if (data.type === "pause") return controller.abort(PAUSE);
  try {
    if (data.type === "prove") return await prove(data);
    if (data.type === "train") session = new TrainingSession(data.request, report);
    controller = new AbortController();
    report({ type: "trained", result: await session!.start(controller.signal) });
  } catch (error) {
    if (error === PAUSE) report({ type: "paused", weights: session!.weights });
    else report({ type: "failed", failure: (error as Error).message });
  }
};

async function prove({ checkpoint, threads, hardens }: Extract<Order, { type: "prove" }>): Promise<void> {
  const { certify } = await import("../src/certify/certify.ts"); // loaded lazily, as training needs neither at first
  const { harden } = await import("../src/certify/harden.ts");
  const options = { threads, onProgress: (progress: CertifyProgress) => report({ type: "progress", progress }) };
  const { result, parameters = checkpoint.parameters } = hardens
    ? await harden(checkpoint, { ...options, onRound: (round) => report({ type: "round", ...round }) })
    : { result: await certify(checkpoint, { ...options, seconds: 120 }) };
  report({ type: "proved", result, parameters });
}
