/** Debian's Python, which has PyTorch as the package python3-torch. */
import { assert } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { PYTHON } from "../runtimes/program.ts";

/** Runs a script of this folder to its end. @returns What it printed */
export async function python(script: string, ...args: string[]): Promise<string> {
  const command = new Deno.Command(PYTHON, {
    args: ["-B", fromFileUrl(new URL(script, import.meta.url)), ...args],
    stdin: "null",
    signal: AbortSignal.timeout(600_000),
  });
  const { success, stdout, stderr } = await command.output();
  assert(success, `${script} failed (does ${PYTHON} have torch?): ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
