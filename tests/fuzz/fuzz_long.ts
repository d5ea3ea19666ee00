/**
 * `deno task fuzz [--target NAME] [--count N] [--seed S] [--only I]`: all that takes input from strangers, 10^6 cases each unless told otherwise.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { ARGUMENT_TARGETS } from "./arguments.ts";
import { FILE_TARGETS, SEALED_CERTIFICATES } from "./files.ts";
import { fuzz, fuzzCase } from "./fuzz.ts";
import { MEMORY_TARGETS } from "./memory.ts";

const { target, count = "1000000", seed = "1", only } = parseArgs(Deno.args, {
  string: ["target", "count", "seed", "only"],
});
const slow = target === SEALED_CERTIFICATES.name ? [SEALED_CERTIFICATES] : []; // if asked for
for (const one of [...FILE_TARGETS, ...ARGUMENT_TARGETS, ...MEMORY_TARGETS, ...slow]) {
  if (target !== undefined && one.name !== target) continue;
  if (only === undefined) console.log(JSON.stringify(await fuzz(one, Number(count), Number(seed))));
  else console.log(one.name, await fuzzCase(one, Number(seed), Number(only)) ? "takes it" : "refuses it");
}
