/** The long search for an input that breaks a bound: at least 10^7 inputs on 24 models. Takes some minutes. */
import { type NamedModel, perturbed, quickModels, trained } from "./models.ts";
import { searchForBreach } from "./soundness.ts";

const models: NamedModel[] = quickModels();
for (const [i, steps] of [200, 1000, 3000, 5000, 8000, 13_000].entries()) {
  for (const model of [763, 777] as const) models.push(await trained(steps, 10 + i, model));
}
for (const source of models.slice(-6)) {
  models.push({ ...source, name: `${source.name}, changed by 5%`, parameters: perturbed(source.parameters, 0.05, 7) });
}
let total = 0;
let share = 0;
for (const [seed, model] of models.entries()) {
  const { inputs, largestError, largestShare } = searchForBreach(model, { parts: 60, inputs: 1000, seed: 1000 + seed });
  total += inputs;
  share = Math.max(share, largestShare);
  console.log(
    `${model.name}: ${inputs} inputs, none breaks its bound; float32 is off by up to ${largestError.toPrecision(3)}, ` +
      `${(100 * largestShare).toFixed(1)}% of what is bounded`,
  );
}
console.log(
  `${total} inputs on ${models.length} models; at most ${(100 * share).toFixed(1)}% of a rounding's bound is reached`,
);
