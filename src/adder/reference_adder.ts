import { decodeAll, tensorsOf } from "../engine/reference/model.ts";
import { hasSimd } from "../engine/wasm/core.ts";
import { type ModelName, variantOf } from "../model/variant.ts";
import { type Adder, DecodingAdder, makeShippedWith, WasmAdder } from "./adder.ts";

/** Makes an adder, on the reference engine where WebAssembly is missing or forbidden. */
export function makeAdder(model: ModelName, parameters: Float32Array): Adder {
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
