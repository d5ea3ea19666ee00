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
  /** Decoupled weight decay of every tensor, 0 or more. */
  readonly weightDecay: number;
  /** Decay of the first moment, 0 to 1. */
  readonly beta1: number;
  /** Decay of the second moment, 0 to 1. */
  readonly beta2: number;
  /** Added to the square root of the second moment. */
  readonly epsilon: number;
  /** A gradient with a larger Euclidean norm is scaled down to this norm; 0 or Infinity: never. */
  readonly clipNorm: number;
}

/** The lengths of operands from one step of a stage on. */
export interface CurriculumPhase {
  /** The first step, counted from 0 within the stage. */
  readonly fromStep: number;
  /** Fewest digits of an operand, 1 to 10. */
  readonly minDigits: number;
  /** Most digits of an operand, 1 to 10. */
  readonly maxDigits: number;
}

/** A part of a mix of examples. */
export interface MixPart {
  /** Its share of each batch, above 0; the shares of a mix add up to 1. */
  readonly share: number;
  /**
   * `random`: as without a mix. `carries`: a run of columns through which a carry travels, at random places. `repeated`: both operands are one digit,
   * repeated.
   */
  readonly kind: "random" | "carries" | "repeated";
  /** Fewest and most digits of an operand, 1 to 10. @default {the curriculum's} */
  readonly digits?: readonly [least: number, most: number];
}

/** A check of the training loss during a stage: an attempt whose mean loss is above `loss` starts again from new weights. */
export interface Gate {
  /** The step of the check, counted from 0 within the stage. */
  readonly atStep: number;
  /** The number of steps before it over which the loss is averaged. */
  readonly window: number;
  /** The largest mean loss that passes, in nats. */
  readonly loss: number;
}

/** A stage of a recipe. */
export interface Stage extends StageHyperparameters {
  /** One word, such as `explore`. */
  readonly name: string;
  /** Lengths of operands, by step; the first entry starts at step 0. */
  readonly curriculum: readonly CurriculumPhase[];
  /** The kinds of examples. @default {all random} */
  readonly mix?: readonly MixPart[];
  /** Where an attempt that does not learn is given up. */
  readonly gate?: Gate;
}
