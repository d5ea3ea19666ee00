import { check, isObject, isWhole } from "./checks.ts";
import { closest } from "./closest.ts";
import { formatValue } from "./format_value.ts";

/** What an option must be, in words for its error, and the test of it. */
const KINDS = {
  "a number": (value: unknown) => typeof value === "number",
  "a positive number": (value: unknown) => typeof value === "number" && value > 0,
  "a number, 0 or more": (value: unknown) => typeof value === "number" && value >= 0,
  "a number in [0, 1)": (value: unknown) => typeof value === "number" && value >= 0 && value < 1,
  "a finite number, 0 or more": (value: unknown) => Number.isFinite(value) && value as number >= 0,
  "a finite number above 0": (value: unknown) => Number.isFinite(value) && value as number > 0,
  "a whole number, 0 or more": (value: unknown) => isWhole(value, 0),
  "a whole number, 1 or more": (value: unknown) => isWhole(value, 1),
  "a whole number from 1 to 64": (value: unknown) => isWhole(value, 1, 64),
  "a whole number from 0 to 4294967295": (value: unknown) => isWhole(value, 0, 2 ** 32 - 1),
  "a text": (value: unknown) => typeof value === "string",
  "true or false": (value: unknown) => typeof value === "boolean",
  "a function": (value: unknown) => typeof value === "function",
  "an AbortSignal": (value: unknown) => typeof (value as AbortSignal | null)?.throwIfAborted === "function",
  "a name or a recipe": (value: unknown) => typeof value === "string" || (typeof value === "object" && value !== null),
  "a list": Array.isArray,
  "log or a list of steps": (value: unknown) =>
    value === "log" || (Array.isArray(value) && value.every((step) => isWhole(step, 0))),
  /** Checked where it is used. */
  anything: () => true,
} as const;

const MAX_LISTED = 8;

/** The kind of each option of `T`. The type fails to compile where an option is missing. */
export type OptionKinds<T> = { readonly [Name in keyof Required<T>]: keyof typeof KINDS };

/**
 * Checks the names, types and ranges of an options object: callers without types pass anything. @param asked The request, in words that follow "Cannot"
 * @throws {TypeError} If it is not an object, or has an unknown option; the message names the one that was probably meant
 * @throws {RangeError} If an option has a wrong value
 */
export function checkOptions<T extends object>(asked: string, options: T, kinds: OptionKinds<T>): void {
  if (!isObject(options)) {
    throw new TypeError(`Cannot ${asked} as its options must be an object: current value is ${formatValue(options)}`);
  }
  const unknown = unknownNames(options, Object.keys(kinds));
  if (unknown !== undefined) throw new TypeError(`Cannot ${asked} as there is no option ${unknown}`);
  for (const [name, kind] of Object.entries<keyof typeof KINDS>(kinds)) {
    const value = (options as Record<string, unknown>)[name];
    check(value === undefined || KINDS[kind](value), asked, name, kind, value);
  }
}

/** The names of an object that are not known, each with the one that was probably meant; undefined if there are none. */
export function unknownNames(object: object, known: readonly string[]): string | undefined {
  const unknown = Object.keys(object).filter((name) => !known.includes(name));
  if (unknown.length === 0) return undefined;
  const listed = unknown.slice(0, MAX_LISTED).map((name) => ({ name, meant: closest(name, known) }));
  const texts = listed.map(({ name, meant }) => formatValue(name) + (meant ? ` (did you mean ${meant}?)` : ""));
  const more = unknown.length > MAX_LISTED ? ` and ${unknown.length - MAX_LISTED} more` : "";
  return `${texts.join(", ")}${more}${listed.every(({ meant }) => meant) ? "" : `: there are ${known.join(", ")}`}`;
}
