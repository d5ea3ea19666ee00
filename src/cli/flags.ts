import { isWhole } from "../common/checks.ts";
import { didYouMean } from "../common/closest.ts";
import { ARITHMETICS, BACKENDS } from "../engine/interface/types.ts";
import { MODEL_NAMES, type ModelName, MODELS, parseModel } from "../model/variant.ts";
import { RECIPES } from "../training/recipes.ts";

/** A wrong or incomplete request; exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Typed text for an error message: bare if it is plain, otherwise in quotes; cut after 60 characters. */
export function quote(typed: string): string {
  const short = typed.length > 60 ? `${typed.slice(0, 60)}…` : typed;
  return /^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(short) ? short : JSON.stringify(short);
}

export interface Switch {
  /** One line that can be read alone. */
  readonly help: string;
  /** Whether the flag is on unless `--no-…` turns it off. */
  readonly onByDefault?: boolean;
}

export interface ValueFlag<T> extends Pick<Switch, "help"> {
  readonly placeholder: string;
  /** Converts the text. @throws {UsageError} If it is not a value of the flag */
  readonly read: (text: string, flag: string) => T;
  /** Whether `-` stands for standard input or standard output. */
  readonly standard?: "input" | "output";
  readonly required?: true;
}

/** By name, without the two hyphens. */
export type Flags = Readonly<Record<string, ValueFlag<unknown> | Switch>>;

/** The values of a command's flags: undefined where a flag with a value was not given. */
export type FlagValues<F extends Flags> = {
  readonly [Name in keyof F]: F[Name] extends ValueFlag<infer T>
    ? F[Name] extends { required: true } ? T : T | undefined
    : boolean;
};

/** The error of a value that a flag does not take. @param right What it must be @param meant A suggestion to end with */
export function wrongValue(flag: string, right: string, value: string, meant = ""): UsageError {
  return new UsageError(`Cannot use --${flag} as it must be ${right}: current value is ${quote(value)}${meant}`);
}

export function text(placeholder: string, help: string): ValueFlag<string> {
  return { placeholder, help, read: (value) => value };
}

/** A value that must be `right`. @param parse Converts the text; undefined where it is wrong @param names A wrong value may mean one of them */
export function checked<T>(
  placeholder: string,
  help: string,
  right: string,
  parse: (text: string) => T | undefined,
  names: readonly string[] = [],
): ValueFlag<T> {
  return {
    placeholder,
    help,
    read(text, flag) {
      const value = parse(text);
      if (value !== undefined) return value;
      throw wrongValue(flag, right, text, didYouMean(text, names));
    },
  };
}

export function inputFile(placeholder: string, help: string): ValueFlag<string> {
  return { ...text(placeholder, help), standard: "input" };
}

/** The path of a file to write, or `-`. It must end as the placeholder does, such as FILE.svg. */
export function outputFile(placeholder: string, help: string): ValueFlag<string> {
  const [ending] = /\.\w+$/.exec(placeholder) ?? [""];
  const parse = (path: string) => path === "-" || path.toLowerCase().endsWith(ending) ? path : undefined;
  return { ...checked(placeholder, help, `a file that ends in ${ending}`, parse), standard: "output" };
}

export const OVERWRITE_FLAG = { help: "replace the file if it exists" } as const satisfies Switch;

export function wholeNumber(placeholder: string, help: string, range: readonly [number, number]): ValueFlag<number> {
  const [least, most] = range;
  const parse = (text: string) => /^\d+$/.test(text) && isWhole(Number(text), least, most) ? Number(text) : undefined;
  return checked(placeholder, help, `a whole number from ${least} to ${most}`, parse);
}

export function oneOf<const T extends string>(choices: readonly T[], help: string): ValueFlag<T> {
  const parse = (text: string) => choices.find((choice) => choice === text);
  return checked(choices.join("|"), help, `one of ${choices.join(", ")}`, parse, choices);
}

/** One or more values of another flag, separated by commas. */
export function several<T>(flag: ValueFlag<T>): ValueFlag<T[]> {
  return { ...flag, read: (value, name) => value.split(",").map((one) => flag.read(one, name)) };
}

export function modelFlag(help: string): ValueFlag<ModelName> {
  return checked("763|777|WxH|WxH+norm", help, MODEL_NAMES, parseModel, MODELS.map(String));
}

export function recipeFlag(help: string): ValueFlag<string> {
  const { placeholder, read } = several(oneOf(RECIPES, help));
  return {
    ...inputFile(`${placeholder}|FILE.json`, help),
    read: (value, flag) => value === "-" || value.endsWith(".json") ? value : read(value, flag).join(),
  };
}

export function threadsFlag(byDefault: string): ValueFlag<number> {
  const help = `number of threads, 1 to 64; it does not change the result (default: ${byDefault})`;
  return wholeNumber("N", help, [1, 64]);
}

export const ENGINE_FLAGS = {
  backend: oneOf(BACKENDS, "engine to run on (default: auto: wasm, else webgpu, else reference)"),
  threads: threadsFlag("all cores, at most 8"),
  arithmetic: oneOf(
    ARITHMETICS,
    "exact: the same bytes on every machine; fast: fused multiply-add (default: exact; on a GPU fast)",
  ),
};

export const LARGEST_SEED = 2 ** 32 - 1;
export const SEED_FLAG = wholeNumber("N", "seed of the random numbers (default: 1)", [0, LARGEST_SEED]);

export const FROM_FLAG = inputFile(
  "CKPT",
  "safetensors file or run folder of the model; shipped:5x8 and shipped:4x4: the smallest that are proved; -: standard input (default: the shipped weights)",
);

/** Threads if none are given: one per core, and at most one per slice of a training batch. */
export function defaultThreads(): number {
  return Math.min(navigator.hardwareConcurrency, 8);
}
