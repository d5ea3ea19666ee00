/**
 * The protocol that all contestants speak. A program is run as
 *
 *     PROGRAM check FILE                            10 losses of training steps, or the tokens that it decodes, or both
 *     PROGRAM train|decode BATCH SECONDS REPEATS    rates by elapsed time and by CPU time
 *
 * and prints one line of JSON. FILE has 763 float32 parameters, then the int32 tokens of problems, 33 each; all little-endian.
 *
 * @module
 */
import { parameterCount, variantOf } from "../../src/model/variant.ts";
import type { Rates } from "../measure.ts";
import { CommandError, runCommand } from "./command.ts";

const GOLDEN = new URL("../../tests/golden/w0.json", import.meta.url);
const POSITIONS = 33;
const PARAMETERS = parameterCount(variantOf(763));

/** What a program prints: rates, or what it computed. */
export type Output = Rates | { losses?: number[]; tokens?: number[] };

/** Hyperparameters of the golden steps. */
export const GOLDEN_HYPERPARAMETERS = {
  learningRate: 0.02,
  weightDecay: 0.1,
  clipNorm: 1,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
};

interface Golden {
  weights: Record<string, number[]>;
  batches: { tokens: number[][]; greedy12_float64: number[][]; float64: { loss_steps_1_10: number[] } }[];
}

/** What PyTorch computed in float64; the batch twice, to fill sixteen lanes, which changes no mean. */
export async function golden() {
  const { weights, batches: [batch] }: Golden = JSON.parse(await Deno.readTextFile(GOLDEN));
  const twice = <T>(rows: T[]) => [...rows, ...rows];
  const parameters = new Float32Array(PARAMETERS);
  for (const { name, offset } of variantOf(763).tensors) parameters.set(weights[name], offset);
  return {
    parameters,
    tokens: Int32Array.from(twice(batch.tokens).flatMap((row) => row.slice(0, POSITIONS))),
    losses: batch.float64.loss_steps_1_10,
    greedy: twice(batch.greedy12_float64),
  };
}

/** Reads the file of `check`. */
export async function readCheckFile(path: string): Promise<{ parameters: Float32Array; operands: Float64Array }> {
  const { buffer } = await Deno.readFile(path);
  const tokens = new Int32Array(buffer, 4 * PARAMETERS);
  const operands = Float64Array.from({ length: tokens.length / POSITIONS * 2 }, (_, i) => {
    const from = POSITIONS * (i >> 1) + 11 * (i & 1);
    return Number(tokens.slice(from, from + 10).join(""));
  });
  return { parameters: new Float32Array(buffer, 0, PARAMETERS), operands };
}

/** Runs a program and parses its last line. */
export async function runProgram<T = Output>(command: readonly string[], folder: string, env = {}): Promise<T> {
  // one thread each, whatever the program asks for itself
  const { stdout } = await runCommand(command, { folder, timeout: 600, env: { OMP_NUM_THREADS: "1", ...env } });
  const line = stdout.trim().split("\n").at(-1) ?? "";
  try {
    return JSON.parse(line);
  } catch {
    throw new CommandError(`no result in its output: ${line.slice(0, 80)}`);
  }
}

/** Compares what a program computed with what PyTorch computed. @throws {CommandError} If it printed neither losses nor tokens */
export async function compare({ losses, tokens }: { losses?: number[]; tokens?: number[] }) {
  if (!losses?.length && !tokens?.length) throw new CommandError("it printed neither losses nor tokens");
  const expected = await golden();
  const texts: string[] = [];
  let same = true;
  if (losses) {
    const apart = Math.max(...expected.losses.map((loss, i) => Math.abs(loss - losses[i])));
    const near = Math.abs(expected.losses[0] - losses[0]) <= 1e-5 && apart <= 1e-4;
    same &&= near;
    texts.push(near ? `same losses within ${apart.toExponential(0)}` : `DIFFERENT losses: ${losses.slice(0, 2)}…`);
  }
  if (tokens) {
    const width = tokens.length / expected.greedy.length; // some stop after the eleven digits
    const equal = width >= 11 &&
      expected.greedy.every((row, i) => row.slice(0, width).every((token, k) => token === tokens[i * width + k]));
    same &&= equal;
    texts.push(equal ? `same ${tokens.length} tokens` : "DIFFERENT tokens");
  }
  return { same, text: texts.join(", ") };
}
