/** Programs that a machine may lack: what they are, whether they are there, and tests that are ignored where they are not. */
import { fromFileUrl } from "@std/path";

/** A program, or a library of one, or something that a system lets a program do. */
export interface Need {
  /** Its names on the PATH, or its path. */
  readonly names: readonly string[];
  /** The arguments with which it prints what it is, and ends with success. */
  readonly probe: readonly string[];
  /** What it must print. */
  readonly prints: RegExp;
  /** Left out on Windows, whatever is there: what it is used for is a matter of Unix. */
  readonly unix?: true;
  /** The version from npm that does as well, once `deno task setup` has fetched it. */
  readonly npm?: string;
  /** Debian's package. */
  readonly debian?: string;
  /** The package that `deno task setup` tries to put into `.venv`, of what Debian has no package for. */
  readonly pip?: string;
  /** Said in place of "NAME is not installed", of what nobody can install. */
  readonly otherwise?: string;
}

/** `python` is the name on Windows. */
const PYTHON = ["python3", "python"];

/** Python in the virtual environment of the clone, which `deno task setup` makes. */
const VENV = fromFileUrl(new URL("../../.venv/bin/python3", import.meta.url));

/** What tests need beside Deno. */
export const NEEDS = {
  gcc: { names: ["gcc"], probe: ["--version"], prints: /GCC|gcc/, unix: true, debian: "gcc libc6-dev" },
  bash: { names: ["bash"], probe: ["--version"], prints: /^GNU bash, version [5-9]/, unix: true, debian: "bash" },
  zsh: { names: ["zsh"], probe: ["--version"], prints: /^zsh [5-9]/, unix: true, debian: "zsh" },
  fish: { names: ["fish"], probe: ["--version"], prints: /^fish, version [3-9]/, unix: true, debian: "fish" },
  sh: { names: ["/bin/sh"], probe: ["-c", "echo yes"], prints: /^yes/, unix: true },
  sha256sum: { names: ["sha256sum"], probe: ["--version"], prints: /^sha256sum/, unix: true, debian: "coreutils" },
  // of util-linux; it gives programs a terminal
  script: { names: ["script"], probe: ["--version"], prints: /util-linux/, unix: true, debian: "bsdutils" },
  parallel: {
    ...{ names: ["parallel"], probe: ["--version"], prints: /^GNU parallel/, unix: true },
    debian: "parallel",
  },
  // where there is no Node, Deno puts itself into the PATH of its tests as `node`, and says "deno 2.9.6" (tried)
  node: { names: ["node"], probe: ["--version"], prints: /^v[2-9]\d\./ },
  // the oldest that the library promises to run in
  "Node 22": { names: ["node"], probe: ["--version"], prints: /^v22\./, npm: "node@22.23.3" },
  "Node 24": { names: ["node"], probe: ["--version"], prints: /^v24\./, npm: "node@24.21.0" },
  npm: { names: ["npm"], probe: ["--version"], prints: /^\d+\./ },
  bun: { names: ["bun"], probe: ["--version"], prints: /^\d+\.\d+/, npm: "bun@1.4.5" },
  workerd: { names: ["workerd"], probe: ["--version"], prints: /^workerd \d/, npm: "workerd@1.20261117.1" },
  chromium: { names: ["chromium"], probe: ["--version"], prints: /^Chromium \d/, debian: "chromium" },
  "firefox-esr": {
    ...{ names: ["firefox-esr"], probe: ["--version"], prints: /^Mozilla Firefox \d/ },
    debian: "firefox-esr",
  },
  python: { names: PYTHON, probe: ["--version"], prints: /^Python 3\./, debian: "python3" },
  NumPy: {
    ...{ names: PYTHON, probe: ["-c", "import numpy; print(numpy.__version__)"], prints: /^\d/ },
    debian: "python3-numpy",
  },
  PyTorch: {
    ...{ names: PYTHON, probe: ["-c", "import numpy, torch; print(torch.__version__)"], prints: /^\d/ },
    debian: "python3-numpy python3-torch",
  },
  // it runs notebooks
  nbclient: {
    ...{ names: PYTHON, probe: ["-c", "import nbclient; print(nbclient.__version__)"], prints: /^\d/ },
    debian: "python3-nbclient",
  },
  "ONNX Runtime": {
    ...{ names: [VENV, ...PYTHON], probe: ["-c", "import onnxruntime; print(onnxruntime.__version__)"], prints: /^\d/ },
    ...{ pip: "onnxruntime==1.30.0", otherwise: "no Python has ONNX Runtime" },
  },
  "a limit of addresses": {
    ...{ names: ["bash"], probe: ["-c", "ulimit -v 62914560 && echo yes"], prints: /^yes/, unix: true },
    otherwise: "this system limits no addresses",
  },
  "a disk of one's own": {
    ...{ names: ["unshare"], probe: ["--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"] },
    ...{ prints: /^$/, unix: true, otherwise: "this system lets nobody mount a disk" },
  },
  Unix: { names: [], probe: [], prints: /^$/, unix: true, otherwise: "Windows is no Unix" },
} satisfies Record<string, Need>;

