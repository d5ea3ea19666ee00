import { type Checkpoint, decodeCheckpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { shippedBytes } from "./shipped.ts";

/**
 * The weights that `add` adds with, and what their file says of them: recipe, seed and step.
 *
 * @example Usage
 * ```ts
 * import { shippedCheckpoint } from "@x/tiny-adder";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(shippedCheckpoint().parameters.length, 763);
 * ```
 */
export function shippedCheckpoint(): Checkpoint {
  return decodeCheckpoint(shippedBytes(), { source: "the shipped weights" });
}
