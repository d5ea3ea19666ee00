/** A run of the page is a run of the library: watched, paused and continued it ends with the same bytes. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ProgressEvent } from "../../src/training/types.ts";
import { trainRecipe } from "../../src/training/recipes.ts";
import { train } from "../../src/training/train.ts";
import type { SessionNews, TrainRequest } from "../protocol.ts";
import { snapshotSteps, TrainingSession } from "../training_session.ts";

const REQUEST: TrainRequest = {
  ...{ recipe: "fast", seed: 4, model: 763, backend: "wasm", arithmetic: "exact", threads: 1, certify: false },
};

const PAUSE = new Error("pause");

/** What a run reports. */
class Reports {
  readonly losses: number[] = [];
  readonly events: ProgressEvent[] = [];
  readonly machinery: unknown[] = [];
  readonly snapshots = new Map<number, Float32Array>();
  /** Is called with every event. */
  onEvent = (_: ProgressEvent) => {};

  readonly add = (news: SessionNews): void => {
    if (news.type === "machinery") this.machinery.push(news);
    else if (news.type === "losses") {
      if (news.firstStep === 1) this.losses.length = 0; // a new attempt, where a gate has closed
      assertEquals(news.firstStep, this.losses.length + 1);
      this.losses.push(...news.losses);
    } else if (news.type === "snapshot") {
      if (news.step === 0) this.snapshots.clear();
      this.snapshots.set(news.step, news.parameters);
    } else {
      this.events.push(news);
      this.onEvent(news);
    }
  };

  of<T extends ProgressEvent["type"]>(type: T): Extract<ProgressEvent, { type: T }>[] {
    return this.events.filter((event) => event.type === type) as Extract<ProgressEvent, { type: T }>[];
  }
}

Deno.test("a run that is watched, paused twice and continued gives the bytes of train()", async () => {
  const expected = await train({ recipe: "fast", seed: 4, evalEvery: 0 });

  const reports = new Reports();
  const session = new TrainingSession(REQUEST, reports.add);
  for (const stopAfter of [500, 7000]) {
    const controller = new AbortController();
    reports.onEvent = (event) => {
      if (event.type === "step" && event.step >= stopAfter) controller.abort(PAUSE);
    };
    assertEquals(await assertRejects(() => session.start(controller.signal)), PAUSE);
    const { step } = session.weights!;
    assert(step >= stopAfter && step < 13_000, `paused at ${step}`);
  }
  reports.onEvent = () => {};
  const { parameters, report } = await session.start(new AbortController().signal);

  assertEquals(parameters, expected.parameters);
  assertEquals([report.exactMatch, report.examples], [expected.report.exactMatch, expected.report.examples]);
  assertEquals(report.checkpoint, null);
  assertEquals(reports.machinery.length, 3);
  assertEquals(reports.losses.length, 13_000);
  assertEquals(reports.of("restart").length, expected.report.restarts.length);
  const resumed = reports.of("start").map(({ resumedAt }) => resumedAt);
  assertEquals(resumed[0], 0);
  assert(resumed[1] >= 500 && resumed[2] >= 7000, String(resumed));
});

Deno.test("a run reports some 200 snapshots, each with the bytes of a run that ends there", async () => {
  const reports = new Reports();
  await new TrainingSession({ ...REQUEST, seed: 2 }, reports.add).start(new AbortController().signal);
  const steps = [...reports.snapshots.keys()];
  assertEquals(steps, snapshotSteps(trainRecipe("fast")));
  assert(steps.length > 150 && steps.length < 250, `${steps.length} snapshots`);
  for (const step of [1, 13, 1000, 5000]) {
    const at = steps.findLast((known) => known <= step)!;
    const { parameters } = await train({ recipe: "fast", seed: 2, steps: at, certify: false, finalProblems: 1 });
    assertEquals(reports.snapshots.get(at), parameters, `step ${at}`);
  }
});

Deno.test("a run is evaluated in the rhythm of a logarithmic axis", async () => {
  const reports = new Reports();
  const controller = new AbortController();
  reports.onEvent = (event) => {
    if (event.type === "step" && event.step >= 2000) controller.abort(PAUSE);
  };
  await assertRejects(() => new TrainingSession(REQUEST, reports.add).start(controller.signal));
  const evaluations = reports.of("evaluation");
  const steps = evaluations.map(({ step }) => step);
  assert(steps.length >= 10, String(steps));
  for (const [i, step] of steps.slice(1).entries()) assert(step >= 1.12 * steps[i], String(steps));
  for (const { digitAccuracy } of evaluations) assertEquals(digitAccuracy.length, 11);
});

Deno.test("a pause of the proof goes on with the proof", async () => {
  const reports = new Reports();
  const session = new TrainingSession({ ...REQUEST, certify: true, seed: 4 }, reports.add);
  const controller = new AbortController();
  reports.onEvent = (event) => {
    if (event.type === "certification") controller.abort(PAUSE);
  };
  assertEquals(await assertRejects(() => session.start(controller.signal)), PAUSE);
  assertEquals(session.weights?.step, 13_000);
  const steps = reports.losses.length;
  reports.onEvent = () => {};
  const { report } = await session.start(new AbortController().signal);
  assertEquals(reports.losses.length, steps); // no step is taken again
  assert(report.certified !== null);
});

Deno.test("a backend that is missing is an error, and nothing else runs instead", async () => {
  const reports = new Reports();
  const session = new TrainingSession({ ...REQUEST, backend: "nothing" as "wasm" }, reports.add);
  await assertRejects(
    () => session.start(new AbortController().signal),
    RangeError,
    "Cannot create an engine as backend",
  );
  assertEquals([reports.machinery, reports.events, reports.losses], [[], [], []]);
});
