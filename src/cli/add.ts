import { MAX_OPERAND } from "../model/vocabulary.ts";
import { defineCommand } from "./command.ts";
import { FROM_FLAG, quote, UsageError } from "./flags.ts";
import { printSum } from "./sum.ts";

export const addCommand = defineCommand({
  description: "Adds two whole numbers from 0 to 9999999999 with the model, and shows whether the sum is right.",
  operands: "A B",
  flags: { from: FROM_FLAG },
  permissions: "none; --allow-read=CKPT with --from",
  example: "deno run cli.ts add 42 7",
  run({ operands, flags: { from }, json }) {
    const [a, b] = readOperands(operands, "add");
    return printSum(a, b, { from, json });
  },
});

/** Reads two operands: decimal digits, leading zeros allowed, with or without a plus sign between them. @param verb Of messages: `Cannot <verb> as …` */
export function readOperands(operands: readonly string[], verb: string): [a: number, b: number] {
  const [, ...sides] = /^([^+\s]+)\s*\+\s*([^+\s]+)$/.exec(operands.join(" ")) ?? ["", ...operands];
  if (sides.length !== 2) {
    const found = operands.length === 0 ? "none" : `${operands.length} (${operands.map(quote).join(", ")})`;
    throw new UsageError(`Cannot ${verb} as there must be two operands: found ${found}`);
  }
  const [a, b] = sides;
  for (const [name, value] of [["a", a], ["b", b]]) {
    if (/^\d+$/.test(value) && Number(value) <= MAX_OPERAND) continue;
    const must = `a whole number from 0 to ${MAX_OPERAND}: current value is ${quote(value)}`;
    throw new UsageError(`Cannot ${verb} ${quote(a)} and ${quote(b)} as ${name} must be ${must}`);
  }
  return [Number(a), Number(b)];
}
