/**
 * Inspections as SVG.
 *
 * @module
 */
import { heatMapsSvg } from "./heat_map.ts";
import { positionName, type SumInspection, tokenName } from "./sum.ts";
import type { Survey } from "./survey.ts";

/** The attention of each step of a sum, with what it writes. */
export function sumSvg({ a, b, sum, tokens, steps }: SumInspection): string {
  return heatMapsSvg(`${a} + ${b} = ${sum ?? "no number"}, ones first`, [{
    title: "Share of each step's attention by position; what it writes, with which probability and margin",
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
    title: `Share of each step's attention by position, mean of ${sums} sums; smallest margin`,
    rows: steps.map(({ attention }) => attention),
    rowLabels: steps.map(({ step }) => `step ${step}`),
    columnLabels: positions,
    remarks: steps.map(({ smallestMargin }) => smallestMargin.toFixed(2)),
    full: 1,
  }, {
    title: `Token embeddings, which are also the output weights: blue above 0, orange below, up to ${
      largest(tokenEmbedding).toFixed(2)
    }`,
    rows: tokenEmbedding,
    rowLabels: tokenEmbedding.map((_, token) => tokenName(token)),
    columnLabels: features,
    full: largest(tokenEmbedding),
  }, {
    title: `Position embeddings, up to ${largest(positionEmbedding).toFixed(2)}; the last two are never read`,
    rows: transposed,
    rowLabels: features,
    columnLabels: positionEmbedding.map((_, position) => position < positions.length ? positions[position] : "–"),
    full: largest(positionEmbedding),
  }]);
}
