import type { Checkpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { drawOperands } from "../model/sampler.ts";
import { type ModelName, WIDTH } from "../model/variant.ts";
import { FIRST_QUERY, QUERIES, targetTokens } from "../model/vocabulary.ts";
import { glassOf, lookAtSum } from "./glass.ts";
import { marginOf } from "./sum.ts";

/** One step of decoding, over many sums and with the correct digits before it. */
export interface StepSurvey {
  readonly step: number;
  /** The mean share of attention that each position gets, from position 0 to the step's own. */
  readonly attention: readonly number[];
  /** The smallest margin: the logit of the correct token minus the best other; negative if a token was wrong. */
  readonly smallestMargin: number;
}

/** The embeddings of a model, and the mean attention of its steps. */
export interface Survey {
  readonly model: ModelName;
  /** The number of random sums. */
  readonly sums: number;
  readonly steps: readonly StepSurvey[];
  /** [14][7]; they are the output weights as well. */
  readonly tokenEmbedding: readonly (readonly number[])[];
  /** [35][7]. */
  readonly positionEmbedding: readonly (readonly number[])[];
  /** Cosine similarities of the digits' embeddings, [10][10]. */
  readonly digitCosines: readonly (readonly number[])[];
}

/** Seed of the random sums, which come from the evaluation stream, not from that of training. */
const SEED = 1;

/** Surveys a model with the reference engine, in float64, on `sums` random sums of 10-digit numbers. */
export function surveyModel(checkpoint: Checkpoint, sums: number): Survey {
  const glass = glassOf(checkpoint);
  const { tensors } = glass;
  const attention = Array.from({ length: QUERIES }, (_, step) => new Float64Array(FIRST_QUERY + 1 + step));
  const smallestMargins = new Array<number>(QUERIES).fill(Infinity);

  const operands = drawOperands({ seed: SEED, stream: "evaluation", count: sums });
  for (let i = 0; i < operands.length; i += 2) {
    const [a, b] = operands.subarray(i);
    const targets = targetTokens(a, b);
    lookAtSum(glass, a, b, targets).queries.forEach(({ attended, logits }, step) => {
      attended.weights.forEach((weight, position) => attention[step][position] += weight / sums);
      smallestMargins[step] = Math.min(smallestMargins[step], marginOf(logits, targets[step]));
    });
  }

  const tokenEmbedding = rowsOf(tensors.tokenEmbedding);
  const digits = tokenEmbedding.slice(0, 10);
  return {
    model: checkpoint.model,
    sums,
    steps: attention.map((shares, step) => ({
      step,
      attention: Array.from(shares),
      smallestMargin: smallestMargins[step],
    })),
    tokenEmbedding,
    positionEmbedding: rowsOf(tensors.positionEmbedding),
    digitCosines: digits.map((row) =>
      digits.map((other) => dot(row, other) / Math.sqrt(dot(row, row) * dot(other, other)))
    ),
  };
}

function rowsOf(matrix: Float64Array): number[][] {
  return Array.from(
    { length: matrix.length / WIDTH },
    (_, row) => Array.from(matrix.subarray(WIDTH * row, WIDTH * (row + 1))),
  );
}

function dot(x: readonly number[], y: readonly number[]): number {
  return x.reduce((sum, value, i) => sum + value * y[i], 0);
}
