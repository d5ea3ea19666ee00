// The entry of the small module that only decodes. `add` loads this one, so that adding starts fast. Reading order: entry.ts.
import { chooseVariant, FIRST_QUERY, T } from "./dimensions";
import { DECODE_QUERY_GROUP, EPSILON, Folded, INVERSE_WIDTH, Job } from "./layout";
import { PARAMETERS, QUERY_ROW, Slot, WORKSPACE, WORKSPACES } from "./layout";
import { decodeRange } from "./decode";
import { prepareDecodingSlots } from "./decode_keys";
import { writeReflection } from "./fold_weights";
import { listSlots } from "./slots";

export const parametersAt: usize = PARAMETERS;
// What src/engine/wasm/read_decoding.ts reads for proofs.
export const keysAt: usize = Slot.DECODE_KEYS;
export const queriesAt: usize = Slot.DECODE_QUERIES + (FIRST_QUERY * T - DECODE_QUERY_GROUP * 4) * QUERY_ROW;
export const projectionAt: usize = Folded.PROJECTION;
export const w1At: usize = Folded.W1;
export const w2At: usize = Folded.W2;
export const outputAt: usize = Folded.OUTPUT;

/** The address of the host's operands and results, behind the workspaces. */
export function problemsBase(threads: i32): usize {
  return WORKSPACES + threads * WORKSPACE;
}

/** Chooses the variant and writes the constant tables; must be called first. */
export function configure(width: i32, hidden: i32, finalNorm: bool): void {
  chooseVariant(width, hidden, finalNorm);
  v128.store(EPSILON, f32x4.splat(finalNorm ? 1e-6 : 1e-5));
  v128.store(INVERSE_WIDTH, f32x4.splat(<f32> (1.0 / <f64> width)));
  writeReflection();
  listSlots();
}

/** Fills the tables that depend on the weights; call it after they change and before {@linkcode decode}. */
export function prepareDecoding(): void {
  prepareDecodingSlots(WORKSPACES);
}

/** Decodes greedily; out: tokens (count, 12), one byte each. */
export function decode(problems: usize, count: i32, out: usize): void {
  store<u32>(Job.PROBLEMS, problems);
  store<u32>(Job.OUT, out);
  decodeRange(WORKSPACES, 0, count, false);
}
