import type { ModelName } from "../model/variant.ts";
import { formatInteger } from "../common/format_integer.ts";
import { SweepFileError } from "./error.ts";
import { keyOf, type SweepLine, withoutTimes } from "./line.ts";

/** A share of the seeds with its 95% confidence interval. */
export interface Share {
  count: number;
  /** The number of all seeds. */
  of: number;
  /** The lower end of the Wilson interval. */
  low: number;
  /** The upper end. */
  high: number;
}

/** The runs of one recipe and model, summarized. */
export interface SweepSummary {
  recipe: string;
  recipeHash: string;
  model: ModelName;
  arithmetic: string;
  backend: string;
  /** The GPU, or null. */
  adapter: string | null;
  seeds: number;
  /** The number of uniform pairs that each model was tested on. */
  pairs: number;
  /** The number of hard pairs. */
  hard: number;
  /** Seeds with at least 99% of the uniform pairs right. */
  atLeast99: Share;
  /** Likewise 99.9%. */
  atLeast999: Share;
  /** Likewise 99.99%. */
  atLeast9999: Share;
  /** Seeds with no uniform pair wrong. */
  noError: Share;
  /** Seeds with neither a uniform nor a hard pair wrong. */
  noErrorNorHard: Share;
  /** Seeds whose weights were proved right on all inputs; null if no proof was requested. */
  certified: Share | null;
  /** Seeds that were hardened. */
  hardened: number;
  /** Seeds that needed more than one attempt. */
  restarted: number;
  meanExamples: number;
  medianExamples: number;
  maxExamples: number;
  medianSeconds: number;
}

const Z = 1.959963984540054; // 95%

/**
 * The Wilson score interval of a share: Wilson 1927, Journal of the American Statistical Association 22, 209-212.
 *
 * @param count Successes
 * @param of Trials, at least 1
 */
export function wilson(count: number, of: number): Share {
  const share = count / of;
  const middle = (share + Z ** 2 / (2 * of)) / (1 + Z ** 2 / of);
  const half = Z / (1 + Z ** 2 / of) * Math.sqrt(share * (1 - share) / of + Z ** 2 / (4 * of ** 2));
  return { count, of, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/**
 * Drops duplicate lines: the same run in two files.
 *
 * @throws {SweepFileError} If two lines of one run differ
 */
export function mergeLines(lines: readonly SweepLine[]): SweepLine[] {
  const merged = new Map<string, SweepLine>();
  for (const line of lines) {
    const key = keyOf(line);
    const first = merged.get(key);
    if (first === undefined) merged.set(key, line);
    else if (JSON.stringify(withoutTimes(first)) !== JSON.stringify(withoutTimes(line))) {
      throw new SweepFileError(
        `Cannot summarize as a run must have one result: seed ${line.seed} of recipe ${line.recipe}, ${line.model} parameters, has two`,
      );
    }
  }
  return [...merged.values()];
}

/** One summary for each recipe, model, arithmetic, backend and test, in alphabetical order, whatever the order of the lines. */
export function summarize(lines: readonly SweepLine[]): SweepSummary[] {
  const groups = Map.groupBy(
    mergeLines(lines),
    ({ recipe, recipeHash, model, arithmetic, backend, adapter = "", pairs, hard, certify }) =>
      JSON.stringify([recipe, model, arithmetic, backend, adapter, recipeHash, pairs, hard, certify]),
  );
  return [...groups].sort(([a], [b]) => a < b ? -1 : 1).map(([, group]) => summarizeGroup(group));
}

function summarizeGroup(group: readonly SweepLine[]): SweepSummary {
  const [{ recipe, recipeHash, model, arithmetic, backend, adapter = null, pairs, hard, certify }] = group;
  const share = (holds: (line: SweepLine) => boolean) => wilson(group.filter(holds).length, group.length);
  const atLeast = (part: number) => share(({ errors }) => errors <= (1 - part) * pairs + 1e-9);
  const examples = group.map((line) => line.examples);
  return {
    ...{ recipe, recipeHash, model, arithmetic, backend, adapter, seeds: group.length, pairs, hard },
    atLeast99: atLeast(0.99),
    atLeast999: atLeast(0.999),
    atLeast9999: atLeast(0.9999),
    noError: share(({ errors }) => errors === 0),
    noErrorNorHard: share(({ errors, hardErrors }) => errors + hardErrors === 0),
    certified: certify ? share(({ certified }) => certified === true) : null,
    hardened: group.filter(({ hardeningRounds }) => (hardeningRounds ?? 0) > 0).length,
    restarted: group.filter(({ attempts }) => attempts > 1).length,
    meanExamples: examples.reduce((sum, one) => sum + one, 0) / group.length,
    medianExamples: median(examples),
    maxExamples: Math.max(...examples),
    medianSeconds: median(group.map(({ seconds }) => seconds)),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The GPU, or the arithmetic if it is not `exact`. */
function machinery({ arithmetic, adapter }: SweepSummary): string[] {
  if (adapter !== null) return [adapter];
  return arithmetic === "exact" ? [] : [arithmetic];
}

/** A table in Markdown. */
export function toMarkdown(summaries: readonly SweepSummary[]): string {
  const row = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  const millions = (examples: number) => `${(examples / 1e6).toFixed(2)}M`;
  const share = ({ count, low, high }: Share) => `${count} (${(100 * low).toFixed(0)}-${(100 * high).toFixed(0)}%)`;
  const head = [
    "recipe",
    "model",
    "seeds",
    ">= 99%",
    ">= 99.9%",
    ">= 99.99%",
    "no error",
    "nor in hard pairs",
    "proved right",
  ];
  return [
    row([...head, "restarted", "examples, median", "mean", "max", "seconds, median"]),
    row(new Array(14).fill("---")),
    ...summaries.map((one) =>
      row([
        ...[[one.recipe, ...machinery(one)].join(", "), one.model, one.seeds],
        ...[one.atLeast99, one.atLeast999, one.atLeast9999, one.noError, one.noErrorNorHard].map(share),
        one.certified === null
          ? "not tried"
          : share(one.certified) + (one.hardened > 0 ? `, ${one.hardened} hardened` : ""),
        ...[one.restarted, millions(one.medianExamples), millions(one.meanExamples), millions(one.maxExamples)],
        one.medianSeconds.toFixed(1),
      ])
    ),
    "",
    `Each model is tested on ${
      [
        ...new Set(
          summaries.map(({ pairs, hard }) => `${formatInteger(pairs)} random and ${formatInteger(hard)} hard pairs`),
        ),
      ]
        .join("; or ")
    }. Hard pairs have long carries or extreme operands. In brackets: the 95% Wilson interval of the share of seeds.`,
  ].join("\n");
}
