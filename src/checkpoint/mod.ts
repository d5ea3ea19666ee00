/**
 * Reads and writes weights as safetensors, PyTorch, NumPy and Flax files, and writes them as ONNX and as a submission to the AdderBoard. Only
 * {@linkcode readCheckpointFile} needs a permission, to read.
 *
 * @example Usage
 * ```ts
 * import { decodeCheckpoint, encodeCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeCheckpoint({ model: 763, parameters: new Float32Array(763), metadata: { recipe: "fast" } });
 * assertEquals(decodeCheckpoint(bytes).metadata.recipe, "fast");
 * ```
 *
 * @module
 */
export type { ModelName } from "../model/variant.ts";
export { encodeAdderBoardSubmission } from "./adderboard.ts";
export type { Bytes } from "./common/bytes.ts";
export { CheckpointError } from "./common/error.ts";
export { decodePyTorchCheckpoint, importCheckpoint, type ImportedCheckpoint } from "./import_checkpoint.ts";
export type { ImportOptions } from "./import_checkpoint.ts";
export { encodeFlax } from "./numpy/flax.ts";
export { encodeNpz } from "./numpy/npz.ts";
export { encodeOnnx } from "./onnx/onnx.ts";
export { encodePyTorchCheckpoint } from "./pytorch/pytorch.ts";
export { decodeCheckpoint, encodeCheckpoint, readCheckpointFile } from "./safetensors/checkpoint.ts";
export type { Checkpoint, CheckpointSource, DecodeCheckpointOptions } from "./safetensors/checkpoint.ts";
export { decodeSafetensors, encodeSafetensors } from "./safetensors/safetensors.ts";
export type { DecodedTensor, DecodeOptions, SafetensorsContent } from "./safetensors/safetensors.ts";
export type { SafetensorsInput, SafetensorsTensor } from "./safetensors/safetensors.ts";
