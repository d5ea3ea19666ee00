/** No input has a smaller margin, as the module computes it, than the bound that covers it. The long form of this is `deno task test:soundness`. */
import { assertGreater, assertLess } from "@std/assert";
import { quickModels } from "./models.ts";
import { searchForBreach } from "./soundness.ts";

for (const [seed, model] of quickModels().entries()) {
  Deno.test(`no input breaks a bound of ${model.name}`, () => {
    const { inputs, largestShare } = searchForBreach(model, { parts: 6, inputs: 60, seed });
    assertGreater(inputs, 1000);
    assertLess(largestShare, 1);
  });
}
