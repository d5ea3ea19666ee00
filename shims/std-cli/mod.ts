// Stands in for `jsr:@std/cli@^1` in a checkout that cannot reach JSR: `parseArgs` for flags with a value. The published package never contains it.
import { parseArgs as parse } from "node:util";

/** The options of the real `parseArgs` that we use; `--` says whether operands go into `result["--"]` instead of `result._`. */
export type ParseOptions = { string: readonly string[]; collect?: readonly string[]; "--"?: boolean };

// deno-lint-ignore no-explicit-any
export function parseArgs(args: string[], { string, collect = [], ...rest }: ParseOptions): Record<string, any> {
  const declare = (name: string) => [name, { type: "string", multiple: collect.includes(name) }];
  const options = Object.fromEntries(string.map(declare));
  const { values, positionals } = parse({ args, options, strict: false, allowPositionals: true });
  const none = Object.fromEntries(collect.map((name) => [name, []]));
  return { ...none, ...values, [rest["--"] ? "--" : "_"]: positionals };
}
