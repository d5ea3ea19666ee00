/**
 * The command line: `deno run cli.ts 42 7` adds, `deno run cli.ts help` lists the commands.
 *
 * @example
 * ```ts
 * import { main } from "@x/tiny-adder/cli";
 *
 * const exitCode = await main(["42", "7"]); // prints 42 + 7 = 49  ✓
 * ```
 *
 * @module
 */
import { main } from "./src/cli/main.ts";

export { main };

if (import.meta.main) Deno.exit(await main(Deno.args));
