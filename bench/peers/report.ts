/**
 * What comes out of the comparison: one Markdown table, or the same as JSON.
 *
 * @module
 */
import { formatRate, type Machine, machineLine, median } from "../measure.ts";
import type { Reading, Rival } from "./rivals.ts";
import type { CheckResult } from "./same_loss.ts";

/** Rates of one round, measured one right after the other; examples or additions a second. */
export interface Round {
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
  /** One entry for each round. */
  rounds: Round[];
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

/** Median, least and greatest of the ratios ours / theirs, each of one round. */
function ratios(rounds: readonly Round[], arithmetic: "exact" | "fast") {
  const values = rounds.flatMap((round) => round[arithmetic] === undefined ? [] : [round[arithmetic] / round.theirs]);
  return values.length === 0
    ? undefined
    : { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

function formatRatio(ratio: ReturnType<typeof ratios>): string {
  if (ratio === undefined) return "missing";
  const digits = (value: number) => value >= 100 ? value.toFixed(0) : value.toPrecision(value >= 1 ? 3 : 2);
  const middle = `**${digits(ratio.median)}**`;
  return ratio.min === ratio.max ? middle : `${middle} (${digits(ratio.min)} – ${digits(ratio.max)})`;
}

function cells({ rival, reading, rounds, check, missing }: Row): string[] {
  const head = [`${reading.task}, ${reading.batch.toLocaleString("en-US")}`, rival.label];
  const loss = check?.text ?? "not checked";
  if (missing !== undefined) return [...head, `missing: ${missing.replaceAll("|", "\\|")}`, "", "", "", "", loss];
  const rate = (values: (number | undefined)[]) => {
    const known = values.filter((value) => value !== undefined);
    return known.length === 0 ? "missing" : formatRate(median(known));
  };
  return [
    ...head,
    rate(rounds.map(({ theirs }) => theirs)),
    rate(rounds.map(({ exact }) => exact)),
    formatRatio(ratios(rounds, "exact")),
    rate(rounds.map(({ fast }) => fast)),
    formatRatio(ratios(rounds, "fast")),
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
    }, in which a rival and we are run one right after the other;`,
    "each ratio is of one round: median (least – greatest).",
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
    rows: rows.map(({ rival, reading: { task, batch, clock, statistic }, rounds, check, missing }) => ({
      ...{ rival: rival.name, label: rival.label, task, batch, clock, statistic, rounds, missing },
      ratios: { exact: ratios(rounds, "exact"), fast: ratios(rounds, "fast") },
      loss: check ?? { same: null, text: "not checked" },
    })),
  };
}
