import { isObject, isWhole } from "../common/checks.ts";
import { formatJson } from "../common/format_value.ts";
import { parseJson } from "../common/text.ts";
import { unknownNames } from "../common/options.ts";
import type { CurriculumPhase, Gate, MixPart, Stage } from "../schedule/stage.ts";
import { TrainingError } from "./error.ts";
import { checkRecipe, type EvaluationPlan, type Recipe } from "./recipes.ts";

/** What a setting must be, and the test of it. */
type Rule = readonly [right: string, fits: (value: unknown) => boolean];
type Rules<T> = { readonly [Name in keyof Required<T>]: Rule };

const optional = ([right, fits]: Rule): Rule => [right, (value) => value === undefined || fits(value)];

const isNumber = (value: unknown) => typeof value === "number" && Number.isFinite(value) && value >= 0;
const isDigits = (value: unknown) => isWhole(value, 1, 10);
const isRange = (value: unknown) =>
  Array.isArray(value) && value.length === 2 && value.every(isDigits) && value[0] <= value[1];

const NUMBER: Rule = ["a number, 0 or more", isNumber];
const NORM: Rule = [NUMBER[0], (value) => isNumber(value) || value === Infinity]; // Infinity: never clipped
const TEXT: Rule = ["a text", (value) => typeof value === "string" && value !== ""];
const LIST: Rule = ["a list", Array.isArray];
const BATCH: Rule = ["a multiple of four", (value) => isWhole(value, 1) && (value as number) % 4 === 0];
const DIGITS: Rule = ["a whole number from 1 to 10", isDigits];
const RANGE: Rule = ["two whole numbers from 1 to 10, the smaller one first", isRange];
const SHARE: Rule = ["a number above 0, at most 1", (value) => isNumber(value) && value !== 0 && value as number <= 1];
const MIX_KINDS: readonly unknown[] = ["random", "carries", "repeated"] satisfies MixPart["kind"][];
const KIND: Rule = ["random, carries or repeated", (value) => MIX_KINDS.includes(value)];
/** An object that is checked by itself. */
const PART: Rule = ["an object", () => true];

const RECIPE: Rules<Recipe> = {
  ...{ name: TEXT, description: TEXT, stages: LIST, maxAttempts: NUMBER, evaluation: PART },
  ...{ proofSeconds: optional(NUMBER), hardeningRounds: optional(NUMBER) },
};
const EVALUATION: Rules<EvaluationPlan> = { every: NUMBER, problems: NUMBER, stopAt: optional(NUMBER) };
const STAGE: Rules<Stage> = {
  ...{ steps: NUMBER, learningRate: NUMBER, warmupSteps: NUMBER, floor: NUMBER, weightDecay: NUMBER },
  ...{ beta1: NUMBER, beta2: NUMBER, epsilon: NUMBER, clipNorm: NORM, name: TEXT, curriculum: LIST, batch: BATCH },
  ...{ gate: PART, mix: optional(LIST) },
};
const PHASE: Rules<CurriculumPhase> = { fromStep: NUMBER, minDigits: DIGITS, maxDigits: DIGITS };
const MIX: Rules<MixPart> = { share: SHARE, kind: KIND, digits: optional(RANGE) };
const GATE: Rules<Gate> = { atStep: NUMBER, window: NUMBER, loss: NUMBER };

/** Reads a recipe or a list of them from the file `source`. @throws {TrainingError} If it holds something else @throws {RangeError} If one cannot be run */
export function parseRecipes(text: string, source: string): Recipe[] {
  const fail = (reason: string) => new TrainingError(`Cannot read ${source} as it must hold recipes: ${reason}`);
  const recipes: unknown[] = [parseJson(text, fail)].flat();
  if (recipes.length === 0) throw fail("the list is empty");
  return recipes.map((recipe, i) => checkOwnRecipe(recipe, "train", `recipe ${i + 1}`, fail));
}

/** Checks the form of a recipe, then that its parts fit each other. @param name Its name in errors @param fail Makes an error from the end of its message */
export function checkOwnRecipe(
  recipe: unknown,
  kind: "train" | "continue",
  name: string,
  fail: (reason: string) => Error,
): Recipe {
  const unknown: string[] = [];
  const check = <T>(where: string, found: unknown, rules: Rules<T>): Record<string, unknown> => {
    if (!isObject(found)) throw fail(`${where} must be an object`);
    const names = unknownNames(found, Object.keys(rules));
    if (names !== undefined) unknown.push(`${where} has no setting ${names}`);
    for (const [field, [right, fits]] of Object.entries<Rule>(rules)) {
      if (fits(found[field])) continue;
      // an unknown name may be why another one is missing
      throw fail([...unknown, `${field} of ${where} must be ${right}: it is ${formatJson(found[field])}`].join("; "));
    }
    return found;
  };
  const { evaluation, stages } = check(name, recipe, RECIPE);
  check(`evaluation of ${name}`, evaluation, EVALUATION);
  for (const [j, stage] of (stages as unknown[]).entries()) {
    const where = `stage ${j + 1} of ${name}`;
    const { curriculum, gate, mix = [] } = check(where, stage, STAGE);
    for (const phase of curriculum as unknown[]) check(`a phase of ${where}`, phase, PHASE);
    for (const part of mix as unknown[]) check(`a part of the mix of ${where}`, part, MIX);
    if (gate !== undefined) check(`the gate of ${where}`, gate, GATE);
  }
  if (unknown.length > 0) throw fail(unknown.join("; "));
  checkRecipe(recipe as Recipe, kind);
  return recipe as Recipe;
}
