/** Programs that a machine may lack. */

/** Whether there is such a program in the PATH. Needs permission to run it. */
export function isInstalled(program: string): boolean {
  try {
    return new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Runs a program to its end. @returns What it printed */
export async function outputOf(program: string, args: string[]): Promise<string> {
  const command = new Deno.Command(program, { args, signal: AbortSignal.timeout(60_000) });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(`Cannot go on as ${program} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
