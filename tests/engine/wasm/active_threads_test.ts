/** How many threads take part: as many as are fastest, whatever that is, and the bytes do not depend on it. */
import { assert, assertEquals } from "@std/assert";
import { ActiveThreads } from "../../../src/engine/wasm/active_threads.ts";
import { instantiate, readVector, writeRun } from "../../../src/engine/wasm/core.ts";
import { WASM } from "../../../src/engine/wasm/exact_module.ts";
import { startThreads } from "../../../src/engine/wasm/thread_pool.ts";
import { variantOf } from "../../../src/model/variant.ts";
import { trainRecipe } from "../../../src/training/recipes.ts";

/** Works for so many milliseconds at speeds that depend on the number of threads; returns the share of the work that each number did. */
function work(active: ActiveThreads, milliseconds: number, speedOf: (threads: number) => number): number[] {
  const shares: number[] = [];
  let elapsed = 0;
  while (elapsed < milliseconds) {
    const threads = active.count;
    const units = Math.min(active.pieceOf("steps", 10), 1000);
    const took = units / speedOf(threads);
    active.measure("steps", units, took);
    shares[threads] = (shares[threads] ?? 0) + took / milliseconds;
    elapsed += took;
  }
  return shares;
}

Deno.test("all threads take part where they are faster, and another number is hardly ever tried", () => {
  for (const most of [2, 3, 8, 64]) {
    const active = new ActiveThreads(most);
    assert(work(active, 10_000, (threads) => threads ** 0.7)[most] > 0.95);
    assertEquals(active.count, most);
  }
});

Deno.test("one thread alone works where others only hold it up", () => {
  for (const most of [2, 3, 8, 64]) {
    assert(work(new ActiveThreads(most), 10_000, (threads) => 1 / threads ** 0.5)[1] > 0.85, `${most} threads`);
  }
});

Deno.test("the best number in between is found", () => {
  const speeds: Record<number, number> = { 1: 1, 2: 1.8, 4: 3, 8: 2, 16: 1 };
  assert(work(new ActiveThreads(16), 10_000, (threads) => speeds[threads])[4] > 0.85);
});

Deno.test("the number follows when a machine becomes busy, and when it is quiet again", () => {
  const active = new ActiveThreads(2);
  const quiet = (threads: number) => threads;
  const busy = (threads: number) => 1 / threads;
  assert(work(active, 3000, quiet)[2] > 0.9);
  assert(work(active, 3000, busy)[1] > 0.9, "at once");
  assert(work(active, 20_000, quiet)[2] > 0.7, "after some seconds");
});

Deno.test("a difference that is none changes nothing, and speeds of different kinds are not compared", () => {
  const active = new ActiveThreads(2);
  work(active, 10_000, () => 1);
  assertEquals(active.count, 2);
  for (let i = 0; i < 1000; i++) {
    active.measure("small batches", 100, 10);
    active.measure("large batches", 1, 10);
    assertEquals(active.count, 2);
  }
});

Deno.test("one thread is neither measured nor given pieces", () => {
  const active = new ActiveThreads(1);
  assertEquals(active.pieceOf("steps", 10), Infinity);
  for (let i = 0; i < 1000; i++) active.measure("steps", 1, 10);
  assertEquals(active.count, 1);
});

Deno.test("threads that come and go change no byte, and end when they are told to", async () => {
  const [stage] = trainRecipe("fast").stages;
  const run = { seed: 3, attempt: 0, firstSample: 0, firstStep: 0, steps: 20, minDigits: 1, maxDigits: 10 };
  const trained = async (threads: number, counts: readonly number[]) => {
    const core = instantiate(WASM, variantOf(763), threads > 1);
    core.exports.initialize(3, 0);
    const pool = threads > 1 ? await startThreads(core, threads - 1) : undefined;
    for (const [i, count] of counts.entries()) {
      if (threads > 1) core.exports.setActiveThreads(count);
      writeRun(core, { ...stage, batch: 256, stageSteps: stage.steps, ...run, firstSample: 20 * i, firstStep: 20 * i });
      core.exports.train();
      if (i % 3 === 2) await new Promise((resolve) => setTimeout(resolve, 20)); // long enough for threads to park
    }
    pool?.stop();
    assertEquals(core.exports.stopThreads(), 0);
    return readVector(core, core.exports.parametersAt);
  };
  const counts = [4, 1, 2, 4, 3, 1, 1, 4, 1, 2];
  assertEquals(await trained(4, counts), await trained(1, counts));
});
