/** Programs that a machine may lack. */

/** How a program is asked for its version, and what a version that we want looks like. */
interface Wanted {
  /** The program and its arguments. */
  readonly command: readonly [program: string, ...args: string[]];
  /** What it must print. */
  readonly version: RegExp;
}

/** Debian's Python, the one that its packages are for. */
export const PYTHON = "/usr/bin/python3";

/** Node in the oldest version that the library promises to run in, from npm. */
export const NODE_22: readonly [program: string, ...args: string[]] = ["npx", "-y", "-p", "node@22.23.3", "node"];

const PROGRAMS = {
  // from 20 on; where there is no Node, Deno puts itself into the PATH of its tests as `node`, and says "deno 2.9.6" (tried)
  node: { command: ["node", "--version"], version: /^v[2-9]\d\./ },
  "Node 22": { command: [...NODE_22, "--version"], version: /^v22\./ },
  chromium: { command: ["chromium", "--version"], version: /^Chromium \d/ },
  "firefox-esr": { command: ["firefox-esr", "--version"], version: /^Mozilla Firefox \d/ },
  python: { command: [PYTHON, "--version"], version: /^Python 3\./ },
  "python3-torch": { command: [PYTHON, "-c", "import torch; print(torch.__version__)"], version: /^\d/ },
  // of util-linux, as Debian has it; it gives programs a terminal
  script: { command: ["bash", "-c", "script --version"], version: /util-linux/ },
} satisfies Record<string, Wanted>;

/** A program, or a library of one. */
export type Program = keyof typeof PROGRAMS;

/** Whether there is such a program. Needs permission to run it. */
export function isInstalled(name: Program): boolean {
  const { command: [program, ...args], version } = PROGRAMS[name] as Wanted;
  try {
    const { stdout } = new Deno.Command(program, { args, stderr: "null" }).outputSync();
    return version.test(new TextDecoder().decode(stdout));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A test that is ignored, and says why, where its program is missing. CI takes ignored tests for failed ones. */
export function testIn(name: Program, title: string, fn: (t: Deno.TestContext) => void | Promise<void>): void {
  const ignore = !isInstalled(name);
  Deno.test({ name: ignore ? `${title} (ignored as ${name} is not installed)` : title, ignore, fn });
}

/** Runs a program to its end. @returns What it printed */
export async function outputOf(program: string, args: string[]): Promise<string> {
  const command = new Deno.Command(program, { args, signal: AbortSignal.timeout(300_000) });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(`Cannot go on as ${program} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
