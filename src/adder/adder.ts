import { fromBase64 } from "../common/encoding.ts";
import { formatValue } from "../common/format_value.ts";
import { WASM } from "../engine/wasm/adder_module.ts";
import { type AdderExports, decodeProblems, instantiate, writeVector } from "../engine/wasm/core.ts";
import { type Operands, packOperands, type Problem } from "../model/problem.ts";
import { type ModelName, variantOf } from "../model/variant.ts";
import { QUERIES, readSum } from "../model/vocabulary.ts";
import { SHIPPED_763 } from "../weights/shipped_763.ts";

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
    const problems = pairs.map((pair) => Array.isArray(pair) ? { a: pair[0], b: pair[1] } : pair) as Problem[];
    const operands = packOperands(problems);
    for (const { a, b } of problems) {
      if (typeof a === typeof b) continue;
      const must = `Cannot add ${formatValue(a)} and ${formatValue(b)} as both must be numbers or both bigints`;
      throw new TypeError(`${must}: current types are ${typeof a} and ${typeof b}`);
    }
    const tokens = this.decode(operands);
    return problems.map(({ a }, i) => {
      const sum = readSum(tokens, i * QUERIES);
      if (Number.isNaN(sum)) return null;
      return (typeof a === "bigint" ? BigInt(sum) : sum) as Sum<T>;
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

/** The shipped weights: the tail of their file, whose header takes longer to read than an addition; a test compares both ways. */
export function shippedParameters(): Float32Array {
  return new Float32Array(fromBase64(SHIPPED_763).slice(-4 * 763).buffer);
}

let makeAdder = (model: ModelName, parameters: Float32Array): Adder => new WasmAdder(model, parameters);
let shipped: Adder | undefined;

/** The adder of the shipped weights, made once. @throws {EngineError} Without WebAssembly SIMD, unless {@linkcode makeShippedWith} was called */
export function shippedAdder(): Adder {
  return shipped ??= makeAdder(763, shippedParameters());
}

/** Has the shipped weights add on what `make` makes. Without the reference engine `add` starts in less time, so who loads that engine calls this. */
export function makeShippedWith(make: typeof makeAdder): void {
  makeAdder = make;
}
