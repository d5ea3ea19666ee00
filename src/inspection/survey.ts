import type { Checkpoint } from "../checkpoint/safetensors/checkpoint.ts";
import { linear } from "../engine/reference/linear.ts";
import { drawOperands } from "../model/sampler.ts";
import type { ModelName } from "../model/variant.ts";
import { FIRST_QUERY, QUERIES, targetTokens } from "../model/vocabulary.ts";
import { marginOf, referenceModel, traceSum } from "./sum.ts";

/** A step of decoding, over many sums and with the correct digits before it. */
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
/** The number of sums between two pauses: a few milliseconds. */
const SUMS_AT_ONCE = 6;

/**
 * Surveys a model with the reference engine, in float64, on random sums of 10-digit numbers.
 *
 * @param pause Awaited now and then, so that a page can respond
 */
export async function surveyModel(
  checkpoint: Pick<Checkpoint, "model" | "parameters">,
  sums: number,
  pause?: () => Promise<void>,
): Promise<Survey> {
  const reference = referenceModel(checkpoint);
  const attention = Array.from({ length: QUERIES }, (_, step) => new Float64Array(FIRST_QUERY + 1 + step));
  const smallestMargins = new Array<number>(QUERIES).fill(Infinity);

  const operands = drawOperands({ seed: SEED, stream: "evaluation", count: sums });
  for (let i = 0; i < sums; i++) {
    if (i > 0 && i % SUMS_AT_ONCE === 0) await pause?.();
    const [a, b] = operands.subarray(2 * i);
    const targets = targetTokens(a, b);
    traceSum(reference, a, b, targets).queries.forEach(({ attended, logits }, step) => {
      attended.weights.forEach((weight, position) => attention[step][position] += weight / sums);
      smallestMargins[step] = Math.min(smallestMargins[step], marginOf(logits, targets[step]));
    });
  }

  const { tensors: { tokenEmbedding, positionEmbedding }, variant: { width } } = reference;
  const digits = tokenEmbedding.subarray(0, 10 * width);
  const products = rowsOf(digits, width).map((row) => linear(Float64Array.from(row), digits));
  return {
    model: checkpoint.model,
    sums,
    steps: attention.map((shares, step) => (
      { step, attention: Array.from(shares), smallestMargin: smallestMargins[step] }
    )),
    tokenEmbedding: rowsOf(tokenEmbedding, width),
    positionEmbedding: rowsOf(positionEmbedding, width),
    digitCosines: products.map((row, i) => Array.from(row, (value, j) => value / Math.sqrt(row[i] * products[j][j]))),
  };
}

function rowsOf(matrix: Float64Array, width: number): number[][] {
  const rows = matrix.length / width;
  return Array.from({ length: rows }, (_, row) => Array.from(matrix.subarray(width * row, width * (row + 1))));
}
