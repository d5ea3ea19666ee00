/**
 * The protocol that all contestants speak. A program is run as
 *
 *     PROGRAM check                                 10 losses of training steps, or the tokens that it decodes, or both
 *     PROGRAM train|decode BATCH SECONDS REPEATS    a rate for each repeat
 *
 * and prints one line of JSON. golden.json in its folder has the 763 weights, and the tokens and targets of problems, 34 each. Rivals are timed
 * on these problems, repeated to fill the batch; ours draws new ones for each step.
 */
import { resolve } from "@std/path";
import { goldenSet } from "../../tests/golden.ts";

/** Examples per second, of elapsed time and of CPU time. */
export type Rate = Record<"wall" | "cpu", number>;

/** What PyTorch computed in float64; the batch twice, to fill sixteen lanes, which changes no mean. */
export async function golden() {
  const { weights: parameters, hyperparameters, batches: [{ operands, greedy, float64 }] } = await goldenSet("w0");
  return {
    ...{ parameters, hyperparameters, losses: float64.lossSteps },
    operands: Float64Array.of(...operands, ...operands),
    tokens: [...greedy!.tokens, ...greedy!.tokens],
  };
}

/** Why a program gave no result; the message is one line, fit for a table. */
export class ProgramError extends Error {}

/** Runs a program to its end, on one thread unless `env` says otherwise. @returns Its standard output @throws {ProgramError} */
export async function runProgram(
  [program, ...args]: readonly string[],
  { folder, timeout = 600, env }: { folder: string; timeout?: number; env?: Record<string, string> },
): Promise<string> {
  const name = program.split("/").at(-1);
  const signal = AbortSignal.timeout(timeout * 1e3);
  const options = { args, cwd: folder, env: { OMP_NUM_THREADS: "1", ...env }, signal, stdin: "null" } as const;
  const path = program.includes("/") ? resolve(folder, program) : program;
  const output = await new Deno.Command(path, options).output().catch((error) => {
    if (error instanceof Deno.errors.NotFound) throw new ProgramError(`${name} is not installed`);
    throw error;
  });
  const [stdout, stderr] = [output.stdout, output.stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (signal.aborted) throw new ProgramError(`${name} took longer than ${timeout} s`);
  if (output.success) return stdout;
  const lines = (stderr || stdout).trim().split("\n");
  const reason = (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1)!).trim().slice(0, 160) || "no message";
  throw new ProgramError(`${name} ended with ${output.signal ?? `code ${output.code}`}: ${reason}`);
}

/** Runs a program and parses its last line. */
export async function resultOf<T>(command: readonly string[], options: Parameters<typeof runProgram>[1]): Promise<T> {
  const line = (await runProgram(command, options)).trim().split("\n").at(-1) ?? "";
  try {
    return JSON.parse(line);
  } catch {
    throw new ProgramError(`no result in its output: ${line.slice(0, 80)}`);
  }
}

/** Compares what a program computed with what PyTorch computed. @throws {ProgramError} If it printed neither losses nor tokens */
export async function compare({ losses, tokens }: { losses?: ArrayLike<number>; tokens?: ArrayLike<number> }) {
  if (!losses?.length && !tokens?.length) throw new ProgramError("it printed neither losses nor tokens");
  const expected = await golden();
  const report = (same: boolean, text: string, wrong: string) => ({
    same,
    text: same ? `same ${text}` : `DIFFERENT ${wrong}`,
  });
  const reports = [];
  if (losses) {
    const apart = Math.max(...expected.losses.map((loss, i) => Math.abs(loss - losses[i])));
    const same = Math.abs(expected.losses[0] - losses[0]) <= 1e-5 && apart <= 1e-4;
    reports.push(report(same, `losses within ${apart.toExponential(0)}`, `losses: ${losses[0]},${losses[1]}…`));
  }
  if (tokens) reports.push(report(String(tokens) === String(expected.tokens), `${tokens.length} tokens`, "tokens"));
  return { same: reports.every(({ same }) => same), text: reports.map(({ text }) => text).join(", ") };
}
