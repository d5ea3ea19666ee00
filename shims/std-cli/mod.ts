/**
 * Stands in for `jsr:@std/cli@^1` in a checkout that cannot reach JSR: `parseArgs` with the options that our command
 * line uses. Written out, as neither `node:util` nor minimist reads `--seed -1` and `--no-x` the way the real one does.
 * The published package never contains it.
 *
 * @module
 */

/** What to look for; the options of the real `parseArgs` without `stopEarly`, dotted names, and values glued to a letter. */
export interface ParseOptions {
  /** Puts what follows `--` into `result["--"]` instead of `result._`. */
  "--"?: boolean;
  /** Other names of a flag. */
  alias?: Record<string, string | readonly string[]>;
  /** Flags without a value; false where they are not given. */
  boolean?: string | readonly string[];
  /** Flags with a value that stays a string. `_` keeps operands strings. */
  string?: string | readonly string[];
  /** Flags that may be repeated; their values come as an array. */
  collect?: string | readonly string[];
  /** Flags that `--no-` in front makes false. */
  negatable?: string | readonly string[];
  /** Values of flags that are not given. */
  default?: Record<string, unknown>;
  /** Called for what no option covers; what it returns false for is left out. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** What was found. */
// deno-lint-ignore no-explicit-any
export interface Args extends Record<string, any> {
  /** The operands. */
  _: Array<string | number>;
  /** What followed `--`. */
  "--"?: string[];
}

const NUMBER = /^(?:0x[0-9a-f]+|[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?)$/i;
const LONG_FLAG = /^--(?<key>[^=].*?)(?:=(?<value>.+))?$/s;

/**
 * Reads command line arguments.
 *
 * @example
 * ```ts
 * import { parseArgs } from "@std/cli";
 *
 * parseArgs(["add", "--from", "x.safetensors"], { string: ["from"] }); // { _: ["add"], from: "x.safetensors" }
 * ```
 */
export function parseArgs(args: string[], options: ParseOptions = {}): Args {
  const aliases = new Map<string, string[]>();
  for (const [name, others] of Object.entries(options.alias ?? {})) {
    const all = [name, ...[others].flat()];
    for (const one of all) aliases.set(one, all.filter((other) => other !== one));
  }
  const names = (option: string | readonly string[] = []) =>
    new Set([option].flat().flatMap((name) => [name, ...aliases.get(name) ?? []]));
  const booleans = names(options.boolean);
  const strings = names(options.string);
  const collected = names(options.collect);
  const negatable = names(options.negatable);

  const result: Args = { _: [] };

  function set(key: string, given: string | boolean, arg: string, collect = true): void {
    const known = booleans.has(key) || strings.has(key) || aliases.has(key);
    if (!known && options.unknown?.(arg, key, given) === false) return;
    const value = typeof given === "string" && !strings.has(key) && NUMBER.test(given) ? Number(given) : given;
    for (const name of [key, ...aliases.get(key) ?? []]) {
      result[name] = collect && collected.has(name) ? [...[result[name] ?? []].flat(), value] : value;
    }
  }

  /** Sets a flag from the argument after it, or without a value; tells whether it took that argument. */
  function setFromNext(key: string, next: string | undefined, arg: string, isValue: boolean): boolean {
    const truth = next === "true" || next === "false" ? next === "true" : undefined;
    const value = next && isValue && !booleans.has(key) ? next : truth;
    set(key, value ?? (strings.has(key) ? "" : true), arg);
    return value !== undefined;
  }

  /** Sets the letters of `-abc`, of which only the last may have a value; tells whether it took the argument after it. */
  function setLetters(arg: string, next: string | undefined): boolean {
    for (const letter of arg.slice(1, -1)) set(letter, strings.has(letter) ? "" : true, arg);
    return setFromNext(arg.slice(-1), next, arg, !/^--?[^-]/.test(next ?? ""));
  }

  const end = args.indexOf("--");
  const flags = end < 0 ? args : args.slice(0, end);
  const rest = end < 0 ? [] : args.slice(end + 1);
  for (let i = 0; i < flags.length; i++) {
    const arg = flags[i];
    const next = flags[i + 1];
    const long = LONG_FLAG.exec(arg)?.groups;
    if (long !== undefined) {
      const { key, value } = long;
      const positive = key.replace(/^no-/, "");
      if (value !== undefined) set(positive, booleans.has(positive) ? value !== "false" : value, arg);
      else if (positive !== key && negatable.has(positive)) set(positive, false, arg, false);
      else if (setFromNext(key, next, arg, !next?.startsWith("-"))) i++;
    } else if (/^-./s.test(arg)) {
      if (setLetters(arg, next)) i++;
    } else if (options.unknown?.(arg) !== false) {
      result._.push(!strings.has("_") && NUMBER.test(arg) ? Number(arg) : arg);
    }
  }

  for (const [name, value] of Object.entries(options.default ?? {})) {
    for (const one of [name, ...aliases.get(name) ?? []]) result[one] ??= value;
  }
  for (const name of booleans) result[name] ??= collected.has(name) ? [] : false;
  for (const name of strings) if (collected.has(name)) result[name] ??= [];
  if (options["--"]) result["--"] = rest;
  else result._.push(...rest);
  return result;
}
