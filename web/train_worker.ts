import { failed, type TrainNews, type TrainOrder } from "./protocol.ts";
import { TrainingSession } from "./training_session.ts";

const PAUSE = new Error("paused");
const report = (news: TrainNews) => postMessage(news);

let session: TrainingSession | undefined;
let controller = new AbortController();

onmessage = async ({ data }: MessageEvent<TrainOrder>) => {
  if (data.type === "pause") return controller.abort(PAUSE);
  if (data.type === "train") session = new TrainingSession(data.request, report);
  controller = new AbortController();
  try {
    report({ type: "done", result: await session!.start(controller.signal) });
  } catch (error) {
    report(error === PAUSE ? { type: "paused", weights: session!.weights } : failed(error));
  }
};
