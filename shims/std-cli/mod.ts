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
  _: Array<string | number>;
  /** What followed `--`. */
  "--"?: string[];
}

export function parseArgs(args: string[], options: ParseOptions = {}): Args {
  const { boolean = [], collect = [], negatable = [] } = options;
  const result: Args = { _: [] };
  for (const name of boolean) result[name] = false;
  for (const name of collect) result[name] = [];
  const end = args.includes("--") ? args.indexOf("--") : args.length;
  for (let i = 0; i < end; i++) {
    const [, name, value] = /^--([^=]+)(?:=(.+))?$/s.exec(args[i]) ?? [];
    const positive = name?.replace(/^no-/, "");
    if (name === undefined) {
      result._.push(args[i]);
    } else if (value === undefined && positive !== name && negatable.includes(positive)) {
      result[positive] = false;
    } else {
      const isSwitch = boolean.includes(name);
      const next = i + 1 < end ? args[i + 1] : "";
      const isValue = isSwitch ? ["true", "false"].includes(next) : next !== "" && !next.startsWith("-");
      if (value === undefined && isValue) i++;
      const text = value ?? (isValue ? next : isSwitch ? "true" : "");
      const found = isSwitch ? text !== "false" : text;
      result[name] = collect.includes(name) ? [...[result[name]].flat(), found] : found;
    }
  }
  const rest = args.slice(end + 1);
  if (options["--"]) result["--"] = rest;
  else result._.push(...rest);
  return result;
}
