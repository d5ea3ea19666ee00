import { type Bytes, describeSource, viewBytes } from "../common/bytes.ts";
import { decodeCheckpoint } from "./checkpoint.ts";
import { type Checkpoint, contentOf, type FileContent } from "./state_dict.ts";
import { readCheckpointFileSync } from "./store.ts";

/**
 * A checkpoint in any form: the object, of which `metadata` may be missing, the bytes of a safetensors file, or, in Deno, the path of such a file
 * or of a run directory, which needs read permission.
 */
export type CheckpointSource = Checkpoint | Omit<Checkpoint, "metadata"> | Bytes | string;

/**
 * The checkpoint that a caller gives.
 *
 * @param asked What errors say was asked: `Cannot <asked> as it must be a checkpoint …`
 * @throws {CheckpointError} If its file or bytes cannot be read
 * @throws {TypeError} If it is something else
 */
export function checkpointFrom(source: CheckpointSource, asked: string): Checkpoint {
  if (typeof source === "string") return readCheckpointFileSync(source);
  const bytes = viewBytes(source);
  if (bytes !== undefined) return decodeCheckpoint(bytes);
  if (typeof source === "object" && source !== null && "parameters" in source) return { metadata: {}, ...source };
  throw new TypeError(
    `Cannot ${asked} as it must be a checkpoint, its bytes or its path: current value is ${describeSource(source)}`,
  );
}

/** What a file of a checkpoint holds that a caller gives. */
export function tensorsToWrite(source: CheckpointSource): FileContent {
  return contentOf(checkpointFrom(source, "write a checkpoint"));
}
