import type { StepOptions } from "../interface/types.ts";

/** Scales a gradient in place, as PyTorch's `clip_grad_norm_` does; 0 or Infinity: never. Returns the Euclidean norm before. */
export function clipGradientNorm(gradient: Float64Array, maxNorm: number): number {
  const norm = Math.sqrt(gradient.reduce((sum, value) => sum + value ** 2, 0));
  if (maxNorm > 0) {
    const factor = Math.min(1, maxNorm / (norm + 1e-6)); // PyTorch's epsilon
    gradient.forEach((value, i) => gradient[i] = value * factor);
  }
  return norm;
}

/**
 * One step of AdamW, in place, the number `step` from 1: Adam with bias correction, the weight decay apart from the gradient. Loshchilov and Hutter 2019,
 * arXiv:1711.05101, algorithm 2, in the form of PyTorch's `torch.optim.AdamW`.
 */
export function adamW(
  parameters: Float64Array,
  gradient: Float64Array,
  moments: Readonly<Record<"firstMoment" | "secondMoment", Float64Array>>,
  step: number,
  { learningRate, weightDecay, beta1, beta2, epsilon }: Required<StepOptions>,
): void {
  const correction1 = 1 - beta1 ** step;
  const correction2 = 1 - beta2 ** step;
  const { firstMoment: m, secondMoment: v } = moments;
  for (let i = 0; i < parameters.length; i++) {
    m[i] = beta1 * m[i] + (1 - beta1) * gradient[i];
    v[i] = beta2 * v[i] + (1 - beta2) * gradient[i] ** 2;
    const direction = (m[i] / correction1) / (Math.sqrt(v[i] / correction2) + epsilon);
    parameters[i] = parameters[i] * (1 - learningRate * weightDecay) - learningRate * direction;
  }
}
