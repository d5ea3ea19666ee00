/** Models that are trained in one submission: each gets what it gets alone. */
import { assert, assertEquals } from "@std/assert";
import type { TrainRun, TrainRunReport } from "../../../src/engine/interface/types.ts";
import { sharedGpu } from "../../../src/engine/webgpu/device.ts";
import { WebgpuEngine } from "../../../src/engine/webgpu/engine.ts";
import { Population } from "../../../src/engine/webgpu/population.ts";
import { variantOf } from "../../../src/model/variant.ts";
import { trainRecipe } from "../../../src/training/recipes.ts";
import { gpuEngine, testOnGpu } from "./gpu.ts";

const SEEDS = Array.from({ length: 16 }, (_, i) => i);
const [EXPLORE] = trainRecipe("fast").stages;
const [PAPER] = trainRecipe("paper").stages;

/** What a seed does: its recipe, its hyperparameters and its number of steps are its own. */
function runOf(seed: number): TrainRun {
  const learningRate = EXPLORE.learningRate * (1 + seed / 16);
  const stage = seed % 8 === 7
    ? { ...PAPER, batch: 96 }
    : { ...EXPLORE, learningRate, batch: seed % 4 === 3 ? 64 : 32 };
  return {
    ...{
      seed,
      attempt: 0,
      firstSample: 0,
      firstStep: 100,
      steps: 6 + seed % 3,
      minDigits: 1,
      maxDigits: 1 + seed % 10,
      stage,
    },
  };
}

testOnGpu("a population of 16 seeds gives each, to the bit, the run that it has alone", async () => {
  const variant = variantOf(763);
  const gpu = await sharedGpu();
  const population = await Population.create(variant, gpu);
  const members = await Promise.all(SEEDS.map(() => WebgpuEngine.join(population)));
  const before = gpu.counts.submissions;
  const together = await Promise.all(members.map((member, seed) => {
    member.initialize(seed);
    return member.trainRun(runOf(seed));
  }));
  // one for each kernel or batch size that needs dispatches of its own
  assertEquals(gpu.counts.submissions - before, 2);

  const alone: TrainRunReport[] = [];
  const parameters = [];
  for (const seed of SEEDS) {
    const engine = await gpuEngine();
    engine.initialize(seed);
    alone.push(await engine.trainRun(runOf(seed)));
    parameters.push(engine.parameters());
    assertEquals(members[seed].parameters(), engine.parameters(), `weights of seed ${seed}`);
    assertEquals(members[seed].optimizerState(), engine.optimizerState(), `moments of seed ${seed}`);
    await engine.dispose();
  }
  assertEquals(together, alone);
  assert(new Set(parameters.map((values) => values.join())).size === SEEDS.length, "no two seeds may be the same");
  for (const member of members) await member.dispose();
});

testOnGpu("a thousand steps are one submission, and no more is read back than losses and the state", async () => {
  const gpu = await sharedGpu();
  const engine = await gpuEngine();
  const stage = { ...EXPLORE, batch: 4 };
  await engine.trainRun({ ...runOf(1), stage, steps: 1 });
  const before = { ...gpu.counts };
  await engine.trainRun({ ...runOf(1), stage, steps: 1000 });
  assertEquals(gpu.counts.submissions - before.submissions, 1);
  assertEquals(gpu.counts.dispatches - before.dispatches, 1); // 4,000 examples
  assertEquals(gpu.counts.bytesRead - before.bytesRead, 1000 * 8 + 3 * 16 * 218);
  await engine.dispose();
});
