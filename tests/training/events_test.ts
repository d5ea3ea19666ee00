/** Who hears of a run, and when: its folder first, then the caller. An error of the caller ends the run. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { startRun } from "../../src/training/start.ts";
import { continueTraining, train } from "../../src/training/train.ts";
import type { ProgressEvent } from "../../src/training/types.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { ScriptedEngine } from "./scripted_engine.ts";
import { shortRecipe } from "./short_recipe.ts";

Deno.test("every event is in the log before it is reported", async () => {
  await using folder = await temporaryFolder();
  let logged = 0;
  const onProgress = (event: ProgressEvent) => {
    if (event.type !== "step" && event.type !== "evaluation") return;
    const last = Deno.readTextFileSync(`${folder.path}/log.jsonl`).trimEnd().split("\n").at(-1)!;
    const { event: type, step } = JSON.parse(last);
    assertEquals([type, step], [event.type, event.step]);
    logged++;
  };
  await train({ recipe: shortRecipe(), out: folder.path, evalEvery: 110, onProgress });
  assert(logged > 5, `${logged}`);
});

Deno.test("a run whose caller fails ends with the caller's error, and disposes of its engine", async () => {
  const fault = new Error("a reader's fault");
  let disposed = 0;
  class Engine extends ScriptedEngine {
    override dispose = () => Promise.resolve(void disposed++);
  }
  const onProgress = ({ type }: ProgressEvent) => {
    if (type === "step") throw fault;
  };
  const run = startRun("train", { recipe: shortRecipe(), onProgress }, () => Promise.resolve(new Engine()));
  assertEquals(await assertRejects(() => run), fault);
  assertEquals(disposed, 1);
});

Deno.test("a caller who fails during a proof ends it", async () => {
  const fault = new Error("a reader's fault");
  let heard = 0;
  const onProgress = ({ type }: ProgressEvent) => {
    if (type !== "certification") return;
    heard++;
    throw fault;
  };
  const options = { from: shippedCheckpoint(), steps: 0, finalProblems: 1, certify: true, harden: false, onProgress };
  assertEquals(await assertRejects(() => continueTraining(options)), fault);
  assert(heard > 0);
});
