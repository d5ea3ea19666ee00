/**
 * Running other programs: their output, or one sentence about what went wrong.
 *
 * @module
 */

/** Why a program gave no result; the message is one line, fit for a table. */
export class CommandError extends Error {
  override name = "CommandError";
}

/** How to run a program. */
export interface CommandOptions {
  /** The working folder. */
  folder: string;
  /** Seconds after which it is ended. @default {300} */
  timeout?: number;
  /** Variables besides the inherited ones. */
  env?: Record<string, string>;
}

/** What it wrote. */
export interface CommandOutput {
  /** On the standard output. */
  stdout: string;
  /** On the standard error. */
  stderr: string;
}

/** The last line that says something, cut to a length that a table bears. */
function lastLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? "no message").slice(0, 160);
}

/**
 * Runs a program to its end.
 *
 * @throws {CommandError} If it is not installed, fails, is killed or takes too long
 */
export async function runCommand(
  command: readonly string[],
  { folder, timeout = 300, env }: CommandOptions,
): Promise<CommandOutput> {
  const [program, ...args] = command;
  const name = program.split("/").at(-1);
  const signal = AbortSignal.timeout(timeout * 1e3);
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(program, { args, cwd: folder, env, signal, stdin: "null" }).output();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new CommandError(`${name} is not installed`);
    throw error;
  }
  const stdout = new TextDecoder().decode(output.stdout);
  const stderr = new TextDecoder().decode(output.stderr);
  if (signal.aborted) throw new CommandError(`${name} took longer than ${timeout} s`);
  if (output.signal !== null) throw new CommandError(`${name} was ended by ${output.signal}`);
  if (!output.success) throw new CommandError(`${name} ended with code ${output.code}: ${lastLine(stderr || stdout)}`);
  return { stdout, stderr };
}
