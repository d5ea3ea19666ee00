import type { StageHyperparameters } from "./stage.ts";

/**
 * The learning rate of one step: a linear warm-up from 0 to the peak, then a cosine down to `floor` times the peak.
 *
 * Steps count from 0 as in PyTorch's `LambdaLR`, so with a warm-up the first step has the learning rate 0.
 * The cosine is equation 5 of Loshchilov and Hutter 2017, arXiv:1608.03983.
 *
 * @param step The step within the stage, 0 … steps - 1
 */
export function learningRateAt(stage: StageHyperparameters, step: number): number {
  const { steps, learningRate, warmupSteps, floor } = stage;
  if (step < warmupSteps) return learningRate * (step / warmupSteps);
  const progress = (step - warmupSteps) / (steps - warmupSteps);
  return learningRate * (floor + (1 - floor) * (1 + Math.cos(Math.PI * progress)) / 2);
}
