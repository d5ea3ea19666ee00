/**
 * The workshop: a folder outside the project with a copy of the rivals and all that they need to run. It is kept, so that the second
 * run need not install anything.
 *
 * @module
 */
import { fromFileUrl, join, resolve } from "@std/path";
import { CommandError, runCommand } from "./command.ts";

/** What a rival may need to have been set up. */
export type Part = "adder4s" | "adder4" | "adder8" | "adder16" | "python" | "npm" | "onnx";

/** The copy of the rivals. */
export interface Workshop {
  /** Its absolute path. */
  folder: string;
  /** A copy of this project as it was when the workshop was opened: a comparison is of one state of it, whoever works on meanwhile. */
  ours: string;
  /** Python with the rivals' packages. */
  python: string;
  /** Variables for the rivals' processes. */
  env: Record<string, string>;
  /** Why a part could not be set up, one line each; a part that is not in it is ready. */
  missing: ReadonlyMap<Part, string>;
}

const HERE = new URL("./", import.meta.url);
const PROJECT = new URL("../../", import.meta.url);
const GOLDEN = new URL("tests/golden/", PROJECT);

/** Where the rivals are, unless another folder is named. */
export const PEERS = resolve(fromFileUrl(PROJECT), "../shared/peers");

/** The workshop, unless another folder is named. */
export const WORK = "/tmp/tiny-adder-peers";

/** The golden weights that the rivals' losses are checked on: tests/golden/w0.json and .pt, in the workshop. */
export const GOLDEN_SET = "w0";

/** Our own scripts that run beside the rivals. */
const SCRIPTS = ["jaxjs_careful.mjs", "pytorch_loss.py", "pytorch_recipe.py", "tfjs_careful_loss.mjs"];

/** Copies the files of a folder and of those in it, as new files: the originals may be write-protected. */
async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    if (isFile) await Deno.writeFile(join(to, name), await Deno.readFile(join(from, name)));
  }
}

/** Copies what `ours.ts` needs to run. */
async function copyProject(to: string): Promise<void> {
  for (const name of ["src", "bench", "shims"]) await copyFolder(fromFileUrl(new URL(name, PROJECT)), join(to, name));
  for (const name of ["deno.json", "mod.ts", "cli.ts"]) {
    await Deno.writeFile(join(to, name), await Deno.readFile(new URL(name, PROJECT)));
  }
}

/** Does something unless it was done before with the same `key`; a mark in the workshop remembers it. */
async function once(folder: string, name: string, key: string, action: () => Promise<unknown>): Promise<void> {
  const mark = join(folder, `.${name}-is-ready`);
  if (await Deno.readTextFile(mark).catch(() => undefined) === key) return;
  console.error(`setting up ${name} …`);
  await action();
  await Deno.writeTextFile(mark, key);
}

const MINUTES = 60;

/** How to set the parts up. Those that belong together come from one step. */
const STEPS: readonly { parts: readonly Part[]; setUp: (workshop: Workshop) => Promise<void> }[] = [
  {
    parts: ["adder4s", "adder4", "adder8", "adder16"],
    async setUp({ folder }) {
      const native = join(folder, "native");
      const sources = ["adder.c", "driver.h", "train.h", "build.sh"];
      const key = (await Promise.all(sources.map((name) => Deno.readTextFile(join(native, name))))).join("");
      await once(folder, "native", key, async () => {
        await runCommand(["gcc", "--version"], { folder: native });
        await runCommand(["bash", "build.sh"], { folder: native });
      });
    },
  },
  {
    parts: ["python"],
    async setUp({ folder, python }) {
      await once(folder, "python", await Deno.readTextFile(new URL("environment/requirements.txt", HERE)), async () => {
        await runCommand(["python3", "-m", "venv", "venv"], { folder });
        const install = [python, "-m", "pip", "install", "--quiet", "-r", "requirements.txt"];
        await runCommand(install, { folder, timeout: 30 * MINUTES });
      });
    },
  },
  {
    parts: ["npm"],
    async setUp({ folder }) {
      await once(folder, "npm", await Deno.readTextFile(new URL("environment/package.json", HERE)), async () => {
        // Deno runs itself where a program asks for a node that is not there
        const { stdout } = await runCommand(["node", "-p", "typeof Deno"], { folder });
        if (stdout.trim() !== "undefined") throw new CommandError("node is not installed");
        const install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"];
        await runCommand(install, { folder, timeout: 10 * MINUTES });
      });
    },
  },
  {
    parts: ["onnx"], // the model files, which PyTorch writes
    async setUp({ folder, python, env, missing }) {
      if (missing.has("python")) throw new CommandError(missing.get("python"));
      await once(folder, "onnx", GOLDEN_SET, async () => {
        await runCommand([python, "onnx/export_onnx.py", "onnx/models", `${GOLDEN_SET}.pt`], { folder, env });
      });
    },
  },
];

/**
 * Copies the rivals into the workshop and sets up the parts asked for.
 *
 * @param peers The folder of the rivals, which is only read
 * @param folder The workshop, an absolute path
 */
export async function openWorkshop(
  peers: string,
  folder: string,
  parts: readonly Part[],
): Promise<Workshop> {
  const missing = new Map<Part, string>();
  await Deno.mkdir(folder, { recursive: true });
  if (await Deno.stat(peers).then(({ isDirectory }) => isDirectory, () => false)) await copyFolder(peers, folder);
  else for (const part of parts) missing.set(part, `there is no folder ${peers}`);
  await copyFolder(fromFileUrl(new URL("environment/", HERE)), folder);
  for (const name of SCRIPTS) await Deno.writeFile(join(folder, name), await Deno.readFile(new URL(name, HERE)));
  for (const name of [`${GOLDEN_SET}.json`, `${GOLDEN_SET}.pt`]) {
    await Deno.writeFile(join(folder, name), await Deno.readFile(new URL(name, GOLDEN)));
  }
  const ours = join(folder, "ours");
  await copyProject(ours);
  const workshop: Workshop = {
    folder,
    ours,
    python: join(folder, "venv/bin/python"),
    // compiled code is kept for the next round; one thread each, whatever the rival asks for itself
    env: { TORCHINDUCTOR_CACHE_DIR: join(folder, "inductor"), OMP_NUM_THREADS: "1" },
    missing,
  };
  for (const step of STEPS.filter((step) => step.parts.some((part) => parts.includes(part)))) {
    if (step.parts.some((part) => missing.has(part))) continue;
    try {
      await step.setUp(workshop);
    } catch (error) {
      // a folder of rivals that lacks some is no reason to leave out the others
      if (!(error instanceof CommandError || error instanceof Deno.errors.NotFound)) throw error;
      for (const part of step.parts) missing.set(part, error.message);
    }
  }
  for (const binary of parts.filter((part) => part.startsWith("adder"))) {
    const built = await Deno.stat(join(folder, "native", binary)).then(() => true, () => false);
    if (!built && !missing.has(binary)) missing.set(binary, "gcc could not build it");
  }
  return workshop;
}
