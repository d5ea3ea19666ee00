/** Programs that a machine may lack. */

/** Programs that run our bundle, and how the versions of them that we want name themselves. */
const RUNTIMES = {
  // from 20 on; where there is no Node, Deno puts itself into the PATH of its tests as `node`, and says "deno 2.9.6" (tried)
  node: /^v[2-9]\d\./,
  chromium: /^Chromium \d/,
  "firefox-esr": /^Mozilla Firefox \d/,
};

export type Runtime = keyof typeof RUNTIMES;

/** Whether there is such a program in the PATH. Needs permission to run it. */
export function isInstalled(runtime: Runtime): boolean {
  try {
    const { stdout } = new Deno.Command(runtime, { args: ["--version"], stderr: "null" }).outputSync();
    return RUNTIMES[runtime].test(new TextDecoder().decode(stdout));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Runs a program to its end. @returns What it printed */
export async function outputOf(program: string, args: string[]): Promise<string> {
  const command = new Deno.Command(program, { args, signal: AbortSignal.timeout(300_000) });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(`Cannot go on as ${program} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
