/**
 * Stands in for `jsr:@std/cli@^1` in a checkout that cannot reach JSR: `parseArgs` for flags that are declared. Written out, as neither
 * `node:util` nor minimist reads `--no-x` and repeated flags the way the real one does. The published package never contains it.
 *
 * @module
 */

/** What to look for; the options of the real `parseArgs` that we use. */
export interface ParseOptions {
  /** Puts what follows `--` into `result["--"]` instead of `result._`. */
  "--"?: boolean;
  /** Flags without a value; false where they are not given. */
  boolean?: readonly string[];
  /** Flags with a value that stays a string. `_` keeps operands strings. */
  string?: readonly string[];
  /** Flags that may be repeated; their values come as an array. */
  collect?: readonly string[];
  /** Flags that `--no-` in front makes false. */
  negatable?: readonly string[];
}

// deno-lint-ignore no-explicit-any
export interface Args extends Record<string, any> {
  /** The operands. */
  _: Array<string | number>;
  /** What followed `--`. */
  "--"?: string[];
}

/** Reads command line arguments. */
export function parseArgs(args: string[], options: ParseOptions = {}): Args {
  const { boolean = [], collect = [], negatable = [] } = options;
  const result: Args = { _: [] };
  for (const name of boolean) result[name] = false;
  for (const name of collect) result[name] = [];
  const set = (name: string, value: string | boolean) => {
    result[name] = collect.includes(name) ? [...[result[name]].flat(), value] : value;
  };
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  for (let i = 0; i < end; i++) {
    const [, name, value] = /^--([^=]+)(?:=(.+))?$/s.exec(args[i]) ?? [];
    const next = i + 1 < end ? args[i + 1] : "";
    const positive = name?.replace(/^no-/, "");
    if (name === undefined) {
      result._.push(args[i]);
    } else if (value !== undefined) {
      set(name, boolean.includes(name) ? value !== "false" : value);
    } else if (positive !== name && negatable.includes(positive)) {
      result[positive] = false;
    } else if (boolean.includes(name)) {
      const isValue = next === "true" || next === "false";
      set(name, next !== "false");
      if (isValue) i++;
    } else {
      const isValue = next !== "" && !next.startsWith("-");
      set(name, isValue ? next : "");
      if (isValue) i++;
    }
  }
  const rest = args.slice(end + 1);
  if (options["--"]) result["--"] = rest;
  else result._.push(...rest);
  return result;
}
