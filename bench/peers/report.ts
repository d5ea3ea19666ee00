/**
 * What comes out of the comparison: one Markdown table, or the same as JSON.
 *
 * @module
 */
import { formatRate, type Machine, machineLine, median } from "../measure.ts";
import type { Reading, Rival } from "./rivals.ts";
import type { CheckResult } from "./same_loss.ts";

/** Rates measured one right after the other; examples or additions a second. */
export interface Bout {
  /** The rival's. */
  theirs: number;
  /** Ours. */
  exact: number;
  /** Ours; missing where the machine has no relaxed SIMD. */
  fast?: number;
}

/** One line of the table. */
export interface Row {
  /** Whose. */
  rival: Rival;
  /** Which of its rates. */
  reading: Reading;
  /** At least one for each round. */
  bouts: Bout[];
  /** Whether it computes what we compute; undefined where it could not be asked. */
  check?: CheckResult;
  /** Why there are no rates. */
  missing?: string;
}

/** A comparison. */
export interface Report {
  /** On what. */
  machine: Machine;
  /** Versions of what the rivals stand on. */
  versions: string[];
  /** Rounds asked for. */
  rounds: number;
  /** The lines. */
  rows: Row[];
}

/** Ratios ours / theirs: median, least and greatest of those within one bout, and that of the best rates of all bouts. */
function ratios(bouts: readonly Bout[], arithmetic: "exact" | "fast") {
  const known = bouts.flatMap(({ theirs, [arithmetic]: ours }) => ours === undefined ? [] : [{ theirs, ours }]);
  if (known.length === 0) return undefined;
  const values = known.map(({ theirs, ours }) => ours / theirs);
  return {
    median: median(values),
    min: Math.min(...values),
    max: Math.max(...values),
    ofBest: Math.max(...known.map(({ ours }) => ours)) / Math.max(...known.map(({ theirs }) => theirs)),
  };
}

function formatRatio(ratio: ReturnType<typeof ratios>): string {
  if (ratio === undefined) return "missing";
  const { median, min, max, ofBest } = ratio;
  const digits = (value: number) => value >= 100 ? value.toFixed(0) : value.toPrecision(value >= 1 ? 3 : 2);
  return `**${digits(median)}** (${digits(min)} – ${digits(max)}; ${digits(ofBest)})`;
}

function cells({ rival, reading, bouts, check, missing }: Row): string[] {
  const head = [`${reading.task}, ${reading.batch.toLocaleString("en-US")}`, rival.label];
  const loss = check?.text ?? "not checked";
  if (missing !== undefined) return [...head, `missing: ${missing.replaceAll("|", "\\|")}`, "", "", "", "", loss];
  const rate = (values: (number | undefined)[]) => {
    const known = values.filter((value) => value !== undefined);
    return known.length === 0 ? "missing" : formatRate(median(known));
  };
  return [
    ...head,
    rate(bouts.map(({ theirs }) => theirs)),
    rate(bouts.map(({ exact }) => exact)),
    formatRatio(ratios(bouts, "exact")),
    rate(bouts.map(({ fast }) => fast)),
    formatRatio(ratios(bouts, "fast")),
    loss,
  ];
}

const HEAD = [
  "task, batch",
  "rival",
  "theirs, 1/s",
  "exact, 1/s",
  "exact / theirs",
  "fast, 1/s",
  "fast / theirs",
  "loss",
];

/** The report as Markdown. */
export function toMarkdown({ machine, versions, rounds, rows }: Report): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const byWall = new Set(rows.filter(({ reading }) => reading.clock === "wall").map(({ rival }) => rival.label));
  const order = ["train", "decode"];
  const sorted = rows.toSorted((a, b) => order.indexOf(a.reading.task) - order.indexOf(b.reading.task));
  return [
    line(HEAD),
    line(HEAD.map(() => "---")),
    ...sorted.map((row) => line(cells(row))),
    "",
    "Examples trained on, or sums decoded greedily, a second; one thread each; by CPU time" +
    (byWall.size === 0 ? "." : `, but by elapsed time against ${[...byWall].join(", ")}, which gives no other.`),
    `Medians of ${
      rounds === 1 ? "one round" : `${rounds} rounds`
    }, in which a rival and we are run one right after the other. Ratios:`,
    "**median** of those within a round (least – greatest; ratio of the best rates of all rounds, the machine's quietest moments).",
    "",
    machineLine(machine),
    "",
    `Rivals: ${versions.join(", ")}`,
  ].join("\n");
}

/** The report as an object for JSON. */
export function toJson({ rows, ...rest }: Report): unknown {
  return {
    ...rest,
    rows: rows.map(({ rival, reading: { task, batch, clock, statistic }, bouts, check, missing }) => ({
      ...{ rival: rival.name, label: rival.label, task, batch, clock, statistic, bouts, missing },
      ratios: { exact: ratios(bouts, "exact"), fast: ratios(bouts, "fast") },
      loss: check ?? { same: null, text: "not checked" },
    })),
  };
}
