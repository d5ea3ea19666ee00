/** The weights that come with the library: how right they are, and that they are what they say. */
import { assertEquals, assertThrows } from "@std/assert";
import { createEngine } from "../../src/engine/mod.ts";
import { adderBoardCases } from "../../src/evaluation/adderboard.ts";
import { evaluate } from "../../src/evaluation/evaluate.ts";
import { hardCases } from "../../src/evaluation/hard.ts";
import { encodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { train } from "../../src/training/train.ts";
import { SHIPPED_MODELS, shippedCheckpoint } from "../../src/weights/mod.ts";
import { fromBase64 } from "../../src/common/encoding.ts";
import { SHIPPED_763 } from "../../src/weights/shipped_763.ts";
import { shippedParameters } from "../../src/adder/adder.ts";

/** A seed that no training run used. */
const HELD_OUT_SEED = 20_261_123;

Deno.test("the shipped weights are the tail of their file", () => {
  assertEquals(shippedParameters(), shippedCheckpoint().parameters);
  assertEquals(fromBase64(SHIPPED_763), encodeCheckpoint(shippedCheckpoint(763)));
});

Deno.test("shippedCheckpoint() says which models are shipped", () => {
  const message = 'Cannot load shipped weights as model must be one of 763, 5x8, 4x4: current value is "5x9"';
  assertThrows(() => shippedCheckpoint("5x9" as "5x8"), RangeError, message);
});

for (const shipped of SHIPPED_MODELS) {
  const { model, parameters, metadata } = shippedCheckpoint(shipped);
  const engine = async () => {
    const made = await createEngine({ model });
    made.setParameters(parameters);
    return made;
  };

  Deno.test(`the shipped weights of ${model} answer all AdderBoard cases correctly`, async () => {
    const { total, errors } = await evaluate(await engine(), adderBoardCases());
    assertEquals({ total, errors }, { total: 10_010, errors: [] });
  });

  Deno.test(`the shipped weights of ${model} make no error on 1,000,000 uniform pairs`, async () => {
    const adding = await engine();
    const pairs = adding.sample({ seed: HELD_OUT_SEED, stream: "evaluation", count: 1_000_000 });
    const { total, errors } = await evaluate(adding, pairs);
    assertEquals({ total, errors }, { total: 1_000_000, errors: [] });
  });

  Deno.test(`the shipped weights of ${model} make no error on 100,000 hard pairs`, async () => {
    const { total, errors } = await evaluate(await engine(), hardCases({ count: 100_000, seed: HELD_OUT_SEED }));
    assertEquals({ total, errors }, { total: 100_000, errors: [] });
  });

  if (metadata.hardening_rounds !== undefined) continue; // another prover would harden it on other pairs
  Deno.test(`training with the recipe and seed that the file of ${model} holds gives its bytes`, async () => {
    const recipe = JSON.parse(metadata.recipe_json);
    const { checkpoint } = await train({ recipe, seed: Number(metadata.seed), model });
    assertEquals(checkpoint, encodeCheckpoint(shippedCheckpoint(shipped)));
  });
}
