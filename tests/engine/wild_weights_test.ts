/**
 * Weights that nobody would train: the model writes any token after any other, so that all tables of decoding are read, and by every thread. Trained
 * weights write a 0 or a 1 in the eleventh place and an end after it, whatever the rest of the tables holds.
 */
import { assert, assertEquals } from "@std/assert";
import { createEngine } from "../../src/engine/mod.ts";
import type { Engine, EngineOptions } from "../../src/engine/interface/types.ts";
import { MODELS, TOKENS, variantOf } from "../../src/model/variant.ts";
import { QUERIES } from "../../src/model/vocabulary.ts";
import { Random } from "../fuzz/random.ts";
import { mixedProblems } from "./lively.ts";

const SEEDS = Array.from({ length: 16 }, (_, i) => i + 1);
const PROBLEMS = 40;

/** Uniform in [-2, 2]. */
function wildParameters(model: number, seed: number): Float32Array {
  const random = new Random(seed, 1);
  return Float32Array.from({ length: model }, () => random.below(2 ** 16) / 2 ** 14 - 2);
}

for (const model of MODELS) {
  Deno.test(`with any weights WASM writes what the reference does, on any number of threads: ${model}`, async () => {
    const machines: EngineOptions[] = [{}, { arithmetic: "fast" }, { threads: 2 }, { threads: 3 }];
    const reference = await createEngine({ backend: "reference", model });
    const engines = await Promise.all(machines.map((machine) => createEngine({ ...machine, model })));
    const written = new Set<string>();
    try {
      for (const seed of SEEDS) {
        const parameters = wildParameters(model, seed);
        const problems = mixedProblems(PROBLEMS, seed);
        const decode = (engine: Engine) => (engine.setParameters(parameters), engine.decode(problems));
        const expected = await decode(reference);
        expected.forEach((token, i) => written.add(`${i % QUERIES}: ${token}`));
        for (const engine of engines) {
          assertEquals(await decode(engine), expected);
          await engine.lossAndGradient(problems); // uses much of the memory, and leaves the tables alone
          assertEquals(await engine.decode(problems), expected);
        }
      }
    } finally {
      for (const engine of engines) await engine.dispose();
    }
    assert(written.size > 0.8 * QUERIES * TOKENS, `only ${written.size} tokens at their places`);
  });

  Deno.test(`what no problem uses has a gradient of exactly 0: ${model}`, async () => {
    const engine = await createEngine({ model });
    engine.setParameters(wildParameters(model, 1));
    const { gradient } = await engine.lossAndGradient(mixedProblems(PROBLEMS));
    const { offset, size, shape: [positions, width] } = variantOf(model).tensors.find(({ name }) =>
      name === "pos_emb.weight"
    )!;
    assertEquals([positions, width * positions], [35, size]); // 33 are used
    assertEquals(gradient.slice(offset + 33 * width, offset + size), new Float32Array(2 * width));
    await engine.dispose();
  });
}
