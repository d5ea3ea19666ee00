/** The long search for an input that breaks a bound: at least 10^7 inputs on 25 models. Takes some minutes. */
import { assert } from "@std/assert";
import { type NamedModel, perturbed, quickModels, rescaled, trained } from "./models.ts";
import { searchForBreach } from "./soundness.ts";

const INPUTS = 1e7;

const models: NamedModel[] = quickModels();
for (const [i, steps] of [200, 1000, 3000, 5000, 8000, 13_000].entries()) {
  for (const model of [763, 777] as const) models.push(await trained(steps, 10 + i, model));
}
for (const [i, source] of models.slice(-6).entries()) {
  const { name, model, parameters } = source;
  models.push(
    i < 2
      ? { model, name: `${name}, rescaled`, parameters: rescaled(model, parameters, 3 + 2 * i) }
      : { model, name: `${name}, changed by 5%`, parameters: perturbed(parameters, 0.05, 7) },
  );
}
let total = 0;
let share = 0;
for (const [seed, model] of models.entries()) {
  const found = searchForBreach(model, { parts: 30, inputs: 2000, seed: 1000 + seed });
  total += found.inputs;
  share = Math.max(share, found.largestShare);
  console.log(
    `${model.name}: ${found.inputs} inputs, none breaks its bound; float32 is off by up to ` +
      `${found.largestError.toPrecision(3)}, at most ${(100 * found.largestShare).toFixed(1)}% of what is bounded`,
  );
}
assert(total >= INPUTS, `only ${total} inputs were looked at`);
console.log(
  `${total} inputs on ${models.length} models; at most ${(100 * share).toFixed(1)}% of a rounding's bound is reached`,
);
