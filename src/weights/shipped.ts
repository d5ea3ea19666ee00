/** The shipped weights by themselves: all that adding needs. */
import { fromBase64 } from "../common/encoding.ts";
import { SHIPPED_763 } from "./shipped_763.ts";

/** Number of weights. */
const COUNT = 763;

/** The bytes of the shipped safetensors file. */
export function shippedBytes(): Uint8Array<ArrayBuffer> {
  return fromBase64(SHIPPED_763);
}

/** The weights: the tail of the file. To read its header would take longer than an addition; a test compares both ways. */
export function shippedParameters(): Float32Array {
  const bytes = shippedBytes();
  return new Float32Array(bytes.slice(bytes.length - 4 * COUNT).buffer);
}
