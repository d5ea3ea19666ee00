/**
 * How far exp2 and GELU of assembly/elementary.ts can be from the true functions, for every float32 argument: `deno task test:elementary` compares the
 * compiled modules with float64 at each. A bound is the larger of two: for `exact`, which rounds a product before it adds, and for `fast` on a machine that
 * fuses both. One that does not computes what `exact` does, and none may do now one and now the other (WebAssembly 3.0, "relaxed_madd").
 */
import type { Variant } from "../../model/variant.ts";

/** exp2: |f(x) / 2^x - 1| is at most this for -126 <= x <= 0. It takes a smaller x for -126; `exp2Softmax` and `storeExp2Softmax` take one below -40 for -40. */
export const EXP2_RELATIVE = 1.94e-7;

/** GELU: |f(u) - gelu(u)| is at most `relative` |gelu(u)| + `absolute` |u| + {@linkcode GELU_UNDERFLOW} for every finite u, so f(u) is finite. */
export const GELU_ERROR: Readonly<Record<Variant["gelu"], { relative: number; absolute: number }>> = {
  erf: { relative: 9.1e-7, absolute: 2 ** -34 },
  tanh: { relative: 9e-7, absolute: 2 ** -29 },
};

/** Half the least float32: what the last rounding of GELU can add where the result is below 2^-126. */
export const GELU_UNDERFLOW = 2 ** -150;
