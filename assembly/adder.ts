// The entry of the small module that only decodes. `add` loads this one, so that adding starts fast. Reading order: entry.ts.
import {
  ABSORBED_OUTPUT,
  ABSORBED_PROJECTION,
  ABSORBED_W1,
  ABSORBED_W2,
  DECODE_KEYS,
  DECODE_QUERIES,
  DECODE_QUERY_GROUP,
  FIRST_QUERY,
  PARAMETERS,
  QUERY_ROW,
  T,
  WORKSPACE_SIZE,
  WORKSPACES,
} from "./layout";
import { decode as decodeProblems, prepareDecoding as prepare } from "./decode";
import { configure as configureModel } from "./model";
import { writeConstants } from "./elementary";
import { listSlots } from "./slots";
import { writeReflection } from "./absorb";

export const parametersAt: usize = PARAMETERS;
export const staticDataEnd: usize = __heap_base;
export const layoutBegin: usize = PARAMETERS;
// What decoding reads, for proofs about it: src/engine/wasm/decoding_tables.ts.
export const keysAt: usize = DECODE_KEYS;
export const queriesAt: usize = DECODE_QUERIES + (FIRST_QUERY * T - DECODE_QUERY_GROUP * 4) * QUERY_ROW;
export const projectionAt: usize = ABSORBED_PROJECTION;
export const w1At: usize = ABSORBED_W1;
export const w2At: usize = ABSORBED_W2;
export const outputAt: usize = ABSORBED_OUTPUT;

/** The address of the host's operands and results, behind the workspaces. */
export function problemsBase(threads: i32): usize {
  return WORKSPACES + threads * WORKSPACE_SIZE;
}

/** Chooses the variant and writes the constant tables; must be called first. */
export function configure(model: i32): void {
  configureModel(model);
  writeConstants();
  writeReflection();
  listSlots();
}

/** Fills the tables that depend on the weights; call it after they change and before {@linkcode decode}. */
export function prepareDecoding(): void {
  prepare(WORKSPACES);
}

/** Decodes greedily; out: tokens (count, 12), one byte each. */
export function decode(problems: usize, count: i32, out: usize): void {
  decodeProblems(WORKSPACES, problems, count, out);
}
