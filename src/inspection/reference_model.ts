import type { Checkpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { tensorsOf } from "../engine/reference/model.ts";
import { type ModelName, type TensorSpec, variantOf } from "../model/variant.ts";

export type ReferenceModel = ReturnType<typeof referenceModel>;

/** A model with its weights in float64, as the reference engine uses them. */
export function referenceModel({ model, parameters }: Pick<Checkpoint, "model" | "parameters">) {
  const variant = variantOf(model);
  return { variant, tensors: tensorsOf(Float64Array.from(parameters), variant) };
}

/**
 * The tensors of a model, in the order of its flat parameter vector: name, shape, offset and size of each.
 *
 * @example Usage
 * ```ts
 * import { modelTensors } from "@x/tiny-adder/inspect";
 * import { assertEquals } from "@std/assert";
 *
 * const { shape, offset, size } = modelTensors(763).find(({ name }) => name === "blocks.0.ffn.w1.weight")!;
 * assertEquals([shape, offset, size], [[14, 7], 567, 98]); // parameters.subarray(offset, offset + size)
 * ```
 *
 * @throws {RangeError} If there is no such model
 */
export function modelTensors(model: ModelName): readonly TensorSpec[] {
  return variantOf(model).tensors;
}
