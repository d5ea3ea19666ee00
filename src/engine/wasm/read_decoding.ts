import { fromBase64, sha256 } from "../../common/encoding.ts";
import { HIDDEN, type ModelName, TOKENS, variantOf, WIDTH } from "../../model/variant.ts";
import { POSITIONS_READ, QUERIES } from "../../model/vocabulary.ts";
import type { Arithmetic } from "../interface/types.ts";
import { WASM as ADDER } from "./adder_module.ts";
import { instantiate, writeVector } from "./core.ts";
import { type DecodingNumbers, QUERY_ROW, ROW } from "./decoding_tables.ts";
import { WASM as EXACT } from "./exact_module.ts";
import { WASM as FAST } from "./fast_module.ts";

/** SHA-256 of the modules that decode: the core, and the small one that `add` loads. */
export interface DecodingModules {
  /** Of the core: all of training and decoding. */
  readonly core: string;
  /** Of the module that only decodes. */
  readonly adder: string;
}

export async function decodingModules(): Promise<DecodingModules> {
  return { core: await sha256(fromBase64(EXACT)), adder: await sha256(fromBase64(ADDER)) };
}

/**
 * Has the module fold weights and fill its tables, and copies them.
 *
 * @returns null where the module would not decode by its tables (the weights of one query span more than 2^100), or a number is not finite
 */
export function readDecodingNumbers(
  model: ModelName,
  parameters: Float32Array,
  arithmetic: Arithmetic = "exact",
): DecodingNumbers | null {
  const core = instantiate(arithmetic === "exact" ? EXACT : FAST, variantOf(model));
  const { memory, exports } = core;
  writeVector(core, exports.parametersAt, parameters);
  if (!exports.prepareDecoding()) return null;
  const floats = (at: WebAssembly.Global, count: number) => new Float32Array(memory.buffer, at.value, count);
  const copy = (at: WebAssembly.Global, count: number): Float32Array => {
    const values = new Float32Array(new (globalThis.SharedArrayBuffer ?? ArrayBuffer)(4 * count));
    values.set(floats(at, count));
    return values;
  };
  // the module has a row for each input, of seven outputs
  const transposed = (at: WebAssembly.Global, outputs: number, inputs: number) => {
    const matrix = floats(at, outputs / WIDTH * inputs * ROW);
    const element = (output: number, input: number) =>
      matrix[(Math.floor(output / WIDTH) * inputs + input) * ROW + output % WIDTH];
    return new Float32Array(outputs * inputs).map((_, i) => element(Math.floor(i / inputs), i % inputs));
  };
  const numbers = {
    projection: transposed(exports.projectionAt, WIDTH, WIDTH),
    w1: transposed(exports.w1At, HIDDEN, WIDTH),
    w2: transposed(exports.w2At, WIDTH, HIDDEN),
    output: transposed(exports.outputAt, TOKENS, WIDTH),
    keys: copy(exports.keysAt, POSITIONS_READ * TOKENS * ROW),
    queries: copy(exports.queriesAt, QUERIES * TOKENS * QUERY_ROW),
    blocks: copy(exports.blocksAt, QUERIES * TOKENS * exports.blockRows.value * ROW),
  };
  const { blocks: _, ...others } = numbers; // the module says itself whether the blocks can be used
  return Object.values(others).every((values) => values.every(Number.isFinite)) ? { model, ...numbers } : null;
}
