/**
 * The numbers with which the WASM and the WebGPU engine compute exp2, ln and GELU in float32. The formulas are in assembly/elementary.ts and
 * src/engine/webgpu/shaders/vectors.ts; src/engine/wasm/elementary_bounds.ts bounds their errors.
 */
export const COEFFICIENTS = {
  // 2^f for |f| <= 1/2: 1 + EXP2_1 f + … + EXP2_5 f^5, minimax, relative error below 2e-7
  EXP2_5: 0.001326472731307149,
  EXP2_4: 0.009671512991189957,
  EXP2_3: 0.05550733581185341,
  EXP2_2: 0.24022242426872253,
  EXP2_1: 0.6931470036506653,
  ONE: 1,
  // the least exponents: 2^x is normal; the weight of a softmax, and the tail of GELU, still matter
  MIN_EXPONENT: -126,
  MIN_SOFTMAX: -40,
  MIN_GAUSS: -72,
  /** 1.5 x 2^23: adding it rounds to a whole number. */
  ROUNDER: 12582912,
  // 2 artanh z for |z| <= 0.18: LN_1 z + LN_3 z^3 + LN_5 z^5 + LN_7 z^7
  LN_7: 0.2992447018623352,
  LN_5: 0.3997485935688019,
  LN_3: 0.666668176651001,
  LN_1: 2,
  // Phi(-u) = exp(-u^2 / 2) (PHI_1 t + … + PHI_7 t^7), t = 1 / (1 + PHI_SCALE u), 0 <= u <= 10: the form of Abramowitz and Stegun 1964,
  // 7.1.26, minimax, relative error below 3e-7
  PHI_SCALE: 0.26,
  PHI_7: -0.07556076347827911,
  PHI_6: 0.23893599212169647,
  PHI_5: -0.12184562534093857,
  PHI_4: 0.17866526544094086,
  PHI_3: 0.06805627048015594,
  PHI_2: 0.10833282768726349,
  PHI_1: 0.10341592133045197,
  HALF_LOG2_E: -0.5 * Math.LOG2E,
  INVERSE_SQRT_2PI: 0.3989422804014327,
  // GELU by tanh: twice sqrt(2 / pi), and the cubic term
  TANH_SCALE: 1.5957691216057308,
  TANH_CUBIC: 0.044715,
  TANH_CUBIC_3: 0.134145,
  MINUS_LOG2_E: -Math.LOG2E,
} as const;
