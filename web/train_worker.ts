import {
  failureOf,
  type StepEvent,
  type TrainNews,
  type TrainOrder,
  type TrainRequest,
  type WorkerScope,
} from "./protocol.ts";
import { TrainingSession } from "./training_session.ts";

/** Least milliseconds between two messages about steps, and between two about weights. */
const STEPS_MS = 80;
const WEIGHTS_MS = 400;

const scope = globalThis as unknown as WorkerScope<TrainOrder, TrainNews>;
const PAUSE = new Error("paused");

/** Losses that are not sent yet, and the step of the first one. */
let waiting: Float32Array[] = [];
let waitingFrom = 0;
let lastStep: StepEvent | undefined;
let toldSteps = -Infinity;
let toldWeights = -Infinity;

function tellSteps(): void {
  if (lastStep === undefined) return;
  const losses = new Float32Array(waiting.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of waiting) {
    losses.set(chunk, at);
    at += chunk.length;
  }
  scope.postMessage({ type: "steps", firstStep: waitingFrom, losses, event: lastStep });
  waiting = [];
  lastStep = undefined;
  toldSteps = performance.now();
}

function createSession(request: TrainRequest): TrainingSession {
  return new TrainingSession(request, {
    onMachinery: (machinery) => scope.postMessage({ type: "machinery", ...machinery }),
    onLosses(firstStep, losses) {
      if (waiting.length === 0) waitingFrom = firstStep;
      waiting.push(losses);
    },
    onProgress(event, weights) {
      if (event.type !== "step") {
        if (event.type !== "evaluation") tellSteps(); // evaluations come between losses and their step event
        return scope.postMessage({ type: "event", event });
      }
      const now = performance.now();
      lastStep = event;
      if (now - toldSteps >= STEPS_MS) tellSteps();
      if (now - toldWeights < WEIGHTS_MS) return;
      toldWeights = now;
      scope.postMessage({ type: "weights", step: event.step, parameters: weights() });
    },
  });
}

let session: TrainingSession | undefined;
let controller = new AbortController();

async function work(): Promise<void> {
  controller = new AbortController();
  try {
    const result = await session!.start(controller.signal);
    tellSteps();
    scope.postMessage({ type: "done", result });
  } catch (error) {
    tellSteps();
    if (error === PAUSE) scope.postMessage({ type: "paused", weights: session!.weights });
    else scope.postMessage({ type: "failed", failure: failureOf(error) });
  }
}

scope.onmessage = ({ data }) => {
  switch (data.type) {
    case "train":
      session = createSession(data.request);
      return void work();
    case "pause":
      return controller.abort(PAUSE);
    case "continue":
      return void work();
  }
};
