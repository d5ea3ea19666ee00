import { philox4x32 } from "./philox.ts";
import { DOMAINS } from "./sampler.ts";
import { paddedIndices, paddedVariant, parameterCount, type Variant } from "./variant.ts";

const WORD = 2 ** 32;

/**
 * Two independent standard normal numbers for parameters 2 * pair and 2 * pair + 1.
 * Box and Muller 1958: radius = sqrt(-2 ln u), angle = 2 pi v, for u uniform in (0, 1] and v in [0, 1).
 */
function normalPair(pair: number, seed: number, attempt: number): readonly [number, number] {
  const [w0, w1] = philox4x32([pair, 0, attempt, 0], [seed, DOMAINS.initialization]);
  const u = (w0 + 1) / WORD;
  const v = w1 / WORD;
  const radius = Math.sqrt(-2 * Math.log(u));
  return [radius * Math.cos(2 * Math.PI * v), radius * Math.sin(2 * Math.PI * v)];
}

/**
 * Draws fresh weights: each tensor's constant, or normal numbers of its standard deviation, rounded to float32. Parameter i takes the normal number i
 * of its index in the padded vector, also where those before it are constants. The WASM module computes its own, which agree to about 1e-7:
 * JavaScript fixes neither Math.cos nor Math.log to the bit. Seed and attempt are whole numbers in [0, 2^32).
 */
export function initialParameters(variant: Variant, seed: number, attempt = 0): Float32Array {
  const normals = new Float64Array(parameterCount(paddedVariant(variant)) + 1); // + 1 for the half of the last pair that is left over
  for (let pair = 0; 2 * pair + 1 < normals.length; pair++) normals.set(normalPair(pair, seed, attempt), 2 * pair);
  const indices = paddedIndices(variant);
  const parameters = new Float32Array(indices.length);
  for (const { initial, offset, size } of variant.tensors) {
    for (let i = offset; i < offset + size; i++) {
      parameters[i] = "constant" in initial ? initial.constant : initial.deviation * normals[indices[i]];
    }
  }
  return parameters;
}
