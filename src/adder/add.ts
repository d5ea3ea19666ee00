/**
 * Addition with the shipped weights and nothing else: it loads 11 modules where the whole library has more than a hundred. It needs WebAssembly SIMD;
 * the whole library falls back to the reference engine.
 *
 * @example Usage
 * ```ts
 * import { add } from "@x/tiny-adder/add";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(add(42, 7), 49);
 * ```
 *
 * @module
 */
import { type Pair, shippedAdder, type Sum } from "./adder.ts";

export type { Pair, Sum };

/**
 * Adds two whole numbers in [0, 9999999999] with the shipped weights, which are proved to add all pairs correctly. Needs no permission.
 *
 * @example Usage
 * ```ts
 * import { add } from "@x/tiny-adder";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(add(42, 7), 49);
 * assertEquals(add(9999999999n, 1n), 10000000000n);
 * ```
 *
 * @throws {TypeError} If the operands are not both numbers or both bigints
 * @throws {RangeError} If an operand is not a whole number in [0, 9999999999]
 * @throws {EngineError} If `./add` was imported alone, and WebAssembly SIMD is missing or forbidden
 */
export function add<T extends number | bigint>(a: T, b: T): Sum<T> {
  return shippedAdder().add(a, b)!;
}

/**
 * Adds many pairs with the shipped weights, much faster than one by one.
 *
 * @example Usage
 * ```ts
 * import { addMany } from "@x/tiny-adder";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(addMany([[42, 7], [1, 2]]), [49, 3]);
 * ```
 *
 * @throws {TypeError | RangeError | EngineError} As {@linkcode add}
 */
export function addMany<T extends number | bigint>(pairs: readonly Pair<T>[]): Sum<T>[] {
  return shippedAdder().addMany(pairs) as Sum<T>[];
}
