import { checkpointFrom, type CheckpointSource } from "../checkpoint/safetensors/checkpoint.ts";
import { dot, rowOf } from "../engine/reference/linear.ts";
import { drawOperands } from "../model/sampler.ts";
import { type ModelName, parameterCount, variantOf } from "../model/variant.ts";
import { FIRST_QUERY, QUERIES, targetTokens } from "../model/vocabulary.ts";
import { type HeatMap, heatMapsSvg } from "../svg/heat_map.ts";
import { withDrawing } from "./display.ts";
import { digitEmbeddings } from "./embeddings.ts";
import { look } from "./look.ts";
import { POSITION_NAMES, TOKEN_NAMES } from "./names.ts";
import { referenceModel } from "./reference_model.ts";
import { marginOf } from "./sum.ts";

/** A step of decoding, over many sums and with the correct digits before it. */
export interface StepSurvey {
  /** Step i writes digit i of the sum, ones first; step 11 writes the end. */
  readonly step: number;
  /** The mean share of attention that each position gets, from position 0 to the step's own. */
  readonly attention: readonly number[];
  /** The smallest margin: the logit of the correct token minus the best other; negative if a token was wrong. */
  readonly smallestMargin: number;
}

/** The embeddings of a model, and the mean attention of its steps. */
export interface Survey {
  /** The variant of the model. */
  readonly model: ModelName;
  /** The number of random sums. */
  readonly sums: number;
  /** The twelve steps. */
  readonly steps: readonly StepSurvey[];
  /** [14][W]; they are the output weights as well. */
  readonly tokenEmbedding: readonly (readonly number[])[];
  /** [35][W]. */
  readonly positionEmbedding: readonly (readonly number[])[];
  /** Cosine similarities of the digits' embeddings, [10][10]. */
  readonly digitCosines: readonly (readonly number[])[];
}

const TOKEN_EMBEDDINGS = "Token embeddings, which are also the output weights";
/** The number of sums between two pauses: a few milliseconds. */
const SUMS_AT_ONCE = 6;

/**
 * Surveys a model with the reference engine, in float64, on random sums of 10-digit numbers. A notebook draws the result.
 *
 * @example Usage
 * ```ts
 * import { shippedCheckpoint } from "@x/tiny-adder";
 * import { surveyModel } from "@x/tiny-adder/inspect";
 *
 * const { steps, digitCosines } = await surveyModel(shippedCheckpoint(), 20);
 * console.log(steps[5].attention, digitCosines[0]);
 * ```
 *
 * @param pause Awaited now and then, so that a page can respond
 */
export async function surveyModel(
  checkpoint: CheckpointSource,
  sums: number,
  pause?: () => Promise<void>,
): Promise<Survey> {
  const source = checkpointFrom(checkpoint, "survey a model");
  const steps = Array.from({ length: QUERIES }, (_, step) => (
    { step, attention: new Array<number>(FIRST_QUERY + 1 + step).fill(0), smallestMargin: Infinity }
  ));

  const operands = drawOperands({ seed: 1, stream: "evaluation", count: sums });
  for (let first = 0; first < sums; first += SUMS_AT_ONCE) {
    if (first > 0) await pause?.();
    const some = operands.subarray(2 * first, 2 * (first + SUMS_AT_ONCE));
    const { pattern, logits } = look(source, some, { only: ["pattern", "logits"] });
    for (let i = 0; i < some.length / 2; i++) {
      targetTokens(some[2 * i], some[2 * i + 1]).forEach((target, step) => {
        const { attention, smallestMargin } = steps[step];
        const weights = pattern.row(i, step);
        attention.forEach((mean, position) => attention[position] = mean + weights[position] / sums);
        steps[step].smallestMargin = Math.min(smallestMargin, marginOf(logits.row(i, step), target));
      });
    }
  }

  const { tensors: { tokenEmbedding, positionEmbedding }, variant: { width } } = referenceModel(source);
  const digits = digitEmbeddings(source);
  const rowsOf = (matrix: Float64Array) =>
    Array.from({ length: matrix.length / width }, (_, row) => Array.from(rowOf(matrix, row, width)));
  const survey: Survey = {
    ...{ model: source.model, sums, steps },
    tokenEmbedding: rowsOf(tokenEmbedding),
    positionEmbedding: rowsOf(positionEmbedding),
    digitCosines: digits.map((x) => digits.map((y) => dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y)))),
  };
  return withDrawing(survey, () => surveySvg(survey));
}

