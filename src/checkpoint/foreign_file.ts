import { type Checkpoint, decodeCheckpoint } from "./checkpoint.ts";
import { CheckpointError } from "./error.ts";
import { decodePyTorchCheckpoint, looksLikePyTorch } from "./pytorch/pytorch.ts";
import { readSmallFile, unreadable } from "./store.ts";

/**
 * Reads a checkpoint that another program may have written: a file of `torch.save` or a safetensors file, by its bytes.
 *
 * @throws {CheckpointError} If there is none, it cannot be read, or it does not hold the weights of a model
 */
export function readForeignFile(path: string): Checkpoint {
  try {
    const bytes = readSmallFile(path, "a checkpoint");
    return looksLikePyTorch(bytes)
      ? decodePyTorchCheckpoint(bytes, { source: path })
      : decodeCheckpoint(bytes, { source: path });
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw unreadable(path, "a checkpoint file", cause);
  }
}
