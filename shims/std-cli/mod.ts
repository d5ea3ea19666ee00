/**
 * Stands in for `jsr:@std/cli@^1` in a checkout that cannot reach JSR: `parseArgs` for the flags that we declare, over `node:util`. The published
 * package never contains it.
 *
 * @module
 */
import { parseArgs as parse } from "node:util";

/** The options of the real `parseArgs` that we use: flags of each kind, and whether operands go into `result["--"]` instead of `result._`. */
export type ParseOptions = Partial<Record<"boolean" | "string" | "collect" | "negatable", readonly string[]>> & {
  "--"?: boolean;
};

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
