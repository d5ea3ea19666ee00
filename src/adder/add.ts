import { type Adder, DecodingAdder, type Pair, type Sum, WasmAdder } from "./adder.ts";
import { decodeAll, tensorsOf } from "../engine/reference/model.ts";
import { hasSimd } from "../engine/wasm/core.ts";
import { type ModelName, variantOf } from "../model/variant.ts";
import { shippedParameters } from "../weights/shipped.ts";

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

let shipped: Adder | undefined;
const shippedAdder = () => shipped ??= makeAdder(763, shippedParameters());

/**
 * Adds two whole numbers in [0, 9999999999] with the shipped weights, which are proved to add all pairs correctly. Needs no permission.
 *
 * @example Usage
 * ```ts
 * import { add } from "@x/tiny-adder";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(add(42, 7), 49);
 * assertEquals(add(9999999999n, 1n), 10000000000n);
 * ```
 *
 * @throws {TypeError} If the operands are not both numbers or both bigints
 * @throws {RangeError} If an operand is not a whole number in [0, 9999999999]
 */
export function add<T extends number | bigint>(a: T, b: T): Sum<T> {
  return shippedAdder().add(a, b)!;
}

/**
 * Adds many pairs with the shipped weights, much faster than one by one.
 *
 * @example Usage
 * ```ts
 * import { addMany } from "@x/tiny-adder";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(addMany([[42, 7], [1, 2]]), [49, 3]);
 * ```
 *
 * @throws {TypeError | RangeError} As {@linkcode add}, if one operand is wrong
 */
export function addMany<T extends number | bigint>(pairs: readonly Pair<T>[]): Sum<T>[] {
  return shippedAdder().addMany(pairs) as Sum<T>[];
}
