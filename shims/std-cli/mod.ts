/**
 * Stands in for `jsr:@std/cli@^1` in a checkout that cannot reach JSR: `parseArgs` for the flags that we declare, over `node:util`. The published
 * package never contains it.
 *
 * @module
 */
import { parseArgs as parse } from "node:util";

/** What to look for; the options of the real `parseArgs` that we use. */
export interface ParseOptions {
  /** Puts the operands, which follow `--`, into `result["--"]` instead of `result._`. */
  "--"?: boolean;
  /** Flags without a value. */
  boolean?: readonly string[];
  /** Flags with a value that stays a string. */
  string?: readonly string[];
  /** Flags that may be repeated; their values come as an array. */
  collect?: readonly string[];
  /** Flags that `--no-` in front makes false. */
  negatable?: readonly string[];
}

// deno-lint-ignore no-explicit-any
export function parseArgs(args: string[], options: ParseOptions): Record<string, any> {
  const { boolean = [], string = [], collect = [], negatable = [] } = options;
  const declare = (type: "boolean" | "string") => (name: string) => [name, { type, multiple: collect.includes(name) }];
  const { values, positionals } = parse({
    ...{ args, strict: false, allowPositionals: true, allowNegative: negatable.length > 0 },
    options: Object.fromEntries([...boolean.map(declare("boolean")), ...string.map(declare("string"))]),
  });
  const none = Object.fromEntries(collect.map((name) => [name, []]));
  return { ...none, ...values, [options["--"] ? "--" : "_"]: positionals };
}
