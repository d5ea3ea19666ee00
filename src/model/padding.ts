/**
 * A narrow model as one of full width, which is what the kernels of WASM and WebGPU compute: columns of the embeddings, rows and columns of the
 * matrices and hidden units beyond its own are 0. They stay 0 in training, as LayerNorm takes mean and variance over the model's own width and gives
 * the other coordinates neither a value nor a gradient.
 */
import { parameterCount, type Variant, variantOf, WIDTH } from "./variant.ts";

export function paddedVariant({ finalNorm }: Variant): Variant {
  return variantOf(finalNorm ? 777 : 763);
}

/** For each parameter of a variant its index in the flat vector of {@linkcode paddedVariant}. */
export function paddedIndices(variant: Variant): Uint32Array {
  const padded = paddedVariant(variant).tensors;
  const indices = new Uint32Array(parameterCount(variant));
  for (const [i, { name, shape, offset, size }] of variant.tensors.entries()) {
    const columns = shape.at(-1)!;
    const partRows = name === "blocks.0.attn.qkv.weight" ? variant.width : size; // queries, keys and values are padded one by one
    for (let k = 0; k < size; k++) {
      const row = Math.floor(k / columns);
      const paddedRow = row % partRows + WIDTH * Math.floor(row / partRows);
      indices[offset + k] = padded[i].offset + paddedRow * padded[i].shape.at(-1)! + k % columns;
    }
  }
  return indices;
}

/** The flat vector of a variant, spread over that of {@linkcode paddedVariant}: 0 where the variant has no parameter. */
export function spread(values: Float32Array, variant: Variant): Float32Array {
  if (variant === paddedVariant(variant)) return values;
  const padded = new Float32Array(parameterCount(paddedVariant(variant)));
  paddedIndices(variant).forEach((index, i) => padded[index] = values[i]);
  return padded;
}

/** The inverse of {@linkcode spread}: a copy, of the beginning of a longer vector. */
export function gather(padded: Float32Array, variant: Variant): Float32Array {
  if (variant === paddedVariant(variant)) return padded.slice(0, parameterCount(variant));
  return Float32Array.from(paddedIndices(variant), (index) => padded[index]);
}
