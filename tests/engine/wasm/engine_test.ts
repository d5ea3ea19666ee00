/** The WASM engine as an engine, and what it has that others have not. */
import { assertEquals } from "@std/assert";
import { ARITHMETICS, createEngine } from "../../../src/engine/mod.ts";
import type { Arithmetic, Engine } from "../../../src/engine/interface/types.ts";
import type { ModelName } from "../../../src/model/variant.ts";
import { testAgainstReference, testInterface } from "../engine_suite.ts";
import { livelyParameters, mixedProblems } from "../lively.ts";

async function wasmEngine(model: ModelName = 763, arithmetic: Arithmetic = "exact"): Promise<Engine> {
  const engine = await createEngine({ backend: "wasm", model, arithmetic });
  engine.setParameters(livelyParameters(model));
  return engine;
}

for (const arithmetic of ARITHMETICS) {
  Deno.test(`createEngine() gives the arithmetic that was asked for: ${arithmetic}`, async () => {
    const { backend, threads, model, arithmetic: real } = await wasmEngine(777, arithmetic);
    assertEquals({ backend, threads, model, real }, { backend: "wasm", threads: 1, model: 777, real: arithmetic });
  });

  const createNew = (model: ModelName) => createEngine({ backend: "wasm", model, arithmetic });
  testAgainstReference({ name: `wasm ${arithmetic}`, createNew });
}

testInterface({ name: "wasm", createNew: (model) => createEngine({ backend: "wasm", model }) });

Deno.test("an engine whose memory had to grow keeps its weights and moments", async () => {
  const engine = await wasmEngine();
  await engine.trainStep(mixedProblems(8), { learningRate: 0.01 });
  const [parameters, state] = [engine.parameters(), engine.optimizerState()];
  const { loss } = await engine.lossAndGradient(mixedProblems(8));
  assertEquals(engine.sample({ seed: 1, stream: "training", count: 300_000 }).length, 600_000);
  assertEquals(engine.parameters(), parameters);
  assertEquals(engine.optimizerState(), state);
  assertEquals((await engine.lossAndGradient(mixedProblems(8))).loss, loss);
});
