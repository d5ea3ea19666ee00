/**
 * The folder in which rivals run: copies of `programs/`, and what they need, installed there and nowhere else. It is kept, so that the
 * second run need not install anything.
 *
 * @module
 */
import { fromFileUrl, join } from "@std/path";
import { CommandError, runCommand } from "./command.ts";
import { encodeDecoder } from "./onnx_graph.ts";
import { golden } from "./protocol.ts";

/** What a rival may need: a program of gcc's, Python's packages or npm's. */
export type Part = keyof typeof NATIVE | "python" | "npm";

/** Where everything is installed, unless another folder is named. */
export const WORK = "/tmp/tiny-adder-peers";

/** Flags of gcc for each native form. */
const WARN = ["-O3", "-std=gnu11", "-fno-math-errno", "-fno-trapping-math", "-Wno-psabi"];
const X86 = Deno.build.arch === "x86_64";
const NATIVE = {
  "native-128": ["-DLANES=4", "-ffp-contract=off", ...(X86 ? ["-mavx2", "-mno-fma"] : [])],
  "native-128-fma": ["-DLANES=4", ...(X86 ? ["-mavx2", "-mfma"] : [])],
  "native-256": ["-DLANES=8", "-mavx2", "-mfma"],
  "native-512": ["-DLANES=16", "-mavx512f", "-mavx512vl", "-mavx512dq", "-mfma", "-mprefer-vector-width=512"],
};

/** The commands that set a part up, in the folder. */
function commandsOf(part: Part): string[][] {
  switch (part) {
    case "python":
      return [
        ["python3", "-m", "venv", "venv"],
        ["venv/bin/python", "-m", "pip", "install", "--quiet", "-r", "requirements.txt"],
      ];
    case "npm":
      return [["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]];
    default:
      return [["gcc", ...WARN, ...NATIVE[part], "native.c", "-o", part, "-lm"]];
  }
}

/** The file of `programs/` that a part is made from: another content is another installation. */
function sourceOf(part: Part): string {
  return part === "python" ? "requirements.txt" : part === "npm" ? "package.json" : "native.c";
}

/**
 * Copies the rivals' programs into the folder and sets parts up.
 *
 * @param install Whether to install what is not there yet
 * @returns For parts that are missing the reason, and the command that installs them
 */
export async function setUp(folder: string, parts: ReadonlySet<Part>, install: boolean): Promise<Map<Part, string>> {
  await Deno.mkdir(folder, { recursive: true });
  const programs = new URL("./programs/", import.meta.url);
  for await (const { name, isFile } of Deno.readDir(programs)) {
    if (isFile) await Deno.copyFile(fromFileUrl(new URL(name, programs)), join(folder, name));
  }
  const { parameters, tokens } = await golden();
  await Deno.writeFile(join(folder, "golden.bin"), new Uint8Array([...bytes(parameters), ...bytes(tokens)]));
  await Deno.writeFile(join(folder, "decode.onnx"), encodeDecoder(parameters));
  const missing = new Map<Part, string>();
  for (const part of parts) {
    const mark = join(folder, `.${part}-is-ready`);
    const key = await Deno.readTextFile(join(folder, sourceOf(part)));
    if (await Deno.readTextFile(mark).catch(() => "") === key) continue;
    const commands = commandsOf(part);
    try {
      if (!install) throw new CommandError("not installed");
      console.error(`setting up ${part} in ${folder} …`);
      for (const [program, ...args] of commands) {
        const path = program.includes("/") ? join(folder, program) : program;
        await runCommand([path, ...args], { folder, timeout: 1800 });
      }
      await Deno.writeTextFile(mark, key);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const hint = commands.map((command) => command.join(" ")).join(" && ");
      missing.set(part, `${error.message}; what would install it: cd ${folder} && ${hint}`);
    }
  }
  return missing;
}

function bytes({ buffer }: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer);
}
