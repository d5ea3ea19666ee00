import { checkpointFrom, type CheckpointSource } from "../checkpoint/safetensors/checkpoint.ts";
import { checkParameters } from "../engine/interface/checks.ts";
import { decodeAll, tensorsOf } from "../engine/reference/model.ts";
import { hasSimd } from "../engine/wasm/core.ts";
import { type ModelName, variantOf } from "../model/variant.ts";
import { type Adder, DecodingAdder, makeShippedWith, WasmAdder } from "./adder.ts";

/**
 * Makes an adder from a checkpoint. It adds with the weights alone: other weights give other sums.
 *
 * @example Usage
 * ```ts
 * import { loadAdder } from "@x/tiny-adder";
 * import { encodeCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const untrained = encodeCheckpoint({ model: 763, parameters: new Float32Array(763), metadata: {} });
 * const adder = loadAdder(untrained);
 * assertEquals(adder.add(42, 7), 0); // the weights add, not the code
 * ```
 *
 * @param checkpoint A checkpoint, the bytes of a safetensors file, or the path of a safetensors file or run directory, which needs read
 * permission
 * @throws {CheckpointError} If the file cannot be read or is not a checkpoint
 * @throws {TypeError} If it is something else
 */
export function loadAdder(checkpoint: CheckpointSource): Adder {
  const { model, parameters } = checkpointFrom(checkpoint, "load an adder");
  checkParameters(parameters, variantOf(model));
  return makeAdder(model, parameters);
}

/** Makes an adder, on the reference engine where WebAssembly is missing or forbidden. */
function makeAdder(model: ModelName, parameters: Float32Array): Adder {
  try {
    return new WasmAdder(model, parameters);
  } catch (error) {
    if (hasSimd()) throw error;
    const variant = variantOf(model);
    const tensors = tensorsOf(Float64Array.from(parameters), variant);
    return new DecodingAdder("reference", (operands) => decodeAll(tensors, variant, operands));
  }
}

makeShippedWith(makeAdder);
