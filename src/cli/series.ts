/** The proof as a measure over training: what is proved of each checkpoint that a run kept. */
import { examine } from "../certify/certify.ts";
import type { CertifyOptions, CertifyResult } from "../certify/types.ts";
import { readCheckpointFileSync } from "../checkpoint/safetensors/checkpoint.ts";
import { keptSteps } from "../checkpoint/safetensors/store.ts";
import { parseJson } from "../common/text.ts";
import { look } from "../inspection/look.ts";
import { marginOf } from "../inspection/sum.ts";
import { QUERIES, targetTokens } from "../model/vocabulary.ts";
import { type HeatMap, heatMapsSvg } from "../svg/heat_map.ts";
import { nameOf, readText } from "./files.ts";
import { UsageError } from "./flags.ts";

const QUERY_NUMBERS = [...Array(QUERIES).keys()];

/** What is proved of one checkpoint. */
export interface SeriesLine {
  readonly step: number;
  readonly verdict: CertifyResult["verdict"];
  /** The number of the answer's twelve steps that are proved right for all inputs. */
  readonly proved: number;
  /** Which these are: 0 to 10 are the digits, ones first, and 11 the end. */
  readonly provedSteps: readonly number[];
  /** The smallest margin that was met, in logits: negative where a sum is wrong. */
  readonly worstMargin: number;
  /** The same for each step of the answer. */
  readonly margins: readonly number[];
  readonly counterexample: CertifyResult["counterexample"];
  readonly seconds: number;
}

/** Examines every checkpoint of a folder, in the order of their steps. @throws {UsageError} If it holds none */
export async function* certifySeries(
  folder: string,
  options: Pick<CertifyOptions, "seconds" | "cuts" | "threads" | "signal">,
): AsyncGenerator<SeriesLine, void> {
  const kept = await keptSteps(folder);
  if (kept.length === 0) {
    throw new UsageError(
      `Cannot certify the series ${nameOf(folder)} as it must hold files such as 512.safetensors: it holds none`,
    );
  }
  for (const { step, path } of kept) {
    const checkpoint = readCheckpointFileSync(path);
    const { result, narrow } = await examine(checkpoint, { ...options, exhaustive: true });
    const { logits } = look(checkpoint, narrow, { only: ["logits"] });
    const margins = QUERY_NUMBERS.map((query) =>
      Math.min(...narrow.map(({ a, b }, i) => marginOf(logits.row(i, query), targetTokens(a, b)[query])))
    );
    const { verdict, counterexample, seconds } = result;
    const provedSteps = result.steps.map(({ step }) => step);
    const worstMargin = Math.min(...margins);
    yield { step, verdict, proved: provedSteps.length, provedSteps, worstMargin, margins, counterexample, seconds };
  }
}

/** Reads the lines of one or more series. @throws {UsageError} If a line is not one of a series */
export async function readSeries(path: string): Promise<SeriesLine[]> {
  const lines = (await readText(path, "a series")).split("\n").filter((line) => line.trim() !== "");
  return lines.map((text, i) => {
    const fail = (reason: string) =>
      new UsageError(`Cannot read ${nameOf(path)} as line ${i + 1} must be that of a series: ${reason}`);
    const line = parseJson(text, fail);
    const isSeries = Number.isSafeInteger(line?.step) && Array.isArray(line.provedSteps) && Array.isArray(line.margins);
    if (isSeries) return line;
    throw fail("step, provedSteps or margins is missing");
  });
}

export function seriesSvg(lines: readonly SeriesLine[]): string {
  return heatMapsSvg("What is proved by step of training", seriesMaps(lines));
}

/** What is proved by step of training, as tables to draw; of several runs the share that is proved, and the mean of the margins. */
export function seriesMaps(lines: readonly SeriesLine[], name = ""): HeatMap[] {
  const columns = [...Map.groupBy(lines, ({ step }) => step)].sort(([x], [y]) => x - y);
  const most = Math.max(...columns.map(([, runs]) => runs.length));
  const map = (title: string, full: number, valueOf: (run: SeriesLine, query: number) => number): HeatMap => ({
    ...{ title: `${name}${title}`, full },
    rows: QUERY_NUMBERS.map((query) =>
      columns.map(([, runs]) => runs.reduce((sum, run) => sum + valueOf(run, query), 0) / runs.length)
    ),
    rowLabels: QUERY_NUMBERS.map((query) => query === QUERIES - 1 ? "end" : `digit ${query}`),
    columnLabels: columns.map(([step]) => shortNumber(step)),
  });
  const proved = most === 1 ? "proved right for all inputs" : `share of ${most} runs with a proof for all inputs`;
  return [
    map(proved, 1, ({ provedSteps }, query) => Number(provedSteps.includes(query))),
    map("smallest margin met, full at 10: blue right, orange wrong", 10, ({ margins }, query) => margins[query]),
  ];
}

/** At most three or four characters: 512, 8k, .1M. */
function shortNumber(value: number): string {
  if (value < 1000) return String(value);
  return value < 100_000 ? `${value / 1000}k` : `${value / 1e6}M`.replace(/^0/, "");
}
