import { didYouMean } from "../common/closest.ts";
import { ARITHMETICS, BACKENDS } from "../engine/interface/types.ts";
import { MODEL_NAMES, type ModelName, MODELS, parseModel } from "../model/variant.ts";
import { RECIPES } from "../training/recipes.ts";
import { quote, UsageError } from "./usage_error.ts";

export interface ValueFlag<T> {
  /** Name of the value in the help. */
  readonly placeholder: string;
  /** One line that can be read alone. */
  readonly help: string;
  /** Converts the text. @throws {UsageError} If it is not a value of the flag */
  readonly read: (text: string, flag: string) => T;
  /** Whether `-` stands for standard input or standard output. */
  readonly standard?: "input" | "output";
  readonly required?: true;
}

export interface Switch {
  /** One line that can be read alone. */
  readonly help: string;
  /** Whether the flag is on unless `--no-…` turns it off. */
  readonly onByDefault?: true;
}

/** The flags of a command by name, without the two hyphens. */
export type Flags = Readonly<Record<string, ValueFlag<unknown> | Switch>>;

/** The values of a command's flags: undefined where a flag with a value was not given. */
export type FlagValues<F extends Flags> = {
  readonly [Name in keyof F]: F[Name] extends ValueFlag<infer T>
    ? F[Name] extends { required: true } ? T : T | undefined
    : boolean;
};

export function takesValue(flag: ValueFlag<unknown> | Switch): flag is ValueFlag<unknown> {
  return "read" in flag;
}

/** The error of a value that a flag does not take. @param right What it must be @param meant A suggestion to end with */
export function wrongValue(flag: string, right: string, value: string, meant = ""): UsageError {
  return new UsageError(`Cannot use --${flag} as it must be ${right}: current value is ${quote(value)}${meant}`);
}

/** A flag whose value is any text, such as a path. */
export function text(placeholder: string, help: string): ValueFlag<string> {
  return { placeholder, help, read: (value) => value };
}

/** A flag whose value is the path of a file to read, or `-`. */
export function inputFile(placeholder: string, help: string): ValueFlag<string> {
  return { ...text(placeholder, help), standard: "input" };
}

/** A flag whose value is the path of a file to write, or `-`. The path must end as the placeholder does, such as FILE.svg. */
export function outputFile(placeholder: string, help: string): ValueFlag<string> {
  const [ending] = /\.\w+$/.exec(placeholder) ?? [""];
  return {
    placeholder,
    help,
    standard: "output",
    read(path, flag) {
      if (path === "-" || path.toLowerCase().endsWith(ending)) return path;
      throw wrongValue(flag, `a file that ends in ${ending}`, path);
    },
  };
}

export const OVERWRITE_FLAG = { help: "replace the file if it exists" } as const satisfies Switch;

/** A flag whose value is a whole number from `least` to `most`. */
export function wholeNumber(
  placeholder: string,
  help: string,
  { least, most }: { least: number; most: number },
): ValueFlag<number> {
  return {
    placeholder,
    help,
    read(value, flag) {
      if (/^\d+$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value);
      throw wrongValue(flag, `a whole number from ${least} to ${most}`, value);
    },
  };
}

/** A flag whose value is one of a list of names or numbers. */
export function oneOf<const T extends string | number>(choices: readonly T[], help: string): ValueFlag<T> {
  const names = choices.map(String);
  return {
    placeholder: names.join("|"),
    help,
    read(value, flag) {
      const found = choices[names.indexOf(value)];
      if (found !== undefined) return found;
      throw wrongValue(flag, `one of ${names.join(", ")}`, value, didYouMean(value, names));
    },
  };
}

/** A flag whose value is one or more values of another flag, separated by commas. */
export function several<T>(flag: ValueFlag<T>): ValueFlag<T[]> {
  return { ...flag, read: (value, name) => value.split(",").map((one) => flag.read(one, name)) };
}

/** A flag whose value is the name of a model. */
export function modelFlag(help: string): ValueFlag<ModelName> {
  return {
    placeholder: "763|777|WxH|WxH+norm",
    help,
    read(name, flag) {
      const model = parseModel(name);
      if (model !== undefined) return model;
      throw wrongValue(flag, MODEL_NAMES, name, didYouMean(name, MODELS.map(String)));
    },
  };
}

/** A flag whose value is the name of a recipe, or names if `many` is set, or a JSON file of recipes. */
export function recipeFlag(help: string, { many = false } = {}): ValueFlag<string> {
  const names = oneOf(RECIPES, help);
  return {
    placeholder: `${names.placeholder}|FILE.json`,
    help,
    standard: "input",
    read(value, flag) {
      if (value !== "-" && !value.endsWith(".json")) (many ? several(names) : names).read(value, flag);
      return value;
    },
  };
}

/** @param byDefault The number of threads if none is given, in words */
export function threadsFlag(byDefault: string): ValueFlag<number> {
  const help = `number of threads, 1 to 64; it does not change the result (default: ${byDefault})`;
  return wholeNumber("N", help, { least: 1, most: 64 });
}

export const ENGINE_FLAGS = {
  backend: oneOf(BACKENDS, "engine to run on (default: auto: wasm, else webgpu, else reference)"),
  threads: threadsFlag("all cores, at most 8"),
  arithmetic: oneOf(
    ARITHMETICS,
    "exact: the same bytes on every machine; fast: fused multiply-add (default: exact; on a GPU fast)",
  ),
};

/** Seeds are 32-bit. */
export const LARGEST_SEED = 2 ** 32 - 1;

export const SEED_FLAG = wholeNumber("N", "seed of the random numbers (default: 1)", { least: 0, most: LARGEST_SEED });

export const FROM_FLAG = inputFile(
  "CKPT",
  "safetensors file or run folder of the model; shipped:5x8 and shipped:4x4: the smallest that are proved; -: standard input (default: the shipped weights)",
);

/** Threads if none are given: one per core, and at most one per slice of a training batch. */
export function defaultThreads(): number {
  return Math.min(navigator.hardwareConcurrency, 8);
}
