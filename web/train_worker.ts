import { failed, type TrainNews, type TrainOrder, type WorkerScope } from "./protocol.ts";
import { TrainingSession } from "./training_session.ts";

const scope = globalThis as unknown as WorkerScope<TrainOrder, TrainNews>;
const PAUSE = new Error("paused");

let session: TrainingSession | undefined;
let controller = new AbortController();

scope.onmessage = async ({ data }) => {
  if (data.type === "pause") return controller.abort(PAUSE);
  if (data.type === "train") session = new TrainingSession(data.request, (news) => scope.postMessage(news));
  controller = new AbortController();
  try {
    scope.postMessage({ type: "done", result: await session!.start(controller.signal) });
  } catch (error) {
    if (error === PAUSE) scope.postMessage({ type: "paused", weights: session!.weights });
    else scope.postMessage(failed(error));
  }
};
