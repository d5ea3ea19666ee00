/** The same seed gives the same bytes: on every machine, through every door, straight or in pieces. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { createEngine } from "../../src/engine/mod.ts";
import { lengthsAt } from "../../src/training/run.ts";
import { trainRecipe } from "../../src/training/recipes.ts";
import { train } from "../../src/training/train.ts";
import { RECORDED } from "./recorded.ts";

const [STAGE] = trainRecipe("fast").stages;

async function sha256(parameters: Float32Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new Float32Array(parameters))).toHex();
}

/** The recipe's first steps by the engine alone, one call for each length of operands. */
async function stepsOfEngine(steps: number, seed = 1): Promise<Float32Array> {
  const engine = await createEngine({ backend: "wasm", arithmetic: "exact" });
  engine.initialize(seed);
  const ends = [...STAGE.curriculum.slice(1).map(({ fromStep }) => fromStep), STAGE.steps];
  for (let done = 0, next = 0; done < steps; done = next) {
    next = Math.min(steps, ends.find((end) => end > done)!);
    const start = { seed, attempt: 0, firstSample: done, firstStep: done, steps: next - done };
    await engine.trainRun({ ...start, stage: STAGE, ...lengthsAt(STAGE, done) });
  }
  return engine.parameters();
}

for (const [name, hash] of Object.entries(RECORDED)) {
  const steps = Number(name);

  Deno.test(`${steps} exact steps from seed 1 give the recorded bytes`, async () => {
    assertEquals(await sha256(await stepsOfEngine(steps)), hash);
  });

  Deno.test(`train() of ${steps} steps gives the recorded bytes`, async () => {
    const { parameters } = await train({ recipe: "fast", seed: 1, steps });
    assertEquals(await sha256(parameters), hash);
  });

  Deno.test(`train() of ${steps} steps in pieces gives the recorded bytes`, async () => {
    const out = await Deno.makeTempDir({ prefix: "tiny-adder-" });
    try {
      await train({ recipe: "fast", seed: 1, out, steps: Math.floor(0.31 * steps) });
      await train({ out, resume: true, steps: Math.floor(0.77 * steps) });
      const { parameters } = await train({ out, resume: true, steps });
      assertEquals(await sha256(parameters), hash);
    } finally {
      await Deno.remove(out, { recursive: true });
    }
  });
}

Deno.test("other seeds give other bytes", async () => {
  assertNotEquals(await sha256(await stepsOfEngine(20, 2)), await sha256(await stepsOfEngine(20)));
});
