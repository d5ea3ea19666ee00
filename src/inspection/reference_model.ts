import type { Checkpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { type Tensors, tensorsOf } from "../engine/reference/model.ts";
import { type Variant, variantOf } from "../model/variant.ts";

/** A model with its weights in float64, as the reference engine uses them. */
export interface ReferenceModel {
  readonly variant: Variant;
  readonly tensors: Tensors;
}

export function referenceModel({ model, parameters }: Pick<Checkpoint, "model" | "parameters">): ReferenceModel {
  const variant = variantOf(model);
  return { variant, tensors: tensorsOf(Float64Array.from(parameters), variant) };
}
