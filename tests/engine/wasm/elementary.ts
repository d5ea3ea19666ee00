/** exp2 and GELU of the modules beside float64, in units of the recorded bounds. */
import { EXP2_RELATIVE, GELU_ERROR, GELU_UNDERFLOW } from "../../../src/engine/wasm/elementary_bounds.ts";
import { GELU } from "../../../src/engine/reference/gelu.ts";
import type { Arithmetic } from "../../../src/engine/interface/types.ts";
import { instantiate } from "../../../src/engine/wasm/core.ts";
import { WASM as EXACT } from "../../../src/engine/wasm/exact_module.ts";
import { WASM as FAST } from "../../../src/engine/wasm/fast_module.ts";
import { type ModelName, type Variant, variantOf } from "../../../src/model/variant.ts";

/** A function of the modules and its bound. */
export interface ElementaryFunction {
  name: string;
  /** What evaluates it in the modules, for which model. */
  map: "mapExp2" | "mapGelu";
  model: ModelName;
  /** The true function, in float64. */
  truth(x: number): number;
  /** The largest error allowed is relative |truth| + absolute |x| + underflow. */
  bound: { relative: number; absolute: number; underflow: number };
  /** Bits of the first and the last float32 of each range of arguments. */
  ranges: readonly (readonly [first: number, last: number])[];
}

const INVERSE_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI);

function geluFunction(model: ModelName, form: Variant["gelu"]): ElementaryFunction {
  const { value } = GELU[form];
  return {
    name: `GELU by ${form}`,
    map: "mapGelu",
    model,
    // the series of both forms begins so; what follows is below 2^-53 of it, and it takes a tenth of the time for half of all floats
    truth: (u) => Math.abs(u) < 2 ** -17 ? u * (0.5 + u * INVERSE_SQRT_2PI) : value(u),
    bound: { ...GELU_ERROR[form], underflow: GELU_UNDERFLOW },
    ranges: [[0, 0x7f7fffff], [0x80000000, 0xff7fffff]],
  };
}

export const FUNCTIONS: readonly ElementaryFunction[] = [
  {
    name: "exp2",
    map: "mapExp2",
    model: 763,
    truth: (x) => 2 ** x,
    bound: { relative: EXP2_RELATIVE, absolute: 0, underflow: 0 },
    ranges: [[0x80000000, 0xc2fc0000]], // -0 to -126
  },
  geluFunction(763, variantOf(763).gelu),
  geluFunction(777, variantOf(777).gelu),
];

/** Evaluates a function of a module at the floats with the given bits, at most `most` of them; the result is overwritten by the next call. */
export function evaluator(
  { map, model }: ElementaryFunction,
  arithmetic: Arithmetic,
  most: number,
): (bits: Uint32Array) => Float32Array {
  const { memory, exports } = instantiate(arithmetic === "fast" ? FAST : EXACT, variantOf(model));
  const at = exports.problemsBase(1);
  const length = Math.ceil(most / 8) * 8; // two vectors of four at a time
  const [asBits, asFloats] = [new Uint32Array(memory.buffer, at, length), new Float32Array(memory.buffer, at, length)];
  return (bits) => {
    asBits.set(bits);
    exports[map](at, length / 4);
    return asFloats.subarray(0, bits.length);
  };
}

/** The largest error met, and where. */
export interface WorstError {
  /** The error less `underflow`, as a share of the rest of its bound: where it is above 1 the bound does not hold. */
  share: number;
  x: number;
}

/** Compares results with the truth. A result that is not a number counts as an infinite error. */
export function compare(
  { bound: { relative, absolute, underflow } }: ElementaryFunction,
  x: Float32Array,
  truth: Float64Array,
  found: Float32Array,
  worst: WorstError,
): void {
  for (let i = 0; i < found.length; i++) {
    const error = Math.abs(found[i] - truth[i]) - underflow;
    const allowed = relative * Math.abs(truth[i]) + absolute * Math.abs(x[i]);
    if (error <= worst.share * allowed) continue;
    const share = error / allowed;
    [worst.share, worst.x] = [Number.isNaN(share) ? Infinity : share, x[i]];
  }
}
