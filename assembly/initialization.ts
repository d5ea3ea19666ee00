import {
  LN1_BIAS,
  LN1_WEIGHT,
  LN2_BIAS,
  LN2_WEIGHT,
  LNF_BIAS,
  LNF_WEIGHT,
  PADDED,
  PARAMETERS,
  QKV,
  SCRATCH,
  W1,
  W2,
  WORKSPACES,
} from "./layout";
import { philox4 } from "./philox";
import { DOMAIN_INITIALIZATION } from "./tile";

/** The initial standard deviation of a parameter; 0 for the parameters of a LayerNorm. */
function initialDeviation(index: i32): f64 {
  if (index < LN1_WEIGHT) return 0.02;
  if (index < QKV) return 0;
  if (index < LN2_WEIGHT) return 1 / NativeMath.sqrt(7);
  if (index < W1) return 0;
  if (index < W2) return 1 / NativeMath.sqrt(7);
  if (index < LNF_WEIGHT) return 1 / NativeMath.sqrt(14);
  return 0;
}

function isLayerNormWeight(index: i32): bool {
  return (index >= LN1_WEIGHT && index < LN1_BIAS) || (index >= LN2_WEIGHT && index < LN2_BIAS) ||
    (index >= LNF_WEIGHT && index < LNF_BIAS);
}

/**
 * Draws the weights by Box-Muller, two from one block. Must equal `initialParameters` of src/model/initialization.ts, except for the last bits of
 * Math.cos and Math.log: JavaScript does not specify them, so this module has its own.
 */
export function initializeParameters(count: i32, seed: u32, attempt: u32): void {
  memory.fill(PARAMETERS, 0, PADDED * 4);
  const words = WORKSPACES + SCRATCH;
  for (let i = 0; i < count; i += 2) {
    philox4(i32x4.splat(i >> 1), 0, attempt, 0, seed, DOMAIN_INITIALIZATION, words);
    const u = (<f64> load<u32>(words) + 1) / 4294967296.0;
    const v = <f64> load<u32>(words + 16) / 4294967296.0;
    const radius = NativeMath.sqrt(-2 * NativeMath.log(u));
    setInitial(i, radius * NativeMath.cos(2 * NativeMath.PI * v));
    if (i + 1 < count) setInitial(i + 1, radius * NativeMath.sin(2 * NativeMath.PI * v));
  }
}

function setInitial(index: i32, normal: f64): void {
  const deviation = initialDeviation(index);
  const value: f64 = deviation > 0 ? deviation * normal : isLayerNormWeight(index) ? 1 : 0;
  store<f32>(PARAMETERS + index * 4, <f32> value);
}
