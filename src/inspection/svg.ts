import { heatMapsSvg } from "./heat_map.ts";
import { positionName, type SumInspection, tokenName } from "./sum.ts";
import type { Survey } from "./survey.ts";

/** The attention of each step of a sum, with the token that it writes. */
export function sumSvg({ a, b, sum, tokens, steps }: SumInspection): string {
  return heatMapsSvg(`${a} + ${b} = ${sum ?? "no number"}, ones first`, [{
    title: "Attention of each step by position; on the right its token, with probability p and margin",
    rows: steps.map(({ attention }) => attention),
    rowLabels: steps.map(({ step }) => `step ${step}`),
    columnLabels: tokens.map(tokenName),
    remarks: steps.map(({ token, probability, margin }) =>
      `${tokenName(token)}   p = ${probability.toFixed(4)}, margin ${margin.toFixed(2)}`
    ),
    full: 1,
  }]);
}

/** The mean attention of each step, and the embeddings of tokens and positions. */
export function surveySvg({ model, sums, steps, tokenEmbedding, positionEmbedding }: Survey): string {
  const features = tokenEmbedding[0].map((_, i) => String(i));
  const positions = steps[steps.length - 1].attention.map((_, position) => positionName(position));
  const largest = (rows: readonly (readonly number[])[]) => Math.max(...rows.flat().map(Math.abs));
  const transposed = positionEmbedding[0].map((_, feature) => positionEmbedding.map((row) => row[feature]));
  return heatMapsSvg(`A model of ${model} parameters`, [{
    title: `Attention of each step by position, mean of ${sums} sums; on the right its smallest margin`,
    rows: steps.map(({ attention }) => attention),
    rowLabels: steps.map(({ step }) => `step ${step}`),
    columnLabels: positions,
    remarks: steps.map(({ smallestMargin }) => smallestMargin.toFixed(2)),
    full: 1,
  }, {
    title: `Token embeddings, which are also the output weights: blue is above 0, orange below, up to ${
      largest(tokenEmbedding).toFixed(2)
    }`,
    rows: tokenEmbedding,
    rowLabels: tokenEmbedding.map((_, token) => tokenName(token)),
    columnLabels: features,
    full: largest(tokenEmbedding),
  }, {
    title: `Position embeddings, up to ${largest(positionEmbedding).toFixed(2)}; the last two positions are never read`,
    rows: transposed,
    rowLabels: features,
    columnLabels: positionEmbedding.map((_, position) => position < positions.length ? positions[position] : "–"),
    full: largest(positionEmbedding),
  }]);
}
