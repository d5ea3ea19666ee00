import { CheckpointError } from "./common/error.ts";
import { importCheckpoint, type ImportedCheckpoint, type ImportOptions } from "./import_checkpoint.ts";
import { readSmallFile, unreadable } from "./safetensors/store.ts";

/**
 * Reads a checkpoint that another program may have written, as {@linkcode importCheckpoint} does.
 *
 * @throws {CheckpointError} If there is no such file, it cannot be read, or it does not hold the weights of one model
 */
export async function readForeignFile(
  path: string,
  options: Omit<ImportOptions, "source"> = {},
): Promise<ImportedCheckpoint> {
  try {
    return await importCheckpoint(readSmallFile(path, "a checkpoint"), { ...options, source: path });
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw unreadable(path, "a checkpoint file", cause);
  }
}
