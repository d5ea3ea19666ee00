/**
 * Recipes of one's own, from a JSON file.
 *
 * @module
 */
import { excerpt, reasonOf } from "../checkpoint/error.ts";
import { checkRecipe, type Recipe } from "../training/recipes.ts";
import { SweepFileError } from "./error.ts";

type Check = (value: unknown) => boolean;

const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value) && value >= 0;
const isText: Check = (value) => typeof value === "string" && value !== "";
const isDigits: Check = (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 10;

const STAGE_NUMBERS = [
  ...["steps", "batch", "learningRate", "warmupSteps", "floor"],
  ...["weightDecay", "clipNorm", "beta1", "beta2", "epsilon"],
];

/**
 * Reads recipes: one object, or a list of them, each as `./recipes` has them.
 *
 * @param text JSON
 * @param source What it is called in errors
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
  const check = (where: string, object: unknown, fields: readonly string[], wanted: string, fits: Check) => {
    if (typeof object !== "object" || object === null) throw fail(`${where} must be an object`);
    for (const field of fields) {
      const value = (object as Record<string, unknown>)[field];
      if (!fits(value)) throw fail(`${field} of ${where} must be ${wanted}: it is ${excerpt(value)}`);
    }
  };
  for (const [i, recipe] of recipes.entries()) {
    const name = `recipe ${i + 1}`;
    check(name, recipe, ["name", "description"], "a text", isText);
    check(name, recipe, ["stages"], "a list", Array.isArray);
    check(name, recipe, ["maxAttempts"], "a number", isNumber);
    check(`evaluation of ${name}`, recipe.evaluation, ["every", "problems"], "a number, 0 or more", isNumber);
    for (const [j, stage] of (recipe.stages as unknown[]).entries()) {
      const where = `stage ${j + 1} of ${name}`;
      check(where, stage, STAGE_NUMBERS, "a number, 0 or more", isNumber);
      const { batch, curriculum, gate } = stage as Record<string, unknown>;
      check(where, stage, ["name"], "a text", isText);
      check(where, stage, ["curriculum"], "a list", Array.isArray);
      if (!(Number.isInteger(batch) && (batch as number) % 4 === 0 && (batch as number) > 0)) {
        throw fail(`batch of ${where} must be a multiple of four: it is ${excerpt(batch)}`);
      }
      for (const phase of curriculum as unknown[]) {
        check(`a phase of ${where}`, phase, ["fromStep"], "a number, 0 or more", isNumber);
        check(`a phase of ${where}`, phase, ["minDigits", "maxDigits"], "a whole number from 1 to 10", isDigits);
      }
      if (gate !== undefined) check(`the gate of ${where}`, gate, ["atStep", "window", "loss"], "a number", isNumber);
    }
    checkRecipe(recipe as Recipe, "train");
  }
  return recipes as Recipe[];
}
