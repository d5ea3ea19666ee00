import { add, type Adder } from "../adder.ts";
import { printJson, sumLine } from "./format.ts";

/** Options of {@linkcode printSum}. */
export interface PrintSumOptions {
  /** Path of a checkpoint. @default {the shipped weights} */
  from?: string;
  /** Prints a JSON object instead of a line. @default {false} */
  json?: boolean;
}

/**
 * Adds two numbers and prints the sum on stdout, and the right sum if the model is wrong.
 *
 * @returns The exit code: 0 if the model is right, otherwise 1
 */
export async function printSum(a: number, b: number, { from, json = false }: PrintSumOptions = {}): Promise<number> {
  const adder = from === undefined ? { add } : await adderFrom(from);
  const got = adder.add(a, b);
  if (json) printJson({ a, b, sum: got, correct: got === a + b, checkpoint: from ?? "shipped" });
  else console.log(sumLine({ a, b, got }));
  return got === a + b ? 0 : 1;
}

/** The adder of a checkpoint, whose code a plain sum does not load. */
async function adderFrom(from: string): Promise<Adder> {
  const [{ loadAdder }, { modelFrom }] = await Promise.all([import("../load_adder.ts"), import("./model.ts")]);
  return loadAdder((await modelFrom(from)).checkpoint);
}
