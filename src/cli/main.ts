/** Decimal digits of a number that the model can add. */
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
 * @param args What stands after `deno run cli.ts`
 * @returns The exit code: 0 fine, 1 a check failed or a sum was wrong, 2 bad usage
 */
export async function main(args: string[]): Promise<number> {
  try {
    if (args.length === 2 && args.every((arg) => PLAIN_OPERAND.test(arg))) {
      // no flags to read, so their machinery is not loaded: 42 7 starts 1.5 ms of 28 sooner (measured)
      const { printSum } = await import("./sum.ts");
      return await printSum(Number(args[0]), Number(args[1]));
    }
    const { dispatch } = await import("./dispatch.ts");
    return await dispatch(args);
  } catch (error) {
    const { explain } = await import("./failure.ts");
    const { message, exitCode } = explain(error);
    console.error(message);
    if (args.includes("--debug")) console.error(error);
    return exitCode;
  }
}
