import { excerpt } from "../checkpoint/error.ts";
import type { Recipe } from "./recipes.ts";

type Check = (value: unknown) => boolean;

const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value) && value >= 0;
const isOptionalNumber: Check = (value) => value === undefined || isNumber(value);
const isNorm: Check = (value) => isNumber(value) || value === Infinity; // never clipped
const isText: Check = (value) => typeof value === "string" && value !== "";
const isDigits: Check = (value) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 10;
const isBatch: Check = (value) => Number.isSafeInteger(value) && (value as number) % 4 === 0 && (value as number) > 0;

const STAGE_NUMBERS = [
  ...["steps", "learningRate", "warmupSteps", "floor"],
  ...["weightDecay", "beta1", "beta2", "epsilon"],
];

/**
 * Checks the form of a recipe; whether its parts fit each other is for `checkRecipe` of recipes.ts.
 *
 * @param name Its name in errors
 * @param fail Makes an error from the end of its message
 */
export function checkRecipeForm(
  recipe: unknown,
  name: string,
  fail: (reason: string) => Error,
): asserts recipe is Recipe {
  const check = (where: string, object: unknown, fields: readonly string[], wanted: string, fits: Check) => {
    if (typeof object !== "object" || object === null) throw fail(`${where} must be an object`);
    for (const field of fields) {
      const value = (object as Record<string, unknown>)[field];
      if (!fits(value)) throw fail(`${field} of ${where} must be ${wanted}: it is ${excerpt(value)}`);
    }
  };
  check(name, recipe, ["name", "description"], "a text", isText);
  check(name, recipe, ["stages"], "a list", Array.isArray);
  check(name, recipe, ["maxAttempts"], "a number", isNumber);
  check(name, recipe, ["proofSeconds", "hardeningRounds"], "a number, 0 or more", isOptionalNumber);
  const { evaluation, stages } = recipe as { evaluation: unknown; stages: unknown[] };
  check(`evaluation of ${name}`, evaluation, ["every", "problems"], "a number, 0 or more", isNumber);
  check(`evaluation of ${name}`, evaluation, ["stopAt"], "a number, 0 or more", isOptionalNumber);
  for (const [j, stage] of stages.entries()) {
    const where = `stage ${j + 1} of ${name}`;
    check(where, stage, STAGE_NUMBERS, "a number, 0 or more", isNumber);
    check(where, stage, ["clipNorm"], "a number, 0 or more", isNorm);
    check(where, stage, ["name"], "a text", isText);
    check(where, stage, ["curriculum"], "a list", Array.isArray);
    check(where, stage, ["batch"], "a multiple of four", isBatch);
    const { curriculum, gate } = stage as { curriculum: unknown[]; gate: unknown };
    for (const phase of curriculum) {
      check(`a phase of ${where}`, phase, ["fromStep"], "a number, 0 or more", isNumber);
      check(`a phase of ${where}`, phase, ["minDigits", "maxDigits"], "a whole number from 1 to 10", isDigits);
    }
    if (gate !== undefined) check(`the gate of ${where}`, gate, ["atStep", "window", "loss"], "a number", isNumber);
  }
}
