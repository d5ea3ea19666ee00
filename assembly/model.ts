/** True for the 777 variant: it has a final LayerNorm before the output layer, and the tanh form of GELU. */
export let finalNorm: bool = false;
/** The epsilon of every LayerNorm. */
export let layerNormEpsilon: f32 = 1e-5;

/** Chooses the variant by its number of parameters. */
export function configure(model: i32): void {
  finalNorm = model == 777;
  layerNormEpsilon = finalNorm ? 1e-6 : 1e-5;
}
