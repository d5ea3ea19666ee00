import type { Checkpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { tensorsOf } from "../engine/reference/model.ts";
import { variantOf } from "../model/variant.ts";

export type ReferenceModel = ReturnType<typeof referenceModel>;

/** A model with its weights in float64, as the reference engine uses them. */
export function referenceModel({ model, parameters }: Pick<Checkpoint, "model" | "parameters">) {
  const variant = variantOf(model);
  return { variant, tensors: tensorsOf(Float64Array.from(parameters), variant) };
}
