import { chartSvg, type Scale } from "../svg/chart.ts";
import { formatInteger } from "../common/format_value.ts";
import type { SweepLine } from "./line.ts";
import { mergeLines } from "./summary.ts";

/** What the x axis counts of each run. */
interface Measure {
  readonly title: string;
  readonly xLabel: string;
  readonly ticks: readonly number[];
  /** The share of the axis of a value. */
  shareOf(value: number): number;
  /** undefined: a run that does not get there. */
  valueOf(line: SweepLine): number | undefined;
}

/** No errors at the left end, then powers of ten. */
const ERRORS: Measure = {
  ...{ title: "Share of seeds with at most this many wrong sums in a million", xLabel: "wrong sums in a million" },
  ticks: [0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6],
  shareOf: (errors) => (errors < 1 ? errors / 2 : 1 + Math.log10(errors)) / 7,
  valueOf: ({ pairs, errors }) => pairs === 0 ? 0 : errors / pairs * 1e6,
};

/** From one second to a thousand, on a logarithmic axis. */
const SECONDS: Measure = {
  ...{ title: "Share of seeds that are trained and proved within this time", xLabel: "seconds" },
  ticks: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
  shareOf: (seconds) => Math.min(1, Math.max(0, Math.log10(seconds) / 3)),
  valueOf: ({ certified, seconds }) => certified ? seconds : undefined,
};

/** The path of the share of runs with at most x, of a sorted list and its runs in all. */
function staircase(shares: readonly number[], of: number, x: Scale, y: Scale): string {
  return `M${x(0)} ${y(0)}${shares.map((share, i) => `H${x(share)}V${y((i + 1) / of)}`).join("")}H${x(1)}`;
}

/** Draws the runs of any number of sweeps, a curve for each recipe and model: wrong sums, or the seconds where all runs end with a proof. */
export function toSvg(lines: readonly SweepLine[]): string {
  const { title, xLabel, ticks, shareOf, valueOf } = lines.every(({ certify }) => certify) ? SECONDS : ERRORS;
  const groups = [
    ...Map.groupBy(
      mergeLines(lines),
      ({ recipe, recipeHash, model, certify }) => JSON.stringify([recipe, model, recipeHash, certify]),
    ),
  ].sort(([a], [b]) => a < b ? -1 : 1);
  return chartSvg({
    ...{ title, xLabel },
    xTicks: ticks.map((tick) => [shareOf(tick), formatInteger(tick)]),
    yTicks: [0, 0.25, 0.5, 0.75, 1].map((share) => [share, `${100 * share}%`]),
    curves: groups.map(([, group]) => {
      const [{ recipe, model, certify }] = group;
      const shares = group.map(valueOf).filter((value) => value !== undefined).map(shareOf).sort((a, b) => a - b);
      return {
        path: (x, y) => staircase(shares, group.length, x, y),
        label: `${recipe}, ${model}${certify ? ", proved" : ""}: ${group.length} seeds`,
      };
    }),
  });
}
