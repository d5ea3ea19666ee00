import { type HeatMap, heatMapsSvg } from "../svg/heat_map.ts";
import { positionName, type SumInspection, TOKEN_NAMES } from "./sum.ts";
import type { Survey } from "./survey.ts";

/** The attention of each step of a sum, with the token that it writes. */
export function sumSvg({ a, b, sum, tokens, steps }: SumInspection): string {
  return heatMapsSvg(`${a} + ${b} = ${sum ?? "no number"}, ones first`, [{
    title: "Attention of each step by position; on the right its token, with probability p and margin",
    rows: steps.map(({ attention }) => attention),
    rowLabels: steps.map(({ step }) => `step ${step}`),
    columnLabels: tokens.map((token) => TOKEN_NAMES[token]),
    remarks: steps.map(({ token, probability, margin }) =>
      `${TOKEN_NAMES[token]}   p = ${probability.toFixed(4)}, margin ${margin.toFixed(2)}`
    ),
    full: 1,
  }]);
}

/** The mean attention of each step by position, and the embeddings of tokens and positions, as tables to draw. */
export function surveyMaps(
  { sums, steps, tokenEmbedding, positionEmbedding }: Survey,
): Record<"attention" | "tokens" | "positions", HeatMap> {
  const features = tokenEmbedding[0].map((_, i) => String(i));
  const positions = steps[steps.length - 1].attention.map((_, position) => positionName(position));
  const [fullToken, fullPosition] = [tokenEmbedding, positionEmbedding].map((rows) =>
    Math.max(...rows.flat().map(Math.abs))
  );
  return {
    attention: {
      title: `Attention of each step by position, mean of ${sums} sums; on the right its smallest margin`,
      rows: steps.map(({ attention }) => attention),
      rowLabels: steps.map(({ step }) => `step ${step}`),
      columnLabels: positions,
      remarks: steps.map(({ smallestMargin }) => smallestMargin.toFixed(2)),
      full: 1,
    },
    tokens: {
      title: `Token embeddings, which are also the output weights: blue is above 0, orange below, up to ${
        fullToken.toFixed(2)
      }`,
      rows: tokenEmbedding,
      rowLabels: TOKEN_NAMES,
      columnLabels: features,
      full: fullToken,
    },
    positions: {
      title: `Position embeddings, up to ${fullPosition.toFixed(2)}; the last two positions are never read`,
      rows: features.map((_, feature) => positionEmbedding.map((row) => row[feature])),
      rowLabels: features,
      columnLabels: positionEmbedding.map((_, position) => positions[position] ?? "–"),
      full: fullPosition,
    },
  };
}

/** Draws the tables of a survey into an SVG file. */
export function surveySvg(survey: Survey): string {
  return heatMapsSvg(`A model of ${survey.model} parameters`, Object.values(surveyMaps(survey)));
}
