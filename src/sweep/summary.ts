import { formatInteger } from "../common/format_value.ts";
import { keyOf, SweepFileError, type SweepLine } from "./line.ts";

/** The runs of one recipe and model, summarized. A share is one of the seeds. */
export type SweepSummary = ReturnType<typeof summarizeGroup>;

const Z = 1.959963984540054; // 95%

/** The Wilson score interval of `count` in `of`: Wilson 1927, Journal of the American Statistical Association 22, 209-212. */
export function wilson(count: number, of: number) {
  const share = count / of;
  const middle = (share + Z ** 2 / (2 * of)) / (1 + Z ** 2 / of);
  const half = Z / (1 + Z ** 2 / of) * Math.sqrt(share * (1 - share) / of + Z ** 2 / (4 * of ** 2));
  return { count, of, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

/** Drops duplicate lines: the same run in two files. @throws {SweepFileError} If two lines of one run differ in more than the times */
export function mergeLines(lines: readonly SweepLine[]): SweepLine[] {
  const result = (line: SweepLine) => JSON.stringify({ ...line, trainSeconds: 0, seconds: 0 });
  const merged = new Map<string, SweepLine>();
  for (const line of lines) {
    const key = keyOf(line);
    const first = merged.get(key);
    if (first === undefined) merged.set(key, line);
    else if (result(first) !== result(line)) {
      throw new SweepFileError(
        `Cannot summarize as a run must have one result: seed ${line.seed} of recipe ${line.recipe}, model ${line.model}, has two`,
      );
    }
  }
  return [...merged.values()];
}

/** One summary for each recipe, model, arithmetic, backend and test, in alphabetical order, whatever the order of the lines. */
export function summarize(lines: readonly SweepLine[]): SweepSummary[] {
  const groups = Map.groupBy(mergeLines(lines), (line) => keyOf({ ...line, seed: 0 }));
  return [...groups].sort(([a], [b]) => a < b ? -1 : 1).map(([, group]) => summarizeGroup(group));
}

function summarizeGroup(group: readonly SweepLine[]) {
  const [{ recipe, recipeHash, model, arithmetic, backend, adapter = null, pairs, hard, certify }] = group;
  const share = (holds: (line: SweepLine) => boolean) => wilson(group.filter(holds).length, group.length);
  const atLeast = (part: number) => share(({ errors }) => errors <= (1 - part) * pairs + 1e-9);
  const examples = group.map((line) => line.examples);
  return {
    ...{ recipe, recipeHash, model, arithmetic, backend, adapter, seeds: group.length, pairs, hard },
    // of the uniform pairs at least this share is right
    atLeast99: atLeast(0.99),
    atLeast999: atLeast(0.999),
    atLeast9999: atLeast(0.9999),
    noError: share(({ errors }) => errors === 0),
    noErrorNorHard: share(({ errors, hardErrors }) => errors + hardErrors === 0),
    /** Proved right on all inputs; null if no proof was requested. */
    certified: certify ? share(({ certified }) => certified === true) : null,
    // seeds that were hardened, and those that needed more than one attempt
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

const HEAD = [
  ...["recipe", "model", "seeds", ">= 99%", ">= 99.9%", ">= 99.99%", "no error", "nor in hard pairs", "proved right"],
  ...["restarted", "examples, median", "mean", "max", "seconds, median"],
];

export const millions = (examples: number): string => `${(examples / 1e6).toFixed(2)}M`;
export const shareText = ({ count, low, high }: ReturnType<typeof wilson>): string =>
  `${count} (${(100 * low).toFixed(0)}-${(100 * high).toFixed(0)}%)`;

function cellsOf(one: SweepSummary): (string | number)[] {
  const { adapter, arithmetic, certified, hardened } = one;
  const machinery = adapter ?? (arithmetic === "exact" ? [] : arithmetic);
  const proved = certified && shareText(certified) + (hardened > 0 ? `, ${hardened} hardened` : "");
  return [
    ...[[one.recipe, machinery].flat().join(", "), one.model, one.seeds],
    ...[one.atLeast99, one.atLeast999, one.atLeast9999, one.noError, one.noErrorNorHard].map(shareText),
    ...[proved ?? "not tried", one.restarted],
    ...[one.medianExamples, one.meanExamples, one.maxExamples].map(millions),
    one.medianSeconds.toFixed(1),
  ];
}

export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** The summaries as a table in Markdown, and what it counts. */
export function toMarkdown(summaries: readonly SweepSummary[]): string {
  const tests = summaries.map(({ pairs, hard }) =>
    `${formatInteger(pairs)} random and ${formatInteger(hard)} hard pairs`
  );
  return [
    table(HEAD, summaries.map(cellsOf)),
    "",
    `Each model is tested on ${[...new Set(tests)].join("; or ")}. Hard pairs have long carries or extreme operands. ` +
    "In brackets: the 95% Wilson interval of the share of seeds.",
  ].join("\n");
}
