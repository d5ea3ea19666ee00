import { positionName, TOKEN_NAMES } from "./names.ts";
import type { SumInspection } from "./sum.ts";
import type { Survey } from "./survey.ts";

/** Marks a cell on a terminal; the identity if there is no terminal. */
export type Emphasis = (text: string, strength: number) => string;

/** A sum step by step: the attention, the token written, its probability and margin; at most 80 columns. */
export function sumText({ tokens, steps }: SumInspection, emphasis: Emphasis): string {
  const letters = tokens.map((token) => TOKEN_NAMES[token]).map((name) => name.length === 1 ? name : "?");
  const rows = steps.map(({ step, token, probability, margin, attention }) => {
    const cells = attention.map((share) => emphasis(tenths(share), share));
    const row = [...cells, ...new Array<string>(tokens.length - cells.length).fill(" ")];
    const written = `${TOKEN_NAMES[token].padStart(6)}  ${percent(probability).padStart(6)}`;
    return `${String(step).padStart(4)}  ${spaced(row)}  ${written}  ${margin.toFixed(2).padStart(7)}`;
  });
  const named = steps.map(({ step, attention }) => `${String(step).padStart(4)}  ${namedShares(attention, tokens)}`);
  return [
    "Attention of each step in tenths: · is less than 0.05, # is 0.95 or more",
    "",
    `step  ${"a".padEnd(11)}+ ${"b".padEnd(11)}= ${"sum".padEnd(11)}  writes  chance   margin`,
    `      ${spaced(letters)}`,
    ...rows,
    "",
    "step  looks at (a0 is the ones of a; s0 is the ones of the sum, written before)",
    ...named,
  ].join("\n");
}

/** The mean attention of each step, the embeddings, and how similar the digits are; at most 80 columns. */
export function surveyText({ sums, steps, tokenEmbedding, digitCosines }: Survey): string {
  const lines = steps.map(({ step, attention, smallestMargin }) => {
    const names = [`a${step}`, `b${step}`, `a${step - 1}`, `b${step - 1}`, `s${step - 1}`, "+", "="];
    const shares = names.map((name) => attention.find((_, position) => positionName(position) === name) ?? 0);
    const rest = 1 - shares.reduce((sum, share) => sum + share);
    const cells = [...shares, rest].map((share) => (100 * share).toFixed(1).padStart(7));
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
    "Token embeddings, which are also the output weights",
    "",
    ...table(tokenEmbedding, " "),
    "",
    "Cosine similarity of the digits' embeddings",
    "",
    `      ${digitCosines.map((_, digit) => String(digit).padStart(6)).join("")}`,
    ...table(digitCosines, ""),
  ].join("\n");
}

function tenths(share: number): string {
  return "·123456789#"[Math.round(10 * share)];
}

/** Joins 33 cells, with spaces that set off a, b and the sum. */
function spaced(cells: readonly string[]): string {
  return [cells.slice(0, 10), cells.slice(10, 11), cells.slice(11, 21), cells.slice(21, 22), cells.slice(22)]
    .map((part) => part.join("")).join(" ");
}

function namedShares(attention: readonly number[], tokens: readonly number[]): string {
  return attention.map((share, position) => ({ share, position }))
    .filter(({ share }) => share >= 0.02)
    .sort((x, y) => y.share - x.share)
    .slice(0, 5) // more do not fit into a line
    .map(({ share, position }) => {
      const name = positionName(position);
      return `${name.length === 1 ? name : `${name}=${TOKEN_NAMES[tokens[position]]}`} ${percent(share)}`.padEnd(13);
    })
    .join("").trimEnd();
}

/** A share in percent, printed as 100% only above 99.9995%. */
function percent(share: number): string {
  return share > 0.999995 ? "100%" : `${Math.min(99.9, 100 * share).toFixed(1)}%`;
}
