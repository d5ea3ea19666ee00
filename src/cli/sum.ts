import { add } from "../adder.ts";
import { printJson, sumLine } from "./format.ts";

/** Options of {@linkcode printSum}. */
export interface PrintSumOptions {
  /** The path of a checkpoint to use instead of the shipped weights. */
  from?: string;
  /** Whether to print JSON. @default {false} */
  json?: boolean;
}

/**
 * Adds two numbers and prints the sum on stdout, with the right one where the model is wrong.
 *
 * @returns The exit code: 0 where the model is right, else 1
 */
export async function printSum(a: number, b: number, { from, json = false }: PrintSumOptions = {}): Promise<number> {
  const adder = from === undefined ? { add } : (await import("../load_adder.ts")).loadAdder(from);
  const got = adder.add(a, b);
  if (json) printJson({ a, b, sum: got, correct: got === a + b, checkpoint: from ?? "shipped" });
  else console.log(sumLine({ a, b, got }));
  return got === a + b ? 0 : 1;
}
