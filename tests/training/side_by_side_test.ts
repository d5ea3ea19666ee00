/** Attempts side by side give what attempts one after the other give. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { TrainingError } from "../../src/training/error.ts";
import { train } from "../../src/training/train.ts";
import type { ProgressEvent } from "../../src/training/types.ts";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { shortRecipe, shortStage } from "./short_recipe.ts";

/** A recipe whose gate lets nobody through before the last attempt. */
function gated(maxAttempts: number) {
  return shortRecipe({ maxAttempts, stages: [shortStage({ gate: { atStep: 100, window: 50, loss: 0 } })] });
}

for (const attempts of [1, 2, 3, 5]) {
  Deno.test(`${attempts} attempts side by side give the bytes of one after the other`, async () => {
    const options = { recipe: gated(3), seed: 4, finalProblems: 100 };
    const alone = await train(options);
    const beside = await train({ ...options, attempts });
    assertEquals(alone.report.restarts.length, 2);
    assertEquals(beside.checkpoint, alone.checkpoint);
    const timeless = { seconds: 0, trainSeconds: 0 };
    assertEquals({ ...beside.report, ...timeless }, { ...alone.report, ...timeless });
  });
}

Deno.test("a first attempt that learns ends the others", async () => {
  const options = { recipe: shortRecipe({ maxAttempts: 4 }), seed: 4, finalProblems: 100 };
  const { checkpoint } = await train(options);
  assertEquals((await train({ ...options, attempts: 4 })).checkpoint, checkpoint);
});

Deno.test("attempts side by side tell of one run, and leave its folder", async () => {
  await using folder = await temporaryFolder();
  const events: ProgressEvent[] = [];
  const { report } = await train({
    ...{ recipe: gated(2), seed: 4, finalProblems: 100, attempts: 2, out: folder.path },
    onProgress: (event) => events.push(event),
  });
  assertEquals(events.filter(({ type }) => type === "start").length, 1);
  assertEquals(events.filter(({ type }) => type === "restart").length, 1);
  assertEquals(report.checkpoint, `${folder.path}/model.safetensors`);
  const log = (await Deno.readTextFile(`${folder.path}/log.jsonl`)).trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(log.filter(({ event }) => event === "start").length, 1);
  assertEquals(log.filter(({ event }) => event === "restart").length, 1);
  assertEquals(log.at(-1).event, "end");
  const { checkpoint } = await train({ out: folder.path, resume: true, finalProblems: 100 });
  assertEquals(await Deno.readFile(report.checkpoint!), checkpoint);
});

Deno.test("a signal ends all attempts", async () => {
  const stop = new AbortController();
  const error = await assertRejects(() =>
    train({
      ...{ recipe: "fast", attempts: 2, signal: stop.signal },
      onProgress: ({ type }) => type === "step" && stop.abort(new Error("enough")),
    })
  );
  assert(error instanceof Error);
  assertStringIncludes(error.message, "enough");
});

Deno.test("attempts that cannot be side by side say why", async () => {
  await assertRejects(() => train({ attempts: 0 }), RangeError, "from 1 to 64: current value is 0");
  await assertRejects(() => train({ attempts: 2, backend: "reference" }), TrainingError, "backend must be wasm");
});
