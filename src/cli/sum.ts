import { type Adder, WasmAdder } from "../adder/adder.ts";
import { hasSimd } from "../engine/wasm/core.ts";
import { shippedParameters } from "../weights/shipped.ts";
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
  const adder = await adderOf(from);
  const got = adder.add(a, b);
  if (json) printJson({ a, b, sum: got, correct: got === a + b, checkpoint: from ?? "shipped" });
  else console.log(sumLine({ a, b, got }));
  return got === a + b ? 0 : 1;
}

/** Loads no more code than it needs. */
async function adderOf(from: string | undefined): Promise<Pick<Adder, "add">> {
  if (from === undefined) return hasSimd() ? new WasmAdder(763, shippedParameters()) : await import("../adder/add.ts");
  const [{ loadAdder }, { modelFrom }] = await Promise.all([import("../adder/load_adder.ts"), import("./model.ts")]);
  return loadAdder((await modelFrom(from)).checkpoint);
}