/** The mean attention of each step by position, and the embeddings of tokens and positions, as tables to draw. */
export function surveyMaps({ sums, steps, tokenEmbedding, positionEmbedding }: Survey) {
  const features = tokenEmbedding[0].map((_, i) => String(i));
  const largest = (rows: readonly (readonly number[])[]) => Math.max(...rows.flat().map(Math.abs));
  const [fullToken, fullPosition] = [largest(tokenEmbedding), largest(positionEmbedding)];
  return {
    attention: {
      title: `Attention of each step by position, mean of ${sums} sums; on the right its smallest margin`,
      rows: steps.map(({ attention }) => attention),
      rowLabels: steps.map(({ step }) => `step ${step}`),
      columnLabels: POSITION_NAMES,
      remarks: steps.map(({ smallestMargin }) => smallestMargin.toFixed(2)),
      full: 1,
    },
    tokens: {
      title: `${TOKEN_EMBEDDINGS}: blue is above 0, orange below, up to ${fullToken.toFixed(2)}`,
      rows: tokenEmbedding,
      rowLabels: TOKEN_NAMES,
      columnLabels: features,
      full: fullToken,
    },
    positions: {
      title: `Position embeddings, up to ${fullPosition.toFixed(2)}; the last two positions are never read`,
      rows: features.map((_, feature) => positionEmbedding.map((row) => row[feature])),
      rowLabels: features,
      columnLabels: positionEmbedding.map((_, position) => POSITION_NAMES[position] ?? "–"),
      full: fullPosition,
    },
  } satisfies Record<string, HeatMap>;
}

/**
 * Draws the tables of a survey as the text of an SVG file.
 *
 * @example Usage
 * ```ts
 * import { shippedCheckpoint } from "@x/tiny-adder";
 * import { surveyModel, surveySvg } from "@x/tiny-adder/inspect";
 *
 * console.log(surveySvg(await surveyModel(shippedCheckpoint(), 5)).length);
 * ```
 */
export function surveySvg(survey: Survey): string {
  const parameters = parameterCount(variantOf(survey.model));
  return heatMapsSvg(`A model of ${parameters} parameters`, Object.values(surveyMaps(survey)));
}

/** The mean attention of each step, the embeddings, and how similar the digits are; at most 80 columns. */
export function surveyText({ sums, steps, tokenEmbedding, digitCosines }: Survey): string {
  const lines = steps.map(({ step, attention, smallestMargin }) => {
    const names = [`a${step}`, `b${step}`, `a${step - 1}`, `b${step - 1}`, `s${step - 1}`, "+", "="];
    const shares = names.map((name) => attention[POSITION_NAMES.indexOf(name)] ?? 0);
    shares.push(1 - shares.reduce((sum, share) => sum + share));
    const cells = shares.map((share) => (100 * share).toFixed(1).padStart(7));
    return `${String(step).padStart(4)}${cells.join("")}  ${smallestMargin.toFixed(2).padStart(7)}`;
  });
  const fixed = (row: readonly number[]) => row.map((value) => value.toFixed(2).padStart(6));
  const table = (rows: readonly (readonly number[])[], gap: string) =>
    rows.map((row, token) => `${TOKEN_NAMES[token].padStart(4)}  ${fixed(row).join(gap)}`);
  return [
    `Attention of step i in percent, mean of ${sums} random sums`,
    "",
    "step     ai     bi   ai-1   bi-1   si-1      +      =   rest  smallest margin",
    ...lines,
    "",
    TOKEN_EMBEDDINGS,
    "",
    ...table(tokenEmbedding, " "),
    "",
    "Cosine similarity of the digits' embeddings",
    "",
    `      ${digitCosines.map((_, digit) => String(digit).padStart(6)).join("")}`,
    ...table(digitCosines, ""),
  ].join("\n");
}
