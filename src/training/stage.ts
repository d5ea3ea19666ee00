/** The hyperparameters of a stage: consecutive steps of AdamW under one learning-rate schedule. */
export interface StageHyperparameters {
  /** Number of steps, 1 or more. */
  readonly steps: number;
  /** Examples per step, a multiple of 4. */
  readonly batch: number;
  /** Peak learning rate, 0 or more. */
  readonly learningRate: number;
  /** Steps of linear warm-up from 0 to the peak. */
  readonly warmupSteps: number;
  /** The share of the peak at which the cosine ends, 0 to 1. */
  readonly floor: number;
  /** Decoupled weight decay of every tensor. */
  readonly weightDecay: number;
  /** Decay of the first moment. */
  readonly beta1: number;
  /** Decay of the second moment. */
  readonly beta2: number;
  /** Added to the square root of the second moment. */
  readonly epsilon: number;
  /** A gradient with a larger Euclidean norm is scaled down to this norm; 0 or Infinity: never. */
  readonly clipNorm: number;
}
