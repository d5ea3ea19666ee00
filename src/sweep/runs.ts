/**
 * Which runs a sweep has, and which of them a shard does.
 *
 * @module
 */
import type { Arithmetic } from "../engine/types.ts";
import type { ModelName } from "../model/variant.ts";
import { sha256 } from "../sha256.ts";
import type { Recipe } from "../training/recipes.ts";

/** One training run of a sweep. */
export interface SweepRun {
  /** How it trains. */
  readonly recipe: Recipe;
  /** The variant of the model. */
  readonly model: ModelName;
  /** Its seed. */
  readonly seed: number;
  /** Its arithmetic. */
  readonly arithmetic: Arithmetic;
}

/** One of several parts of a sweep. */
export interface Shard {
  /** Which part, from 0. */
  readonly index: number;
  /** How many parts there are. */
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

/** The SHA-256 of a recipe's data, in hexadecimal: two recipes of one name are told apart by it. */
export async function recipeHash(recipe: Recipe): Promise<string> {
  return (await sha256(new TextEncoder().encode(JSON.stringify(recipe)))).slice(0, 16);
}
