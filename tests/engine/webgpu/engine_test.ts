/** The WebGPU engine as an engine: the interface, every shape of a batch, and WASM beside it. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { createEngine } from "../../../src/engine/mod.ts";
import type { Engine, StepReport, TrainRun } from "../../../src/engine/interface/types.ts";
import { sharedGpu } from "../../../src/engine/webgpu/device.ts";
import { FUSED_BATCH } from "../../../src/engine/webgpu/population.ts";
import { adderBoardCases } from "../../../src/evaluation/adderboard.ts";
import { MODELS, variantOf } from "../../../src/model/variant.ts";
import { trainRecipe } from "../../../src/training/recipes.ts";
import { shippedCheckpoint } from "../../../src/weights/mod.ts";
import { testAgainstReference, testInterface } from "../engine_suite.ts";
import { assertTensorsClose } from "../../golden.ts";
import { livelyParameters, mixedProblems } from "../lively.ts";
import { gpuEngine, testOnGpu } from "./gpu.ts";

const LAST_WORD = 2 ** 32 - 1;

const suite = { name: "webgpu", createNew: gpuEngine, batches: [1, 5, 31, 33, 130], test: testOnGpu };
testAgainstReference(suite);
testInterface(suite);

const [STAGE] = trainRecipe("fast").stages;

const RUN: TrainRun = {
  ...{ seed: 9, attempt: 2, firstSample: 17, firstStep: 100, steps: 6, minDigits: 1, maxDigits: 10 },
  stage: STAGE,
};

async function livelyEngine(): Promise<Engine> {
  const engine = await gpuEngine();
  engine.setParameters(livelyParameters(763));
  return engine;
}

testOnGpu("the engine says that it runs on a GPU, and on which", async () => {
  const engine = await gpuEngine(777);
  const { backend, model, threads, arithmetic, adapter } = engine;
  assertEquals({ backend, model, threads, arithmetic }, {
    backend: "webgpu",
    model: 777,
    threads: 1,
    arithmetic: "fast",
  });
  assert(adapter!.name !== "" && typeof adapter!.software === "boolean");
  await engine.dispose();
});

// one workgroup does the smaller batches, several the larger ones
for (const batch of [4, 32, FUSED_BATCH, FUSED_BATCH + 4, 160]) {
  testOnGpu(`trainRun() is trainStep() on what sample() gives, bit for bit: webgpu, batch ${batch}`, async () => {
    const [atOnce, single] = [await livelyEngine(), await livelyEngine()];
    const stage = { ...STAGE, batch, warmupSteps: 0, floor: 1 }; // the cosine has nowhere to go: one learning rate
    const { losses, gradientNorms } = await atOnce.trainRun({ ...RUN, stage });
    const reports: StepReport[] = [];
    for (let k = 0; k < RUN.steps; k++) {
      const { seed, attempt, firstSample, minDigits, maxDigits } = RUN;
      const request = { seed, attempt, sample: firstSample + k, count: batch, minDigits, maxDigits };
      reports.push(await single.trainStep(single.sample({ ...request, stream: "training" }), stage));
    }
    assertEquals(losses, Float32Array.from(reports, ({ loss }) => loss));
    assertEquals(gradientNorms, Float32Array.from(reports, ({ gradientNorm }) => gradientNorm));
    assertEquals(atOnce.parameters(), single.parameters());
    assertEquals(atOnce.optimizerState(), single.optimizerState());
    assert(new Set(losses).size === RUN.steps, "the steps must differ for this test to show anything");
    for (const engine of [atOnce, single]) await engine.dispose();
  });
}

testOnGpu("a batch that does not fit into the GPU's buffers is refused before anything is asked of it", async () => {
  const engine = await livelyEngine();
  const { device } = await sharedGpu();
  const most = 32 * Math.ceil(device.limits.maxStorageBufferBindingSize / 300_000); // a tile of 32 takes more than 300,000 bytes
  const problems = new Float64Array(2 * most);
  await assertRejects(() => engine.lossAndGradient(problems), RangeError, "a batch must have at most");
  await assertRejects(() => engine.trainStep(problems, { learningRate: 1 }), RangeError, "a batch must have at most");
  assertEquals(engine.parameters(), livelyParameters(763));
  await engine.dispose();
});

testOnGpu("trainRun() reaches the last seed, attempt and sample", async () => {
  const engine = await livelyEngine();
  const last = { seed: LAST_WORD, attempt: LAST_WORD, firstSample: LAST_WORD, steps: 1 };
  const { losses: [loss] } = await engine.trainRun({ ...RUN, ...last });
  engine.setParameters(livelyParameters(763));
  const request = { seed: LAST_WORD, attempt: LAST_WORD, sample: LAST_WORD, count: STAGE.batch, minDigits: 1 };
  const expected = await engine.lossAndGradient(engine.sample({ ...request, stream: "training" }));
  assertAlmostEquals(loss, expected.loss, 1e-6);
  await engine.dispose();
});

testOnGpu(
  "trainRun() in pieces, through the weights and moments, equals that at once; of no steps it does nothing",
  async () => {
    const atOnce = await livelyEngine();
    const { losses } = await atOnce.trainRun(RUN);
    const first = await livelyEngine();
    await first.trainRun({ ...RUN, steps: 0 });
    await first.trainRun({ ...RUN, steps: 2 });
    const second = await gpuEngine();
    second.setParameters(first.parameters());
    second.setOptimizerState(first.optimizerState());
    const rest = await second.trainRun({
      ...RUN,
      firstSample: RUN.firstSample + 2,
      firstStep: RUN.firstStep + 2,
      steps: 4,
    });
    assertEquals(rest.losses, losses.slice(2));
    assertEquals(second.parameters(), atOnce.parameters());
    assertEquals(second.optimizerState(), atOnce.optimizerState());
    for (const engine of [atOnce, first, second]) await engine.dispose();
  },
);

for (const model of MODELS) {
  testOnGpu(`the first 100 losses of recipe fast are those of WASM: ${model}`, async () => {
    const [gpu, wasm] = [await gpuEngine(model), await createEngine({ backend: "wasm", model })];
    const run = { ...RUN, seed: 1, attempt: 0, firstSample: 0, firstStep: 0, steps: 100, maxDigits: 3 };
    const reports = [];
    for (const engine of [gpu, wasm]) {
      engine.initialize(1);
      reports.push(await engine.trainRun(run));
    }
    const [ours, theirs] = reports.map(({ losses }) => losses);
    assert(ours[99] < 0.6, `nothing was learned: ${ours[99]}`);
    for (const [step, loss] of ours.entries()) assertAlmostEquals(loss, theirs[step], 1e-4, `step ${step}`);
    for (const engine of [gpu, wasm]) await engine.dispose();
  });
}

for (const model of ["2x1", "7x1", "5x14+norm"] as const) {
  testOnGpu(`a model of unusual width equals the reference: ${model}`, async () => {
    const engine = await gpuEngine(model);
    const reference = await createEngine({ backend: "reference", model });
    for (const one of [engine, reference]) one.setParameters(livelyParameters(model));
    const problems = mixedProblems(21);
    const { loss, gradient } = await engine.lossAndGradient(problems);
    const expected = await reference.lossAndGradient(problems);
    assertAlmostEquals(loss, expected.loss, 1e-5);
    assertTensorsClose(gradient, Float64Array.from(expected.gradient), variantOf(model), {
      relative: 1e-4,
      of: "gradient",
    });
    assertEquals(await engine.decode(problems), await reference.decode(problems));
    for (const one of [engine, reference]) await one.dispose();
  });
}

testOnGpu("the 10,010 AdderBoard cases are decoded as on WASM", async () => {
  const cases = adderBoardCases();
  assertEquals(cases.length, 2 * 10_010);
  const tokens = [];
  for (const engine of [await gpuEngine(), await createEngine({ backend: "wasm" })]) {
    engine.setParameters(shippedCheckpoint().parameters);
    tokens.push(await engine.decode(cases));
    await engine.dispose();
  }
  assertEquals(tokens[0], tokens[1]);
});
