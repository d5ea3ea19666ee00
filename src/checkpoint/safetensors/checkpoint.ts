import { type ModelName, variantOf } from "../../model/variant.ts";
import { type Bytes, bytesFrom } from "../common/bytes.ts";
import { type DecodeOptions, encodeSafetensors, openSafetensors } from "./safetensors.ts";
import { checkParameters, type Checkpoint, checkpointOf, FORMAT_VERSION } from "./state_dict.ts";

export type { Checkpoint };

/** Options of {@linkcode decodeCheckpoint}. */
export interface DecodeCheckpointOptions extends DecodeOptions {
  /** Accepts only this variant. @default {any} */
  model?: ModelName;
}

/**
 * Writes a checkpoint as a safetensors file, with PyTorch's tensor names. It sets `metadata.format_version` and `metadata.model`.
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
 * @throws {CheckpointError} If the number of parameters is wrong, or one is not finite
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
 * Reads a safetensors file, of this library or of PyTorch. The shapes of its tensors determine the variant; their order does not matter.
 * Float16 and bfloat16 become float32 exactly; float64 is refused, and `importCheckpoint` rounds it.
 * A tensor `output_proj.weight` is accepted if it equals `tok_emb.weight`, to which the model ties it.
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
 * @param file The bytes of the whole file
 * @param options Its name in errors, and the variant that it must be
 * @throws {CheckpointError} If it is not a safetensors file, or a tensor is missing, unknown, of another shape or not finite
 */
export function decodeCheckpoint(
  file: Bytes,
  { source = "the checkpoint", model }: DecodeCheckpointOptions = {},
): Checkpoint {
  const asked = `read ${source}`;
  const bytes = bytesFrom(file, asked);
  const { tensors, metadata } = openSafetensors(bytes, asked);
  return checkpointOf(tensors, { metadata, asked, model, exact: true });
}
