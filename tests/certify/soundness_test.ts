/** No input has a smaller margin, as the module computes it, than the bound that covers it. The long form of this is `deno task test:soundness`. */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { groupsOf, refine } from "../../src/checker/groups.ts";
import { queryOf } from "../../src/checker/query.ts";
import { queryTable } from "../../src/engine/wasm/decoding_tables.ts";
import { readDecodingNumbers } from "../../src/engine/wasm/read_decoding.ts";
import { askingTokens, digitsOf } from "../../src/model/vocabulary.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { DIGITS_OF_INPUT, drawInputs, operandsOf } from "./draw_inputs.ts";
import { liesIn, quickModels, randomNumbers } from "./models.ts";
import { searchForBreach } from "./soundness.ts";

for (const [seed, model] of quickModels().entries()) {
  Deno.test(`no input breaks a bound of ${model.name}`, () => {
    const { inputs, largestShare } = searchForBreach(model, { parts: 6, inputs: 60, seed });
    assertGreater(inputs, 1000);
    assertLess(largestShare, 1);
  });
}

Deno.test("drawInputs() draws inputs of the part", () => {
  const random = randomNumbers(1);
  const { model, parameters } = shippedCheckpoint();
  const numbers = readDecodingNumbers(model, parameters)!;
  for (let step = 0; step < 12; step++) {
    for (const token of askingTokens(step)) {
      const groups = groupsOf(queryOf(step, token, queryTable(numbers, step, token)));
      const group = groups[Math.floor(random() * groups.length)];
      for (const part of [group, ...refine(group).flatMap((own) => [own, ...refine(own)])]) {
        const near = drawInputs(part, { count: 4, random });
        const operands = operandsOf(drawInputs(part, { count: 20, random, near }));
        for (let i = 0; i < operands.length; i += 2) {
          const [a, b] = [digitsOf(operands[i], 10), digitsOf(operands[i + 1], 10)];
          assert(liesIn(part, { a, b }), `${operands[i]} + ${operands[i + 1]} is not of step ${step}, token ${token}`);
        }
        assertEquals(near.length % DIGITS_OF_INPUT, 0);
      }
    }
  }
});
