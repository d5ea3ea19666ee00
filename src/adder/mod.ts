/**
 * Addition with the shipped weights and nothing else: it loads 20 modules where the whole library has more than a hundred.
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
export { add, addMany } from "./add.ts";
export type { Pair, Sum } from "./adder.ts";
