import { formatValue } from "../src/common/format_value.ts";
import { MODEL_NAMES, parseModel } from "../src/model/variant.ts";
import { MAX_OPERAND } from "../src/model/vocabulary.ts";
import { RECIPES, totalSteps, trainRecipe } from "../src/training/recipes.ts";
import type { TrainRequest } from "./protocol.ts";

interface Link {
  readonly run?: Pick<TrainRequest, "recipe" | "seed" | "model" | "certify">;
  readonly step?: number;
  readonly sum?: readonly [a: number, b: number];
}

/** The part of a link after `#`, such as `recipe=sure&seed=5&model=763&step=900&a=42&b=7`. */
export function linkText({ run, step, sum }: Link): string {
  const { recipe, seed, model, certify = true } = run ?? {};
  const [a, b] = sum ?? [];
  const values = { recipe, seed, model, prove: certify ? undefined : "no", step: run && step, a, b };
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return String(new URLSearchParams(given.map(([name, value]) => [name, String(value)])));
}

/** @throws {RangeError} If a value cannot be; the message says what would be right */
export function readLink(text: string): Link {
  const values: Record<string, string | undefined> = Object.fromEntries(new URLSearchParams(text));
  const { recipe, seed = "1", model = "763", step, a, b, prove } = values;
  const check = (name: string, value: string, isRight: boolean, right: string) => {
    if (isRight) return;
    throw new RangeError(`Cannot open the link as ${name} must be ${right}: it says ${formatValue(value)}`);
  };
  const number = (name: string, text: string, most: number) => {
    check(name, text, /^\d+$/.test(text) && Number(text) <= most, `a whole number from 0 to ${most}`);
    return Number(text);
  };
  const sum = a && b ? { sum: [number("a", a, MAX_OPERAND), number("b", b, MAX_OPERAND)] as const } : {};
  if (!recipe) return sum;
  check("recipe", recipe, RECIPES.includes(recipe as typeof RECIPES[number]), RECIPES.join(" or "));
  const name = parseModel(model)!;
  check("model", model, name !== undefined, MODEL_NAMES);
  const steps = totalSteps(trainRecipe(recipe, { model: name }));
  return {
    ...sum,
    run: { recipe, seed: number("seed", seed, 2 ** 32 - 1), model: name, certify: prove !== "no" },
    ...(step && { step: number("step", step, steps) }),
  };
}
