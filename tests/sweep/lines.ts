/** Lines of sweeps that never were. */
import type { SweepLine } from "../../src/sweep/line.ts";

/** A line with some fields of its own. */
export function lineOf(fields: Partial<SweepLine> = {}): SweepLine {
  return {
    ...{ format: 1, recipe: "fast", recipeHash: "0123456789abcdef", model: 763, seed: 0, arithmetic: "exact" },
    ...{
      backend: "wasm",
      pairs: 1_000_000,
      hard: 1000,
      certify: false,
      certified: null,
      hardeningRounds: null,
      errors: 0,
      hardErrors: 0,
      attempts: 1,
      steps: 100,
    },
    ...{ examples: 3200, weights: "00", failure: null, trainSeconds: 1.5, seconds: 2 },
    ...fields,
  };
}
