import { type Checkpoint, decodeCheckpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { fromBase64 } from "../common/encoding.ts";
import { checkOneOf } from "../common/checks.ts";
import { SHIPPED_4X4 } from "./shipped_4x4.ts";
import type { ModelName } from "../model/variant.ts";
import { SHIPPED_5X8 } from "./shipped_5x8.ts";
import { SHIPPED_763 } from "./shipped_763.ts";

const FILES = { "4x4": SHIPPED_4X4, "5x8": SHIPPED_5X8, 763: SHIPPED_763 };

/** The models whose weights come with the library, each proved to add all pairs correctly. */
export const SHIPPED_MODELS = [763, "5x8", "4x4"] as const;

/**
 * The weights that `add` adds with, or those of another shipped model, and what their file says of them: recipe, seed and step.
 *
 * @example Usage
 * ```ts
 * import { loadAdder, shippedCheckpoint } from "@x/tiny-adder";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(shippedCheckpoint().parameters.length, 763);
 * assertEquals(shippedCheckpoint("5x8").parameters.length, 445);
 * assertEquals(shippedCheckpoint("4x4").parameters.length, 308);
 * assertEquals(loadAdder(shippedCheckpoint("4x4")).add(42, 7), 49);
 * ```
 *
 * @throws {RangeError} If no weights of that model are shipped
 */
export function shippedCheckpoint(model: ModelName = 763): Checkpoint {
  checkOneOf("load shipped weights", "model", model, SHIPPED_MODELS);
  return decodeCheckpoint(fromBase64(FILES[model as keyof typeof FILES]), { source: "the shipped weights" });
}
