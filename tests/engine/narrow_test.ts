/** Narrow models on the WASM core: weights of full width of which those beyond the model's own are 0 and stay 0. */
import { assert, assertEquals } from "@std/assert";
import { WasmAdder } from "../../src/adder/adder.ts";
import { importCheckpoint } from "../../src/checkpoint/import_checkpoint.ts";
import { encodeNpz, encodePyTorchCheckpoint } from "../../src/checkpoint/mod.ts";
import { encodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { createEngine } from "../../src/engine/mod.ts";
import { ReferenceEngine } from "../../src/engine/reference/engine.ts";
import { instantiate, readVector, writeRun, writeVector } from "../../src/engine/wasm/core.ts";
import { WASM as EXACT } from "../../src/engine/wasm/exact_module.ts";
import { initialParameters } from "../../src/model/initialization.ts";
import { type ModelName, paddedIndices, variantOf } from "../../src/model/variant.ts";
import { assertClose, assertTensorsClose } from "../golden.ts";
import { livelyParameters, mixedProblems } from "./lively.ts";

const NARROW: readonly ModelName[] = [
  ...["6x14", "5x10", "4x8", "6x7+norm", "3x5+norm", "7x1", "2x14"] as const,
  ...["2x1", "2x14+norm", "2x1+norm", "3x1", "7x1+norm", "5x14+norm", "7x13"] as const,
];

const STAGE = { steps: 100, batch: 12, learningRate: 0.02, warmupSteps: 5, floor: 0.1, weightDecay: 0.1 };
const ADAMW = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, clipNorm: 1 };
const RUN = { seed: 4, attempt: 1, firstSample: 3, firstStep: 0, steps: 40, minDigits: 1, maxDigits: 10 };

for (const model of NARROW) {
  const variant = variantOf(model);

  Deno.test(`training leaves the weights and moments beyond those of ${model} at 0`, () => {
    const core = instantiate(EXACT, variant);
    const { memory, exports } = core;
    const own = new Set(paddedIndices(variant));
    exports.initialize(4, 1);
    writeRun(core, { ...STAGE, ...ADAMW, ...RUN, stageSteps: STAGE.steps });
    exports.train();
    for (const at of [exports.parametersAt, exports.gradientAt, exports.firstMomentAt, exports.secondMomentAt]) {
      assert(readVector(core, at).some((value) => value !== 0));
      const beyond = new Float32Array(memory.buffer, at.value, 777).filter((_, i) => !own.has(i));
      assertEquals(beyond, new Float32Array(beyond.length));
    }
  });

  Deno.test(`a tiny epsilon makes no NaN of the zeros of ${model}`, () => {
    const core = instantiate(EXACT, variant);
    writeVector(core, core.exports.parametersAt, livelyParameters(model));
    writeRun(core, { ...ADAMW, epsilon: 1e-300 });
    core.exports.optimizerStep(0.01);
    assert(readVector(core, core.exports.parametersAt).every(Number.isFinite));
    assert(new Float32Array(core.memory.buffer, core.exports.parametersAt.value, 777).every(Number.isFinite));
  });

  Deno.test(`the module draws the first weights of ${model}`, async () => {
    const engine = await createEngine({ model });
    engine.initialize(7, 2);
    assertClose(engine.parameters(), initialParameters(variant, 7, 2), { absolute: 1e-6, of: "weights" });
  });

  Deno.test(`files hold ${model}, and their shapes say so`, async () => {
    const checkpoint = { model, parameters: livelyParameters(model), metadata: {} };
    const numpy = await encodeNpz(checkpoint);
    for (
      const bytes of [encodeCheckpoint(checkpoint), encodePyTorchCheckpoint(checkpoint), numpy]
    ) {
      const { model: found, parameters } = await importCheckpoint(bytes);
      assertEquals({ model: found, parameters }, { model, parameters: checkpoint.parameters });
    }
  });

  Deno.test(`${model} after 40 steps computes what the reference does, with any number of threads, and adds the same`, async () => {
    const engine = await createEngine({ model });
    const threads = await createEngine({ model, threads: 2 });
    for (const one of [engine, threads]) {
      one.initialize(4, 1);
      await one.trainRun({ ...RUN, stage: { ...STAGE, ...ADAMW, batch: 64 } });
    }
    const parameters = engine.parameters();
    assertEquals(threads.parameters(), parameters);
    await threads.dispose();
    const reference = new ReferenceEngine(model);
    reference.setParameters(parameters);
    const problems = mixedProblems(33);
    const logits = await reference.logits(problems);
    const expected = await reference.lossAndGradient(problems);
    const fast = await createEngine({ model, arithmetic: "fast" });
    for (const one of [engine, fast]) {
      one.setParameters(parameters);
      assertClose(await one.logits(problems), logits, { absolute: 2e-4, of: "logits" });
      const { loss, gradient } = await one.lossAndGradient(problems);
      assertClose([loss], [expected.loss], { absolute: 1e-5, of: "loss" });
      assertTensorsClose(gradient, Float64Array.from(expected.gradient), variant, { relative: 1e-4, of: "gradient" });
      await one.dispose();
    }
    const decoder = await createEngine({ model });
    decoder.setParameters(parameters);
    assertEquals(new WasmAdder(model, parameters).decode(problems), await decoder.decode(problems));
  });
}
