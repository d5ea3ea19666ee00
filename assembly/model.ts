// Which variant of the model runs: the 777 variant adds a final LayerNorm, takes GELU by tanh and a smaller epsilon.

/** Whether a final LayerNorm stands before the output projection, and GELU is the tanh form. */
export let finalNorm: bool = false;
/** The epsilon of every LayerNorm. */
export let layerNormEpsilon: f32 = 1e-5;

/** Chooses the variant; the parameter count names it. */
export function configure(model: i32): void {
  finalNorm = model == 777;
  layerNormEpsilon = finalNorm ? 1e-6 : 1e-5;
}
