/** Node in the oldest version that we promise to run in, from npm. */
import { outputOf } from "./program.ts";

const NODE = "node@22.23.3";

/** Runs Node 22 to its end. @returns What it printed */
export function npxNode(args: string[]): Promise<string> {
  return outputOf("npx", ["-y", "-p", NODE, "node", ...args]);
}
