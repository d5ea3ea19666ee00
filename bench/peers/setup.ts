import { fromFileUrl, join } from "@std/path";
import { variantOf } from "../../src/model/variant.ts";
import { encodeDecoder } from "./onnx_graph.ts";
import { golden, ProgramError, runProgram } from "./protocol.ts";
import type { Part } from "./rivals.ts";

/** Where everything is installed, unless another folder is named. */
export const WORK = "/tmp/tiny-adder-peers";

/**
 * Fills the folder in which rivals run: copies of `programs/`, their data, and parts, installed there and nowhere else. It is kept, so that the second
 * run need not install anything.
 *
 * @returns For parts that are missing the reason, and the command that installs them
 */
export async function setUp(folder: string, parts: Iterable<Part>, install: boolean): Promise<Map<Part, string>> {
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
  for (const part of new Set(parts)) {
    const mark = join(folder, `.${part.name}-is-ready`);
    const key = await Deno.readTextFile(join(folder, part.source));
    if (await Deno.readTextFile(mark).catch(() => "") === key) continue;
    try {
      if (!install) throw new ProgramError("not installed");
      console.error(`setting up ${part.name} in ${folder} …`);
      for (const command of part.commands) await runProgram(command, { folder, timeout: 1800 });
      await Deno.writeTextFile(mark, key);
    } catch (error) {
      if (!(error instanceof ProgramError)) throw error;
      const hint = part.commands.map((command) => command.join(" ")).join(" && ");
      missing.set(part, `${error.message}; what would install it: cd ${folder} && ${hint}`);
    }
  }
  return missing;
}
