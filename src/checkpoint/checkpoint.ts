import { type ModelName, variantOf } from "../model/variant.ts";
import { type DecodeOptions, decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
import { checkParameters, checkpointOf, FORMAT_VERSION } from "./state_dict.ts";

/** The weights of a model, and what is known of them. */
export interface Checkpoint {
  /** The variant of the model. */
  model: ModelName;
  /** The weights in the order of the flat parameter vector, as many as the model's name says. */
  parameters: Float32Array;
  /** Free text by key: recipe, seed, step, … */
  metadata: Record<string, string>;
}

/** Options of {@linkcode decodeCheckpoint}. */
export interface DecodeCheckpointOptions extends DecodeOptions {
  /** Accepts this variant alone. @default {any} */
  model?: ModelName;
}

/**
 * Writes a checkpoint: one tensor for each of the variant, in the order of the flat vector. `metadata.format_version` and
 * `metadata.model` are set, whatever stood there.
 *
 * @example Usage
 * ```ts
 * import { decodeCheckpoint, encodeCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeCheckpoint({ model: 763, parameters: new Float32Array(763), metadata: { seed: "7" } });
 * assertEquals(decodeCheckpoint(bytes).metadata, { format_version: "1", model: "763", seed: "7" });
 * ```
 *
 * @returns The bytes of a safetensors file
 * @throws {CheckpointError} If there are too few or too many parameters, or one is not finite
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array<ArrayBuffer> {
  checkParameters(checkpoint);
  const { model, parameters, metadata } = checkpoint;
  return encodeSafetensors({
    tensors: variantOf(model).tensors.map(({ name, shape, offset, size }) => ({
      name,
      shape,
      values: parameters.subarray(offset, offset + size),
    })),
    metadata: { ...metadata, format_version: FORMAT_VERSION, model: String(model) },
  });
}

/**
 * Reads a checkpoint, ours or one that PyTorch wrote: which variant it is follows from the tensors, in whatever order they stand.
 * A spelled-out `output_proj.weight` is accepted where it equals `tok_emb.weight`.
 *
 * @example Usage
 * ```ts
 * import { decodeCheckpoint, encodeCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const parameters = new Float32Array(777).fill(0.5);
 * const bytes = encodeCheckpoint({ model: 777, parameters, metadata: {} });
 * assertEquals(decodeCheckpoint(bytes, { source: "run/model.safetensors" }).parameters, parameters);
 * ```
 *
 * @param bytes The whole file
 * @param options What errors call it, and which variant is wanted
 * @throws {CheckpointError} If it is no safetensors file, or not one of a variant that is wanted: a tensor is missing, too much, of
 * another shape, or not finite
 */
export function decodeCheckpoint(
  bytes: Uint8Array,
  { source = "the checkpoint", model }: DecodeCheckpointOptions = {},
): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes, { source });
  const byName = new Map(tensors.map(({ name, shape, values }) => [name, { shape, values: () => values }]));
  return checkpointOf(byName, { metadata, asked: `read ${source}`, model });
}
