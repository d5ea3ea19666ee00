import { trainRecipe } from "../src/training/recipes.ts";
import type { TrainRequest } from "./protocol.ts";

export type Phase = ReturnType<typeof phasesOf>[number];

/** The parts of a run between changes of its recipe, in order. */
export function phasesOf({ recipe, model }: Pick<TrainRequest, "recipe" | "model">) {
  let start = 0;
  return trainRecipe(recipe, { model }).stages.flatMap(({ name, steps, curriculum }) => {
    const phases = curriculum.map(({ fromStep, minDigits, maxDigits }, i) => ({
      from: start + fromStep,
      to: start + (curriculum[i + 1]?.fromStep ?? steps),
      stage: name,
      digits: `${minDigits}–${maxDigits}`,
    }));
    start += steps;
    return phases;
  });
}
