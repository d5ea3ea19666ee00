import { formatValue } from "../src/common/format_value.ts";
import { MODEL_NAMES, type ModelName, parseModel } from "../src/model/variant.ts";
import { RECIPES, totalSteps, trainRecipe } from "../src/training/recipes.ts";
import { readOperand } from "./operand.ts";
import type { TrainRequest } from "./protocol.ts";

const MOST_SEED = 2 ** 32 - 1;

/** What a link says: a run to replay, the step of it to return to, and a sum to show. */
interface Link {
  readonly run?: Pick<TrainRequest, "recipe" | "seed" | "model" | "certify">;
  readonly step?: number;
  readonly sum?: readonly [a: number, b: number];
}

/** The part of a link after `#`, such as `recipe=sure&seed=5&model=763&step=900&a=42&b=7`. */
export function linkText({ run, step, sum }: Link): string {
  const { recipe, seed, model, certify } = run ?? {};
  return String(
    new URLSearchParams({
      ...(run && { recipe: recipe!, seed: String(seed), model: String(model) }),
      ...(certify === false && { prove: "no" }),
      ...(run && step !== undefined && { step: String(step) }),
      ...(sum && { a: String(sum[0]), b: String(sum[1]) }),
    }),
  );
}

/** @throws {RangeError} If a value cannot be; the message says what would be right */
export function readLink(text: string): Link {
  const values = new URLSearchParams(text);
  const names = ["recipe", "seed", "model", "step", "a", "b"];
  const [recipe, seed, model, step, a, b] = names.map((name) => values.get(name));
  const check = (name: string, value: string, isRight: boolean, right: string) => {
    if (isRight) return;
    throw new RangeError(`Cannot open the link as ${name} must be ${right}: it says ${formatValue(value)}`);
  };
  const operand = (name: string, text: string) => {
    const value = readOperand(text);
    check(name, text, typeof value === "number", "a whole number from 0 to 9999999999");
    return value as number;
  };
  const sum = a && b ? { sum: [operand("a", a), operand("b", b)] as const } : {};
  if (!recipe) return sum;
  check("recipe", recipe, RECIPES.includes(recipe as typeof RECIPES[number]), RECIPES.join(" or "));
  const number = (name: string, text: string, most: number) => {
    check(name, text, /^\d+$/.test(text) && Number(text) <= most, `a whole number from 0 to ${most}`);
    return Number(text);
  };
  const name: ModelName | undefined = parseModel(model ?? "763");
  check("model", model ?? "", name !== undefined, MODEL_NAMES);
  const steps = totalSteps(trainRecipe(recipe, { model: name }));
  return {
    ...sum,
    run: {
      ...{ recipe, seed: number("seed", seed ?? "1", MOST_SEED), model: name! },
      certify: values.get("prove") !== "no",
    },
    ...(step && { step: number("step", step, steps) }),
  };
}
