/**
 * No denormal numbers: a product below 2^-126 takes an Intel core 150 cycles instead of one, and a model that has learned would make little else.
 */
import { assertEquals } from "@std/assert";
import { ARITHMETICS, createEngine } from "../../src/engine/mod.ts";
import { MODELS, parameterCount, variantOf } from "../../src/model/variant.ts";
import { shippedParameters } from "../../src/adder/adder.ts";

const SMALLEST_NORMAL = 2 ** -126;

function denormals(values: Float32Array): number[] {
  return [...values].filter((value) => value !== 0 && Math.abs(value) < SMALLEST_NORMAL);
}

/** Weights with logits far apart and hidden units far below 0: all tails are long. */
function steepWeights(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => 8 * Math.sin(i * i + 1));
}

for (const arithmetic of ARITHMETICS) {
  Deno.test(`the gradient of weights that have learned has no denormal number: ${arithmetic}`, async () => {
    const engine = await createEngine({ backend: "wasm", arithmetic });
    engine.setParameters(shippedParameters());
    const problems = engine.sample({ seed: 5, stream: "evaluation", count: 256 });
    assertEquals(denormals((await engine.lossAndGradient(problems)).gradient), []);
    await engine.dispose();
  });

  for (const model of MODELS) {
    Deno.test(`the gradient of steep weights has no denormal number: ${model}, ${arithmetic}`, async () => {
      const engine = await createEngine({ backend: "wasm", arithmetic, model });
      engine.setParameters(steepWeights(parameterCount(variantOf(model))));
      const problems = engine.sample({ seed: 5, stream: "evaluation", count: 256 });
      assertEquals(denormals((await engine.lossAndGradient(problems)).gradient), []);
      await engine.dispose();
    });
  }

  Deno.test(`a gradient that is no number stays none: ${arithmetic}`, async () => {
    const engine = await createEngine({ backend: "wasm", arithmetic });
    engine.setParameters(new Float32Array(engine.parameters().length).fill(1e30)); // sums overflow
    const rates = { learningRate: 0.01, weightDecay: 0, clipNorm: 1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
    const { gradientNorm } = await engine.trainStep([{ a: 1, b: 2 }], rates);
    assertEquals(gradientNorm, NaN);
    await engine.dispose();
  });

  Deno.test(`moments without a gradient decay to 0, not to denormal numbers: ${arithmetic}`, async () => {
    const engine = await createEngine({ backend: "wasm", arithmetic });
    const count = engine.parameters().length;
    const firstMoment = new Float32Array(count).fill(1e-32);
    const secondMoment = new Float32Array(count).fill(1e-38);
    engine.setOptimizerState({ step: 10, firstMoment, secondMoment });
    const rates = { learningRate: 0, weightDecay: 0, clipNorm: 1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
    await engine.trainStep([{ a: 1, b: 2 }], rates);
    const state = engine.optimizerState();
    assertEquals(denormals(state.firstMoment), []);
    assertEquals(denormals(state.secondMoment), []);
    // the embedding of position 34 is never read, so its moments only decay
    assertEquals([...state.firstMoment.slice(336, 343), ...state.secondMoment.slice(336, 343)], new Array(14).fill(0));
    await engine.dispose();
  });
}
