/** trainRun() of the WASM engine: a loop in the module that must be the loop outside it. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ARITHMETICS, createEngine } from "../../../src/engine/mod.ts";
import type { Arithmetic, Engine, StepReport, TrainRun } from "../../../src/engine/interface/types.ts";
import { type Core, instantiate, writeRun } from "../../../src/engine/wasm/core.ts";
import { WASM as EXACT } from "../../../src/engine/wasm/exact_module.ts";
import { type ModelName, MODELS, variantOf } from "../../../src/model/variant.ts";
import { learningRateAt } from "../../../src/schedule/learning_rate.ts";
import { continueRecipe, RECIPES, trainRecipe } from "../../../src/training/recipes.ts";
import type { StageHyperparameters } from "../../../src/schedule/stage.ts";
import { goldenSchedules } from "../../golden.ts";
import { livelyParameters, STAGE } from "../lively.ts";

const LAST_WORD = 2 ** 32 - 1;

const RUN: TrainRun = {
  seed: 9,
  attempt: 2,
  firstSample: 17,
  firstStep: 0,
  steps: 8,
  minDigits: 1,
  maxDigits: 10,
  stage: STAGE,
};

const core: Core = instantiate(EXACT, variantOf(763));

/** The module's own learning rate: JavaScript's may differ in its last bit. */
function moduleRate(stage: StageHyperparameters, step: number): number {
  writeRun(core, { ...stage, stageSteps: stage.steps });
  return core.exports.learningRate(step);
}

async function wasmEngine(model: ModelName = 763, arithmetic: Arithmetic = "exact"): Promise<Engine> {
  const engine = await createEngine({ backend: "wasm", model, arithmetic });
  engine.setParameters(livelyParameters(model));
  return engine;
}

/** The same as `engine.trainRun(run)`, one step after the other. */
async function stepByStep(engine: Engine, run: TrainRun): Promise<StepReport[]> {
  const { seed, attempt, minDigits, maxDigits, stage, firstSample, firstStep } = run;
  const reports = [];
  for (let k = 0; k < run.steps; k++) {
    const request = { seed, attempt, sample: firstSample + k, count: stage.batch, minDigits, maxDigits };
    const problems = engine.sample({ ...request, stream: "training" });
    reports.push(await engine.trainStep(problems, { ...stage, learningRate: moduleRate(stage, firstStep + k) }));
  }
  return reports;
}

async function assertSameSteps(run: TrainRun, model: ModelName, arithmetic: Arithmetic): Promise<void> {
  const [atOnce, single] = [await wasmEngine(model, arithmetic), await wasmEngine(model, arithmetic)];
  const { losses, gradientNorms } = await atOnce.trainRun(run);
  const reports = await stepByStep(single, run);
  assertEquals(losses, Float32Array.from(reports, ({ loss }) => loss));
  assertEquals(gradientNorms, Float32Array.from(reports, ({ gradientNorm }) => gradientNorm));
  assertEquals(atOnce.parameters(), single.parameters());
  assertEquals(atOnce.optimizerState(), single.optimizerState());
  assertEquals(atOnce.optimizerState().step, run.steps);
}

for (const arithmetic of ARITHMETICS) {
  for (const model of [...MODELS, "5x10", "6x7+norm"] as const) {
    for (const batch of [4, 12, 32, 132]) {
      Deno.test(`trainRun() is trainStep() on what sample() gives, bit for bit: wasm ${arithmetic}, ${model}, batch ${batch}`, () =>
        assertSameSteps({ ...RUN, stage: { ...STAGE, batch } }, model, arithmetic));
    }
  }
}

Deno.test("trainRun() takes more steps than the module does in one call", async () => {
  assert(core.exports.maxRun.value < 4200);
  await assertSameSteps({ ...RUN, steps: 4200 }, 763, "exact");
});

Deno.test("trainRun() reaches the last seed, attempt and sample", () =>
  assertSameSteps(
    { ...RUN, seed: LAST_WORD, attempt: LAST_WORD, firstSample: LAST_WORD - 2, steps: 3, firstStep: 4997 },
    763,
    "exact",
  ));

Deno.test("trainRun() in pieces, through the weights and moments, equals that at once", async () => {
  const atOnce = await wasmEngine();
  await atOnce.trainRun(RUN);
  const first = await wasmEngine();
  await first.trainRun({ ...RUN, steps: 3 });
  const second = await wasmEngine();
  second.setParameters(first.parameters());
  second.setOptimizerState(first.optimizerState());
  await second.trainRun({ ...RUN, firstSample: RUN.firstSample + 3, firstStep: 3, steps: 5 });
  assertEquals(second.parameters(), atOnce.parameters());
  assertEquals(second.optimizerState(), atOnce.optimizerState());
});

Deno.test("the schedule counts from 0: the first step of a warm-up has learning rate 0", async () => {
  const engine = await wasmEngine();
  await engine.trainRun({ ...RUN, steps: 1 });
  assertEquals(engine.parameters(), livelyParameters(763));
  await engine.trainRun({ ...RUN, firstStep: 1, steps: 1 });
  assert(engine.parameters().some((value, i) => value !== livelyParameters(763)[i]));
});

Deno.test("trainRun() of no steps changes nothing", async () => {
  const engine = await wasmEngine();
  const { losses, gradientNorms } = await engine.trainRun({ ...RUN, steps: 0 });
  assertEquals([losses.length, gradientNorms.length], [0, 0]);
  assertEquals(engine.parameters(), livelyParameters(763));
  assertEquals(engine.optimizerState().step, 0);
});

Deno.test("the module's learning rate equals learningRateAt() on every stage of every recipe", () => {
  for (
    const stage of [...RECIPES.map((name) => trainRecipe(name)), ...RECIPES.map(continueRecipe)].flatMap(({ stages }) =>
      stages
    )
  ) {
    for (let k = 0; k < 1000; k++) {
      const step = Math.min(Math.floor(k * stage.steps / 999), stage.steps - 1);
      // both round 1 + cos, so the error is one of the peak, not of what is left of it at the end
      const allowed = Number.EPSILON * stage.learningRate;
      assertAlmostEquals(
        moduleRate(stage, step),
        learningRateAt(stage, step),
        allowed,
        `step ${step} of ${stage.steps}`,
      );
    }
  }
});

const SCHEDULES = await goldenSchedules();
for (const name of ["phase1_train", "phase2_continue"] as const) {
  Deno.test(`the module's learning rate equals PyTorch's LambdaLR on ${name}`, () => {
    const { rates, ...schedule } = SCHEDULES[name];
    assert(rates.length > 10);
    for (const [step, rate] of rates) {
      assertAlmostEquals(moduleRate({ ...STAGE, ...schedule }, step), rate, 1e-12 * rate, `step ${step}`);
    }
  });
}
