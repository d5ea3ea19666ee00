import { formatValue } from "../common/format_value.ts";
import { WASM } from "../engine/wasm/adder_module.ts";
import { type AdderExports, decodeProblems, instantiate, writeVector } from "../engine/wasm/core.ts";
import { checkOperand, checkPair, type Operands } from "../model/problem.ts";
import { type ModelName, variantOf } from "../model/variant.ts";
import { QUERIES, readSum } from "../model/vocabulary.ts";

/** Two operands, both numbers or both bigints. */
export type Pair<T extends number | bigint> = readonly [a: T, b: T] | { readonly a: T; readonly b: T };

/** The type of a sum: `bigint` for bigints, otherwise `number`. */
export type Sum<T extends number | bigint> = T extends bigint ? bigint : number;

/** A model that adds: {@linkcode loadAdder} makes one. */
export interface Adder {
  /** The engine that adds: `reference`, which is slow, where WebAssembly is missing or forbidden. */
  readonly backend: "wasm" | "reference";
  /**
   * Adds two whole numbers in [0, 9999999999].
   *
   * @returns The sum that the model writes, right or wrong; null if it does not write eleven digits
   * @throws {TypeError} If the operands are not both numbers or both bigints
   * @throws {RangeError} If an operand is not a whole number in [0, 9999999999]
   */
  add<T extends number | bigint>(a: T, b: T): Sum<T> | null;
  /**
   * Adds many pairs, much faster than one by one.
   *
   * @returns One sum per pair, as of {@linkcode Adder.add}
   * @throws {TypeError | RangeError} As {@linkcode Adder.add}, if one operand is wrong
   */
  addMany<T extends number | bigint>(pairs: readonly Pair<T>[]): (Sum<T> | null)[];
}

function operandsOf<T extends number | bigint>(pair: Pair<T>): { a: T; b: T } {
  checkPair(pair);
  return Array.isArray(pair) ? { a: pair[0], b: pair[1] } : pair as { a: T; b: T };
}

/** An {@linkcode Adder} on an engine that decodes. */
export class DecodingAdder implements Adder {
  /** @param decode Gives token ids of shape [n, 12]: the digits of each sum, ones first, and the end */
  constructor(readonly backend: Adder["backend"], readonly decode: (operands: Operands) => Uint8Array) {}

  add<T extends number | bigint>(a: T, b: T): Sum<T> | null {
    return this.addMany([[a, b]])[0];
  }

  addMany<T extends number | bigint>(pairs: readonly Pair<T>[]): (Sum<T> | null)[] {
    if (!Array.isArray(pairs)) {
      throw new TypeError(`Cannot add pairs as they must be a list: current value is ${formatValue(pairs)}`);
    }
    if (pairs.length === 0) return [];
    const operands = new Float64Array(2 * pairs.length);
    const kinds = pairs.map((pair, i) => {
      const both = operandsOf(pair);
      operands[2 * i] = checkOperand(both.a, "a", both);
      operands[2 * i + 1] = checkOperand(both.b, "b", both);
      if (typeof both.a !== typeof both.b) {
        throw new TypeError(
          `Cannot add ${formatValue(both.a)} and ${formatValue(both.b)} as both must be numbers or both bigints: ` +
            `current types are ${typeof both.a} and ${typeof both.b}`,
        );
      }
      return typeof both.a;
    });
    const tokens = this.decode(operands);
    return kinds.map((kind, i) => {
      const sum = readSum(tokens, i * QUERIES);
      if (Number.isNaN(sum)) return null;
      return (kind === "bigint" ? BigInt(sum) : sum) as Sum<T>;
    });
  }
}

/** An {@linkcode Adder} on the decoding kernels of the WASM core. */
export class WasmAdder extends DecodingAdder {
  constructor(model: ModelName, parameters: Float32Array) {
    const core = instantiate<AdderExports>(WASM, variantOf(model));
    writeVector(core, core.exports.parametersAt, parameters);
    core.exports.prepareDecoding();
    super("wasm", (operands) => decodeProblems(core, operands));
  }
}
