import type { Arithmetic } from "../engine/interface/types.ts";
import type { ModelName } from "../model/variant.ts";
import { sha256 } from "../common/sha256.ts";
import type { Recipe } from "../training/recipes.ts";

/** One training run of a sweep. */
export interface SweepRun {
  readonly recipe: Recipe;
  readonly model: ModelName;
  readonly seed: number;
  readonly arithmetic: Arithmetic;
}

/** One of several parts of a sweep, for one of several machines. */
export interface Shard {
  /** From 0 to `count` - 1. */
  readonly index: number;
  readonly count: number;
}

/** All combinations: recipe by recipe, model by model, seed by seed. */
export function planRuns(
  { recipes, models, seeds, arithmetic }: {
    recipes: readonly Recipe[];
    models: readonly ModelName[];
    seeds: readonly number[];
    arithmetic: Arithmetic;
  },
): SweepRun[] {
  return recipes.flatMap((recipe) =>
    models.flatMap((model) => seeds.map((seed) => ({ recipe, model, seed, arithmetic })))
  );
}

/** The runs of a shard: every `count`th. */
export function runsOf(runs: readonly SweepRun[], { index, count }: Shard): SweepRun[] {
  return runs.filter((_, i) => i % count === index);
}

/** The first 16 hexadecimal digits of the SHA-256 of a recipe, which distinguish recipes with the same name. */
export async function recipeHash(recipe: Recipe): Promise<string> {
  return (await sha256(new TextEncoder().encode(JSON.stringify(recipe)))).slice(0, 16);
}
