/** No input has a smaller margin than the bound that covers it. The long form of this is `deno task test:soundness`. */
import { assertGreater } from "@std/assert";
import { quickModels } from "./models.ts";
import { searchForBreach } from "./soundness.ts";

for (const [seed, model] of quickModels().entries()) {
  Deno.test(`no input breaks a bound of ${model.name}`, () => {
    assertGreater(searchForBreach(model, { regions: 4, checked: 4, inputs: 100, seed }), 2000);
  });
}
