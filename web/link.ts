import { formatValue } from "../src/common/format_value.ts";
import { MODEL_NAMES, type ModelName, parseModel } from "../src/model/variant.ts";
import { RECIPES } from "../src/training/recipes.ts";
import { readOperand } from "./operand.ts";
import type { TrainRequest } from "./protocol.ts";

const MOST_SEED = 2 ** 32 - 1;

/** What a link says: a run to replay, and a sum to show. */
interface Link {
  readonly run?: Pick<TrainRequest, "recipe" | "seed" | "model" | "certify">;
  readonly sum?: readonly [a: number, b: number];
}

/** The part of a link after `#`, such as `recipe=sure&seed=5&model=763&a=42&b=7`. */
export function linkText({ run, sum }: Link): string {
  const { recipe, seed, model, certify } = run ?? {};
  return String(
    new URLSearchParams({
      ...(run && { recipe: recipe!, seed: String(seed), model: String(model) }),
      ...(certify === false && { prove: "no" }),
      ...(sum && { a: String(sum[0]), b: String(sum[1]) }),
    }),
  );
}

/** @throws {RangeError} If a value cannot be; the message says what would be right */
export function readLink(text: string): Link {
  const values = new URLSearchParams(text);
  const [recipe, seed, model, a, b] = ["recipe", "seed", "model", "a", "b"].map((name) => values.get(name));
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
  const number = Number(seed ?? 1);
  check("seed", seed ?? "", /^\d+$/.test(seed ?? "1") && number <= MOST_SEED, `a whole number from 0 to ${MOST_SEED}`);
  const name: ModelName | undefined = parseModel(model ?? "763");
  check("model", model ?? "", name !== undefined, MODEL_NAMES);
  return { ...sum, run: { recipe, seed: number, model: name!, certify: values.get("prove") !== "no" } };
}
