import { type Checkpoint, decodeCheckpoint } from "../checkpoint/checkpoint.ts";
import { shippedBytes } from "./shipped.ts";

/** The shipped weights with all that their file says of them. */
export function shippedCheckpoint(): Checkpoint {
  return decodeCheckpoint(shippedBytes(), { source: "the shipped weights" });
}
