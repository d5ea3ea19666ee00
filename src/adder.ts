/**
 * Inference for people: numbers in, numbers out.
 *
 * @module
 */
import type { Checkpoint } from "./checkpoint/checkpoint.ts";
import { decodeCheckpoint } from "./checkpoint/checkpoint.ts";
import { readCheckpointFileSync } from "./checkpoint/store.ts";
import { compileCore, instantiateCore } from "./engine/wasm/core.ts";
import { WasmEngine } from "./engine/wasm/engine.ts";
import { WASM } from "./engine/wasm/exact_module.ts";
import { checkOperand } from "./model/problem.ts";
import { variantOf } from "./model/variant.ts";
import { shippedCheckpoint } from "./weights/mod.ts";

/** Two operands of one kind. */
export type Pair<T extends number | bigint> = readonly [a: T, b: T] | { readonly a: T; readonly b: T };

/** `number` for a number, `bigint` for a bigint: a literal type is widened. */
export type Sum<T extends number | bigint> = T extends bigint ? bigint : number;

/** A model that adds. */
export interface Adder {
  /**
   * Adds two whole numbers in [0, 9999999999].
   *
   * @returns What the model says, right or wrong; null where it wrote something else than eleven digits
   * @throws {TypeError} If the operands are not both numbers or both bigints
   * @throws {RangeError} If an operand is not a whole number in [0, 9999999999]
   */
  add<T extends number | bigint>(a: T, b: T): Sum<T> | null;
  /**
   * Adds many pairs, which is much faster than one by one.
   *
   * @returns One sum for each pair, as {@linkcode Adder.add} gives it
   * @throws {TypeError | RangeError} As {@linkcode Adder.add}; nothing is added then
   */
  addMany<T extends number | bigint>(pairs: readonly Pair<T>[]): (Sum<T> | null)[];
}

function operandsOf<T extends number | bigint>(pair: Pair<T>): { a: T; b: T } {
  return Array.isArray(pair) ? { a: pair[0], b: pair[1] } : pair as { a: T; b: T };
}

class EngineAdder implements Adder {
  readonly #engine: WasmEngine;

  constructor({ model, parameters }: Checkpoint) {
    this.#engine = new WasmEngine(instantiateCore(compileCore("exact", WASM), "exact"), variantOf(model));
    this.#engine.setParameters(parameters);
  }

  add<T extends number | bigint>(a: T, b: T): Sum<T> | null {
    return this.addMany([[a, b]])[0];
  }

  addMany<T extends number | bigint>(pairs: readonly Pair<T>[]): (Sum<T> | null)[] {
    if (pairs.length === 0) return [];
    const operands = new Float64Array(2 * pairs.length);
    const kinds = pairs.map((pair, i) => {
      const both = operandsOf(pair);
      operands[2 * i] = checkOperand(both.a, "a", both);
      operands[2 * i + 1] = checkOperand(both.b, "b", both);
      if (typeof both.a !== typeof both.b) {
        throw new TypeError(
          `Cannot add ${both.a} and ${both.b} as both must be numbers or both bigints: current types are ${typeof both
            .a} and ${typeof both.b}`,
        );
      }
      return typeof both.a;
    });
    return Array.from(this.#engine.predictSums(operands), (sum, i) => {
      if (Number.isNaN(sum)) return null;
      return (kinds[i] === "bigint" ? BigInt(sum) : sum) as Sum<T>;
    });
  }
}

/**
 * Makes an adder of a checkpoint.
 *
 * @example Usage
 * ```ts
 * import { loadAdder } from "@x/tiny-adder";
 * import { encodeCheckpoint } from "@x/tiny-adder/checkpoint";
 * import { assertEquals } from "@std/assert";
 *
 * const untrained = encodeCheckpoint({ model: 763, parameters: new Float32Array(763), metadata: {} });
 * const adder = loadAdder(untrained);
 * assertEquals(adder.add(42, 7), 0); // the weights add, not the code
 * ```
 *
 * @param checkpoint A checkpoint, the bytes of a safetensors file, or the path of one or of a run directory, which needs read permission
 * @throws {CheckpointError} If it is not a checkpoint of the model
 */
export function loadAdder(checkpoint: Checkpoint | Uint8Array | string): Adder {
  if (typeof checkpoint === "string") return new EngineAdder(readCheckpointFileSync(checkpoint));
  if (checkpoint instanceof Uint8Array) return new EngineAdder(decodeCheckpoint(checkpoint));
  return new EngineAdder(checkpoint);
}

let shipped: Adder | undefined;

/** The adder on the shipped weights, made when it is first needed. */
function shippedAdder(): Adder {
  return shipped ??= loadAdder(shippedCheckpoint());
}

/**
 * Adds two whole numbers in [0, 9999999999] on the shipped weights. Needs no permission.
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
 */
export function add<T extends number | bigint>(a: T, b: T): Sum<T> {
  return shippedAdder().add(a, b)!;
}

/**
 * Adds many pairs on the shipped weights, which is much faster than one by one.
 *
 * @example Usage
 * ```ts
 * import { addMany } from "@x/tiny-adder";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(addMany([[42, 7], [1, 2]]), [49, 3]);
 * ```
 *
 * @throws {TypeError | RangeError} As {@linkcode add}; nothing is added then
 */
export function addMany<T extends number | bigint>(pairs: readonly Pair<T>[]): Sum<T>[] {
  return shippedAdder().addMany(pairs) as Sum<T>[];
}
