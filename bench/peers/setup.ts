/**
 * The folder in which rivals run: copies of `programs/`, and what they need, installed there and nowhere else. It is kept, so that the
 * second run need not install anything.
 */
import { fromFileUrl, join, resolve } from "@std/path";
import { variantOf } from "../../src/model/variant.ts";
import { encodeDecoder } from "./onnx_graph.ts";
import { golden, ProgramError, runProgram } from "./protocol.ts";

/** Where everything is installed, unless another folder is named. */
export const WORK = "/tmp/tiny-adder-peers";

const X86 = Deno.build.arch === "x86_64";

function native(name: string, ...flags: string[]) {
  const common = ["-O3", "-std=gnu11", "-fno-math-errno", "-fno-trapping-math", "-Wno-psabi"];
  return { source: "native.c", commands: [["gcc", ...common, ...flags, "native.c", "-o", name, "-lm"]] };
}

/** What rivals may need: the commands that install it, and the file of `programs/` whose content says which installation it is. */
const PARTS = {
  "native-128": native("native-128", "-DLANES=4", "-ffp-contract=off", ...(X86 ? ["-mavx2", "-mno-fma"] : [])),
  "native-128-fma": native("native-128-fma", "-DLANES=4", ...(X86 ? ["-mavx2", "-mfma"] : [])),
  "native-256": native("native-256", "-DLANES=8", "-mavx2", "-mfma"),
  "native-512": native(
    ...["native-512", "-DLANES=16", "-mavx512f", "-mavx512vl", "-mavx512dq", "-mfma"] as const,
    "-mprefer-vector-width=512",
  ),
  python: {
    source: "requirements.txt",
    commands: [
      ["python3", "-m", "venv", "venv"],
      ["venv/bin/python", "-m", "pip", "install", "--quiet", "-r", "requirements.txt"],
    ],
  },
  npm: { source: "package.json", commands: [["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]] },
};

export type Part = keyof typeof PARTS;

/** A program in the folder is named in full. */
export function inFolder(folder: string, [program, ...args]: readonly string[]): string[] {
  return [program.includes("/") ? resolve(folder, program) : program, ...args];
}

/**
 * Copies the rivals' programs into the folder and sets parts up.
 *
 * @returns For parts that are missing the reason, and the command that installs them
 */
export async function setUp(folder: string, parts: ReadonlySet<Part>, install: boolean): Promise<Map<Part, string>> {
  await Deno.mkdir(folder, { recursive: true });
  const programs = new URL("./programs/", import.meta.url);
  for await (const { name, isFile } of Deno.readDir(programs)) {
    if (isFile) await Deno.copyFile(fromFileUrl(new URL(name, programs)), join(folder, name));
  }
  const { parameters, problems } = await golden();
  const shapes = Object.fromEntries(variantOf(763).tensors.map(({ name, shape }) => [name, shape]));
  await Deno.writeFile(join(folder, "golden.bin"), await new Blob([parameters, problems]).bytes());
  await Deno.writeTextFile(join(folder, "shapes.json"), JSON.stringify(shapes));
  await Deno.writeFile(join(folder, "decode.onnx"), encodeDecoder(parameters));
  const missing = new Map<Part, string>();
  for (const part of parts) {
    const { source, commands } = PARTS[part];
    const mark = join(folder, `.${part}-is-ready`);
    const key = await Deno.readTextFile(join(folder, source));
    if (await Deno.readTextFile(mark).catch(() => "") === key) continue;
    try {
      if (!install) throw new ProgramError("not installed");
      console.error(`setting up ${part} in ${folder} …`);
      for (const command of commands) await runProgram(inFolder(folder, command), { folder, timeout: 1800 });
      await Deno.writeTextFile(mark, key);
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      const hint = commands.map((command) => command.join(" ")).join(" && ");
      missing.set(part, `${error.message}; what would install it: cd ${folder} && ${hint}`);
    }
  }
  return missing;
}
