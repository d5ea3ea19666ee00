import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { learningRateAt } from "../../src/schedule/learning_rate.ts";
import { continueRecipe, trainRecipe } from "../../src/training/recipes.ts";
import type { StageHyperparameters } from "../../src/schedule/stage.ts";
import { goldenSchedules } from "../golden.ts";

const SCHEDULES = await goldenSchedules();
const PAPER = {
  phase1_train: trainRecipe("paper").stages[0],
  phase2_continue: continueRecipe("paper").stages[0],
} as const;

for (const name of ["phase1_train", "phase2_continue"] as const) {
  const golden = SCHEDULES[name];
  const stage: StageHyperparameters = PAPER[name];

  Deno.test(`the paper recipe has the schedule ${name}`, () => {
    const { steps, learningRate, warmupSteps, floor } = stage;
    const { rates: _, ...expected } = golden;
    assertEquals({ steps, learningRate, warmupSteps, floor }, expected);
  });

  Deno.test(`learningRateAt() equals PyTorch's LambdaLR on ${name}`, () => {
    assert(golden.rates.length > 10);
    for (const [step, rate] of golden.rates) {
      assertAlmostEquals(learningRateAt(stage, step), rate, 1e-12 * rate, `step ${step}`);
    }
  });
}

Deno.test("learningRateAt() starts at the peak where there is no warm-up, and ends at the floor", () => {
  const stage = { ...PAPER.phase1_train, warmupSteps: 0, steps: 100, learningRate: 0.5, floor: 0.25 };
  assertEquals(learningRateAt(stage, 0), 0.5);
  assertAlmostEquals(learningRateAt(stage, 50), 0.3125, 1e-15);
  assertAlmostEquals(learningRateAt(stage, 100), 0.125, 1e-15);
});
