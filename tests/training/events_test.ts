/** Reading the events of a run, and making events of work that reports through a function. */
import { assertEquals, assertRejects } from "@std/assert";
import { emitted, follow, type RunEvent } from "../../src/training/events.ts";
import type { ProgressEvent, TrainResult } from "../../src/training/types.ts";

const RESULT = { parameters: new Float32Array(1) } as TrainResult;

async function* of(...events: RunEvent[]): AsyncGenerator<RunEvent, void> {
  yield* events;
}

Deno.test("follow() records every event before it reports those that are for everyone, and returns the result", async () => {
  const heard: string[] = [];
  const restart = { type: "restart", attempt: 1, step: 5, stage: "first", loss: 2, gate: 1 } as const;
  const losses = { type: "losses", firstStep: 1, losses: new Float32Array(5) } as const;
  const result = await follow(
    of(losses, restart, { type: "finished", result: RESULT }),
    async ({ type }) => {
      await Promise.resolve();
      heard.push(`record ${type}`);
    },
    ({ type }) => heard.push(`report ${type}`),
  );
  assertEquals(result, RESULT);
  assertEquals(heard, ["record losses", "record restart", "report restart", "record finished"]);
});

Deno.test("follow() leaves a run whose reader fails, so that the run can tidy up", async () => {
  let tidied = false;
  async function* run(): AsyncGenerator<RunEvent, void> {
    try {
      for (let step = 0;; step++) yield { type: "end", step, exactMatch: 0 };
    } finally {
      tidied = true;
    }
  }
  const onProgress = (event: ProgressEvent) => {
    if ("step" in event && event.step === 2) throw new Error("a reader's fault");
  };
  await assertRejects(() => follow(run(), () => {}, onProgress), Error, "a reader's fault");
  assertEquals(tidied, true);
});

Deno.test("emitted() yields what work reports, in order, whether its reader is slow or fast, and returns its result", async () => {
  for (const [work, read] of [[0, 5], [5, 0]]) {
    const events = emitted<number, string>(async (emit) => {
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, work));
        emit(i);
      }
      return "done";
    });
    const found: number[] = [];
    for (;;) {
      const { done, value } = await events.next();
      if (done) {
        assertEquals(value, "done");
        break;
      }
      found.push(value);
      await new Promise((resolve) => setTimeout(resolve, read));
    }
    assertEquals(found, [0, 1, 2, 3, 4]);
  }
});

Deno.test("emitted() starts its work before it is read, and keeps an error for its reader", async () => {
  let started = false;
  const events = emitted<number, void>((emit) => {
    started = true;
    emit(1);
    return Promise.reject(new Error("work failed"));
  });
  assertEquals(started, true);
  await new Promise((resolve) => setTimeout(resolve, 1)); // an error that nobody awaits would end the process here
  assertEquals(await events.next(), { done: false, value: 1 });
  await assertRejects(() => events.next(), Error, "work failed");
});
