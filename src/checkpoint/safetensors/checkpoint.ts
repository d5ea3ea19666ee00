import type { OptionKinds } from "../../common/options.ts";
import type { ModelName } from "../../model/variant.ts";
import { type Bytes, bytesFrom } from "../common/bytes.ts";
import { askedOf, type DecodeOptions, encodeSafetensors, openSafetensors } from "./safetensors.ts";
import { type Checkpoint, checkpointOf, contentOf } from "./state_dict.ts";

export type { Checkpoint };

/** Options of {@linkcode decodeCheckpoint}. */
export interface DecodeCheckpointOptions extends DecodeOptions {
  /** Accepts only this variant. @default {any} */
  model?: ModelName;
}

/** Their kinds. */
export const CHECKPOINT_OPTIONS: OptionKinds<DecodeCheckpointOptions> = { source: "a text", model: "anything" };

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
  const { tensors, metadata } = contentOf(checkpoint);
  return encodeSafetensors({ tensors, metadata });
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
 * @throws {TypeError} If there is an unknown option
 */
export function decodeCheckpoint(file: Bytes, options: DecodeCheckpointOptions = {}): Checkpoint {
  const asked = askedOf(options, CHECKPOINT_OPTIONS);
  const { tensors, metadata } = openSafetensors(bytesFrom(file, asked), asked);
  return checkpointOf(tensors, { metadata, asked, model: options.model, exact: true });
}
