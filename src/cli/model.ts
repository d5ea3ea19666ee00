import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { readCheckpointFile } from "../checkpoint/store.ts";
import { shippedCheckpoint } from "../weights/mod.ts";

/** The checkpoint that `--from` names, or the shipped one, and its name in reports. */
export async function modelFrom(from: string | undefined): Promise<{ checkpoint: Checkpoint; name: string }> {
  return from === undefined
    ? { checkpoint: shippedCheckpoint(), name: "shipped" }
    : { checkpoint: await readCheckpointFile(from), name: from };
}
