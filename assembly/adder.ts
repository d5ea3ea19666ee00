// The entry of the small module that only decodes: what `add` loads, a third of the core, so that adding starts fast.
// Reading order of the whole: entry.ts.
import { PARAMETERS, WORKSPACE_SIZE, WORKSPACES } from "./layout";
import { decode as decodeProblems, prepareDecoding as prepare } from "./decode";
import { configure as configureModel } from "./model";
import { writeConstants } from "./elementary";
import { listSlots } from "./slots";
import { writeReflection } from "./absorb";

export const parametersAt: usize = PARAMETERS;
export const staticDataEnd: usize = __heap_base;
export const layoutBegin: usize = PARAMETERS;

/** Where the host's operands and results begin, behind the workspaces. */
export function problemsBase(threads: i32): usize {
  return WORKSPACES + threads * WORKSPACE_SIZE;
}

/** Must be called first: chooses the variant and writes the tables that never change. */
export function configure(model: i32): void {
  configureModel(model);
  writeConstants();
  writeReflection();
  listSlots();
}

/** Fills the tables that depend on the weights; must be called after they changed and before {@linkcode decode}. */
export function prepareDecoding(): void {
  prepare(WORKSPACES);
}

/** Tokens (count, 12) decoded greedily, one byte each. */
export function decode(problems: usize, count: i32, out: usize): void {
  decodeProblems(WORKSPACES, problems, count, out);
}
