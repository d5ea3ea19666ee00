import { trainRecipe } from "../src/training/recipes.ts";
import type { TrainRequest } from "./protocol.ts";

/** A part of a run between two changes of its recipe. */
export interface Phase {
  readonly from: number;
  readonly to: number;
  readonly stage: string;
  /** The number of digits of its examples, such as `1–3`. */
  readonly digits: string;
}

/** The phases of a run, in order. */
export function phasesOf({ recipe, model }: Pick<TrainRequest, "recipe" | "model">): Phase[] {
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
