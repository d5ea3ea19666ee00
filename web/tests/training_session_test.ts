/** A run of the page is a run of the library: watched, paused and continued it ends with the same bytes. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ProgressEvent } from "../../src/training/types.ts";
import { train } from "../../src/training/train.ts";
import type { TrainRequest } from "../protocol.ts";
import { type SessionListener, TrainingSession } from "../training_session.ts";

const REQUEST: TrainRequest = {
  ...{ recipe: "fast", seed: 4, model: 763, backend: "wasm", arithmetic: "exact", threads: 1, certify: false },
};

const PAUSE = new Error("pause");

/** What a listener heard. */
class Heard implements SessionListener {
  readonly losses: number[] = [];
  readonly events: ProgressEvent[] = [];
  readonly machinery: unknown[] = [];
  /** Is called with every event. */
  onEvent = (_: ProgressEvent) => {};

  onMachinery(machinery: unknown): void {
    this.machinery.push(machinery);
  }

  onLosses(firstStep: number, losses: Float32Array): void {
    if (firstStep === 1) this.losses.length = 0; // a new attempt, where a gate has closed
    assertEquals(firstStep, this.losses.length + 1);
    this.losses.push(...losses);
  }

  onProgress(event: ProgressEvent): void {
    this.events.push(event);
    this.onEvent(event);
  }

  of<T extends ProgressEvent["type"]>(type: T): Extract<ProgressEvent, { type: T }>[] {
    return this.events.filter((event) => event.type === type) as Extract<ProgressEvent, { type: T }>[];
  }
}

Deno.test("a run that is watched, paused twice and continued gives the bytes of train()", async () => {
  const expected = await train({ recipe: "fast", seed: 4, evalEvery: 0 });

  const heard = new Heard();
  const session = new TrainingSession(REQUEST, heard);
  for (const stopAfter of [500, 7000]) {
    const controller = new AbortController();
    heard.onEvent = (event) => {
      if (event.type === "step" && event.step >= stopAfter) controller.abort(PAUSE);
    };
    assertEquals(await assertRejects(() => session.start(controller.signal)), PAUSE);
    const { step } = session.weights!;
    assert(step >= stopAfter && step < 13_000, `paused at ${step}`);
  }
  heard.onEvent = () => {};
  const { parameters, report } = await session.start(new AbortController().signal);

  assertEquals(parameters, expected.parameters);
  assertEquals([report.exactMatch, report.examples], [expected.report.exactMatch, expected.report.examples]);
  assertEquals(report.checkpoint, null);
  assertEquals(heard.machinery.length, 3);
  assertEquals(heard.losses.length, 13_000);
  assertEquals(heard.of("restart").length, expected.report.restarts.length);
  const resumed = heard.of("start").map(({ resumedAt }) => resumedAt);
  assertEquals(resumed[0], 0);
  assert(resumed[1] >= 500 && resumed[2] >= 7000, String(resumed));
});

Deno.test("a run is evaluated in the rhythm of a logarithmic axis", async () => {
  const heard = new Heard();
  const controller = new AbortController();
  heard.onEvent = (event) => {
    if (event.type === "step" && event.step >= 2000) controller.abort(PAUSE);
  };
  await assertRejects(() => new TrainingSession(REQUEST, heard).start(controller.signal));
  const evaluations = heard.of("evaluation");
  const steps = evaluations.map(({ step }) => step);
  assert(steps.length >= 10, String(steps));
  for (const [i, step] of steps.slice(1).entries()) assert(step >= 1.12 * steps[i], String(steps));
  for (const { digitAccuracy } of evaluations) assertEquals(digitAccuracy.length, 11);
});

Deno.test("a pause of the proof goes on with the proof", async () => {
  const heard = new Heard();
  const session = new TrainingSession({ ...REQUEST, certify: true, seed: 4 }, heard);
  const controller = new AbortController();
  heard.onEvent = (event) => {
    if (event.type === "certification") controller.abort(PAUSE);
  };
  assertEquals(await assertRejects(() => session.start(controller.signal)), PAUSE);
  assertEquals(session.weights?.step, 13_000);
  const steps = heard.losses.length;
  heard.onEvent = () => {};
  const { report } = await session.start(new AbortController().signal);
  assertEquals(heard.losses.length, steps); // no step is taken again
  assert(report.certified !== null);
});

Deno.test("a backend that is missing is an error, and nothing else runs instead", async () => {
  const heard = new Heard();
  const session = new TrainingSession({ ...REQUEST, backend: "nothing" as "wasm" }, heard);
  await assertRejects(
    () => session.start(new AbortController().signal),
    RangeError,
    "Cannot create an engine as backend",
  );
  assertEquals([heard.machinery, heard.events, heard.losses], [[], [], []]);
});
