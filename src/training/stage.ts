/** What an engine needs to know of a stage. */
export interface StageHyperparameters {
  /** Number of steps, over which the schedule runs. */
  readonly steps: number;
  /** Examples a step, a multiple of 4. */
  readonly batch: number;
  /** Peak learning rate. */
  readonly learningRate: number;
  /** Steps over which the learning rate rises linearly from 0 to its peak. */
  readonly warmupSteps: number;
  /** The cosine ends at this share of the peak. */
  readonly floor: number;
  /** Decoupled weight decay, on every tensor. */
  readonly weightDecay: number;
  /** Decay of the first moment. */
  readonly beta1: number;
  /** Decay of the second moment. */
  readonly beta2: number;
  /** Added to the root of the second moment. */
  readonly epsilon: number;
  /** The gradient is scaled down to this norm where it is longer. */
  readonly clipNorm: number;
}
