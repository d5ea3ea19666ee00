import { reasonOf } from "../checkpoint/common/error.ts";
import { checkRecipeForm } from "../training/recipe_form.ts";
import { checkRecipe, type Recipe } from "../training/recipes.ts";
import { SweepFileError } from "./error.ts";

/**
 * Reads your own recipes: a recipe or a list of recipes, in the form of those in `./recipes`.
 *
 * @param text JSON
 * @param source The name of the file, for errors
 * @throws {SweepFileError} If it holds something else; the message says where
 * @throws {RangeError} If a recipe cannot be run
 */
export function parseRecipes(text: string, source: string): Recipe[] {
  const fail = (reason: string) => new SweepFileError(`Cannot read ${source} as it must hold recipes: ${reason}`);
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw fail(reasonOf(error));
  }
  const recipes = Array.isArray(found) ? found : [found];
  if (recipes.length === 0) throw fail("the list is empty");
  for (const [i, recipe] of recipes.entries()) {
    checkRecipeForm(recipe, `recipe ${i + 1}`, fail);
    checkRecipe(recipe, "train");
  }
  return recipes as Recipe[];
}
