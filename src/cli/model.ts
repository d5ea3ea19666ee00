import type { Checkpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { decodeCheckpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { readCheckpointFile } from "../checkpoint/safetensors/store.ts";
import { shippedCheckpoint } from "../weights/mod.ts";
import { nameOf, readBytes, STANDARD } from "./files.ts";

/** The checkpoint that `--from` names, or the shipped one, and its name in reports. */
export async function modelFrom(from: string | undefined): Promise<{ checkpoint: Checkpoint; name: string }> {
  if (from === undefined) return { checkpoint: shippedCheckpoint(), name: "shipped" };
  if (from !== STANDARD) return { checkpoint: await readCheckpointFile(from), name: from };
  const bytes = await readBytes(from, "a checkpoint");
  return { checkpoint: decodeCheckpoint(bytes, { source: nameOf(from) }), name: from };
}
