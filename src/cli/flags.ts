import type { Arithmetic, BackendName } from "../engine/types.ts";
import { didYouMean } from "./closest.ts";
import { quote, UsageError } from "./usage_error.ts";

/** A flag with a value. */
export interface ValueFlag<T> {
  /** What stands for the value in the help. */
  readonly placeholder: string;
  /** What it does, one line. */
  readonly help: string;
  /** Makes the value of its text. @throws {UsageError} If the text is not one */
  readonly read: (text: string, flag: string) => T;
}

/** A flag without a value. */
export interface Switch {
  /** What it does, one line. */
  readonly help: string;
  /** Whether the flag is on by itself and is written `--no-…` to turn it off. */
  readonly onByDefault?: true;
}

/** The flags of a command by name, without the two hyphens. */
export type Flags = Readonly<Record<string, ValueFlag<unknown> | Switch>>;

/** What the flags of a command were given: undefined where a flag with a value is missing. */
export type FlagValues<F extends Flags> = {
  readonly [Name in keyof F]: F[Name] extends ValueFlag<infer T> ? T | undefined : boolean;
};

/** Tells the two kinds of flag apart. */
export function takesValue(flag: ValueFlag<unknown> | Switch): flag is ValueFlag<unknown> {
  return "read" in flag;
}

/** Describes a flag whose value is text that is not looked into, such as a path. */
export function text(placeholder: string, help: string): ValueFlag<string> {
  return { placeholder, help, read: (value) => value };
}

/** Describes a flag whose value is a whole number from `least` to `most`. */
export function wholeNumber(
  placeholder: string,
  help: string,
  { least, most }: { least: number; most: number },
): ValueFlag<number> {
  return {
    placeholder,
    help,
    read(value, flag) {
      const number = Number(value);
      if (/^\d+$/.test(value) && number >= least && number <= most) return number;
      throw new UsageError(
        `Cannot use --${flag} as it must be a whole number from ${least} to ${most}: current value is ${quote(value)}`,
      );
    },
  };
}

/** Describes a flag whose value is one of a few names or numbers. */
export function oneOf<const T extends string | number>(choices: readonly T[], help: string): ValueFlag<T> {
  const names = choices.map(String);
  return {
    placeholder: names.join("|"),
    help,
    read(value, flag) {
      const found = choices[names.indexOf(value)];
      if (found !== undefined) return found;
      throw new UsageError(
        `Cannot use --${flag} as it must be one of ${names.join(", ")}: current value is ${quote(value)}` +
          didYouMean(value, names),
      );
    },
  };
}

const BACKENDS: readonly (BackendName | "auto")[] = ["auto", "wasm", "webgpu", "reference"];
const ARITHMETICS: readonly Arithmetic[] = ["exact", "fast"];

/** The flags that choose an engine. */
export const ENGINE_FLAGS = {
  backend: oneOf(BACKENDS, "what to run on (auto: wasm, and webgpu where WASM SIMD is missing)"),
  threads: wholeNumber("N", "threads, 1 to 64 (all cores, 8 at most); the result is the same with any number", {
    least: 1,
    most: 64,
  }),
  arithmetic: oneOf(ARITHMETICS, "exact: the same bytes everywhere; fast: fused multiply-add (exact, on a GPU fast)"),
};

/** The largest seed: seeds are 32-bit. */
export const LARGEST_SEED = 2 ** 32 - 1;

/** The flag for a seed. */
export const SEED_FLAG = wholeNumber("N", "seed of the random numbers (1)", { least: 0, most: LARGEST_SEED });

/** The flag for a checkpoint to use instead of the shipped one. */
export const FROM_FLAG = text("CKPT", "the checkpoint, a safetensors file (the shipped weights)");

/** The number of threads where none is asked for: one a core, and no more than a batch of training has slices. */
export function defaultThreads(): number {
  return Math.min(navigator.hardwareConcurrency, 8);
}