/** The name of what a test needs. */
export type NeedName = keyof typeof NEEDS;

/** A program with the arguments that come before all others. */
export type Command = readonly [program: string, ...args: string[]];

const WINDOWS = Deno.build.os === "windows";

/** The files of a name in the folders of the PATH, those of Debian's packages first; a path is one file at most. */
export function filesOf(name: string): string[] {
  const folders = (Deno.env.get("PATH") ?? "").split(WINDOWS ? ";" : ":").filter((folder) => folder !== "");
  const endings = WINDOWS ? (Deno.env.get("PATHEXT") ?? ".EXE;.CMD").split(";") : [""];
  const paths = name.startsWith("/")
    ? [name]
    : folders.flatMap((folder) => endings.map((ending) => `${folder}${WINDOWS ? "\\" : "/"}${name}${ending}`));
  const isDebians = (path: string) => path.startsWith("/usr/bin/");
  return [...paths.filter(isDebians), ...paths.filter((path) => !isDebians(path))].filter((path) => {
    try {
      const { isFile, mode } = Deno.statSync(path);
      return isFile && (WINDOWS || (mode! & 0o111) !== 0);
    } catch {
      return false; // nothing, or nothing that may be looked at
    }
  });
}

/** All ways in which a need may be met. */
function commandsFor({ names, npm }: Need): Command[] {
  const fromPath = names.flatMap(filesOf).map((path): Command => [path]);
  // --no: what is not in npm's cache is not fetched
  const fromNpm = npm === undefined ? [] : filesOf("npx").map((npx): Command => [npx, "--no", "-p", npm, names[0]]);
  return [...fromPath, ...fromNpm];
}

function answers([program, ...args]: Command, { probe, prints }: Need): boolean {
  try {
    const { success, stdout } = new Deno.Command(program, { args: [...args, ...probe], stderr: "null" }).outputSync();
    return success && prints.test(new TextDecoder().decode(stdout));
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false; // it cannot be run
  }
}

const found = new Map<NeedName, Command | null>();

function find(name: NeedName): Command | null {
  let command = found.get(name);
  if (command === undefined) {
    const need: Need = NEEDS[name];
    const isLeftOut = WINDOWS && need.unix === true;
    command = isLeftOut ? null : commandsFor(need).find((one) => answers(one, need)) ?? null;
    found.set(name, command);
  }
  return command;
}

/** Looks again for what was missing. */
export function forgetMissing(): void {
  for (const [name, command] of found) if (command === null) found.delete(name);
}

/** Why a test that needs this is ignored here; null where all is there. Needs permission to run what is on the PATH. */
export function whyIgnored(...names: NeedName[]): string | null {
  for (const name of names) {
    if (name === "Unix" ? !WINDOWS : find(name) !== null) continue;
    const { unix, otherwise }: Need = NEEDS[name];
    return otherwise ?? (WINDOWS && unix ? `${name} is of Unix` : `${name} is not installed`);
  }
  return null;
}

/** How to start a program. @throws {Error} If it is missing */
export function commandOf(name: NeedName): Command {
  const command = find(name);
  if (command === null) throw new Error(`Cannot start ${name} as it must be there: ${whyIgnored(name)}`);
  return command;
}

/** A test that is ignored, and says why, where something that it needs is missing. CI takes ignored tests for failed ones. */
export function testIn(
  needs: NeedName | readonly NeedName[],
  title: string,
  fn: (t: Deno.TestContext) => void | Promise<void>,
): void {
  const why = whyIgnored(...[needs].flat());
  Deno.test({ name: why === null ? title : `${title} (ignored as ${why})`, ignore: why !== null, fn });
}

/** Runs a program to its end, one by the name of a need or a path. @returns What it printed */
export async function outputOf(
  program: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<string> {
  const [path, ...first] = program in NEEDS ? commandOf(program as NeedName) : [program];
  const command = new Deno.Command(path, {
    args: [...first, ...args],
    ...options,
    stdin: "null",
    signal: AbortSignal.timeout(600_000),
  });
  const { success, stdout, stderr } = await command.output();
  if (!success) throw new Error(`Cannot go on as ${program} failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
