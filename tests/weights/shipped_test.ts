/** The weights that come with the library: how right they are, and that they are what they say. */
import { assertEquals } from "@std/assert";
import { createEngine } from "../../src/engine/mod.ts";
import { adderBoardCases } from "../../src/evaluation/adderboard.ts";
import { evaluate } from "../../src/evaluation/evaluate.ts";
import { hardCases } from "../../src/evaluation/hard.ts";
import type { ModelName } from "../../src/model/variant.ts";
import { train } from "../../src/training/train.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { shippedBytes, shippedParameters } from "../../src/weights/shipped.ts";

/** A seed that no training run used. */
const HELD_OUT_SEED = 20_261_123;

async function shippedEngine() {
  const { model, parameters } = shippedCheckpoint();
  const engine = await createEngine({ model });
  engine.setParameters(parameters);
  return engine;
}

Deno.test("the shipped weights are the tail of their file", () => {
  assertEquals(shippedParameters(), shippedCheckpoint().parameters);
});

Deno.test("the shipped weights answer all AdderBoard cases rightly", async () => {
  const { total, errors } = await evaluate(await shippedEngine(), adderBoardCases());
  assertEquals({ total, errors }, { total: 10_010, errors: [] });
});

Deno.test("the shipped weights make no error on 1,000,000 uniform pairs", async () => {
  const engine = await shippedEngine();
  const pairs = engine.sample({ seed: HELD_OUT_SEED, stream: "evaluation", count: 1_000_000 });
  const { total, errors } = await evaluate(engine, pairs);
  assertEquals({ total, errors }, { total: 1_000_000, errors: [] });
});

Deno.test("the shipped weights make no error on 100,000 hard pairs", async () => {
  const { total, errors } = await evaluate(await shippedEngine(), hardCases({ count: 100_000, seed: HELD_OUT_SEED }));
  assertEquals({ total, errors }, { total: 100_000, errors: [] });
});

Deno.test("training with the recipe and seed that their file names gives the bytes of the shipped weights", async () => {
  const { model, metadata: { recipe, seed } } = shippedCheckpoint();
  const { checkpoint } = await train({ recipe, seed: Number(seed), model: model as ModelName });
  assertEquals(checkpoint, shippedBytes());
});
