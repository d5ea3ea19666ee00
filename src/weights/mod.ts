/**
 * The weights that come with the library.
 *
 * @module
 */
import { type Checkpoint, decodeCheckpoint } from "../checkpoint/checkpoint.ts";
import { SHIPPED_763 } from "./shipped_763.ts";
import { fromBase64 } from "../base64.ts";

/** The bytes of the shipped safetensors file: 763 parameters, trained by `train --recipe sure`. */
export function shippedBytes(): Uint8Array<ArrayBuffer> {
  return fromBase64(SHIPPED_763);
}

/** The shipped weights, as read from their embedded safetensors file. */
export function shippedCheckpoint(): Checkpoint {
  return decodeCheckpoint(shippedBytes(), { source: "the shipped weights" });
}
