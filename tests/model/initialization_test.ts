import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { initialParameters } from "../../src/model/initialization.ts";
import { MODELS, parameterCount, tensorView, variantOf } from "../../src/model/variant.ts";

// From a second implementation, in Python. The tolerance is that of another Math.cos or Math.log.
const FIXED: readonly [attempt: number, values: Record<number, number>][] = [
  [0, {
    0: 0.008640569634735584,
    1: 0.01709788106381893,
    2: -0.008671908639371395,
    3: -0.0006139349425211549,
    357: 0.7344946265220642,
    762: 0.271096795797348,
  }],
  [1, {
    0: -0.024926932528614998,
    1: -0.0022840453311800957,
    2: 0.0014401641674339771,
    3: 0.014800088480114937,
    357: 0.1017531231045723,
    762: -0.07436370849609375,
  }],
];

for (const [attempt, values] of FIXED) {
  Deno.test(`initialParameters() gives the fixed weights of seed 1, attempt ${attempt}`, () => {
    const parameters = initialParameters(variantOf(763), 1, attempt);
    for (const [index, value] of Object.entries(values)) {
      assertAlmostEquals(parameters[Number(index)], value, 1e-7, `parameter ${index}`);
    }
  });
}

for (const model of MODELS) {
  const variant = variantOf(model);

  Deno.test(`initialParameters() of ${model} sets each tensor as its variant says`, () => {
    const draws = Array.from({ length: 40 }, (_, seed) => initialParameters(variant, seed));
    for (const { name, initial, size } of variant.tensors) {
      const values = draws.flatMap((parameters) => [...tensorView(parameters, variant, name)]);
      if ("constant" in initial) {
        assert(values.every((value) => value === initial.constant), name);
        continue;
      }
      const standard = values.map((value) => value / initial.deviation);
      const count = 40 * size;
      const mean = standard.reduce((sum, value) => sum + value, 0) / count;
      const variance = standard.reduce((sum, value) => sum + value ** 2, 0) / count;
      const within1 = standard.filter((value) => Math.abs(value) < 1).length / count;
      // Four standard errors of each: of a mean, of the mean of a square, and of a share.
      assertAlmostEquals(mean, 0, 4 / Math.sqrt(count), `mean of ${name}`);
      assertAlmostEquals(variance, 1, 4 * Math.sqrt(2 / count), `variance of ${name}`);
      assertAlmostEquals(within1, 0.6827, 4 * Math.sqrt(0.6827 * 0.3173 / count), `share within 1 of ${name}`);
    }
  });

  Deno.test(`initialParameters() of ${model} gives other weights for every other seed and attempt`, () => {
    const first = [[0, 0], [1, 0], [0, 1], [4294967295, 4294967295]].map(([seed, attempt]) =>
      initialParameters(variant, seed, attempt)[0]
    );
    assertEquals(new Set(first).size, 4);
    assertEquals(initialParameters(variant, 3, 2), initialParameters(variant, 3, 2));
    assertEquals(initialParameters(variant, 3).length, parameterCount(variant));
  });
}
