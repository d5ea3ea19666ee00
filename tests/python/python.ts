/** Python with PyTorch. */
import { fromFileUrl } from "@std/path";
import { outputOf } from "../runtimes/program.ts";

/** Runs a script of this folder to its end. @returns What it printed */
export function python(script: string, ...args: string[]): Promise<string> {
  return outputOf("PyTorch", ["-B", fromFileUrl(new URL(script, import.meta.url)), ...args]);
}
