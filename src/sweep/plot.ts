import { chartSvg } from "../svg/chart.ts";
import { formatInteger } from "../common/format_value.ts";
import type { SweepLine } from "./line.ts";
import { mergeLines } from "./summary.ts";

/** What the x axis counts: no errors at the left end, then powers of ten. */
const ERRORS = {
  ...{ title: "Share of seeds with at most this many wrong sums in a million", xLabel: "wrong sums in a million" },
  ticks: [0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6],
  shareOf: (errors: number) => (errors < 1 ? errors / 2 : 1 + Math.log10(errors)) / 7,
  valueOf: ({ pairs, errors }: SweepLine) => pairs === 0 ? 0 : errors / pairs * 1e6,
};

/** From one second to a thousand, on a logarithmic axis; a run without a proof does not get there. */
const SECONDS = {
  ...{ title: "Share of seeds that are trained and proved within this time", xLabel: "seconds" },
  ticks: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
  shareOf: (seconds: number) => Math.min(1, Math.max(0, Math.log10(seconds) / 3)),
  valueOf: ({ certified, seconds }: SweepLine) => certified ? seconds : undefined,
};

/** Draws the runs of any number of sweeps, a curve for each recipe and model: wrong sums, or the seconds where all runs end with a proof. */
export function toSvg(lines: readonly SweepLine[]): string {
  const { title, xLabel, ticks, shareOf, valueOf } = lines.every(({ certify }) => certify) ? SECONDS : ERRORS;
  const curveOf = ({ recipe, recipeHash, model, certify }: SweepLine) =>
    JSON.stringify([recipe, model, recipeHash, certify]);
  const groups = [...Map.groupBy(mergeLines(lines), curveOf)].sort(([a], [b]) => a < b ? -1 : 1);
  return chartSvg({
    ...{ title, xLabel },
    xTicks: ticks.map((tick) => [shareOf(tick), formatInteger(tick)]),
    yTicks: [0, 0.25, 0.5, 0.75, 1].map((share) => [share, `${100 * share}%`]),
    curves: groups.map(([, group]) => {
      const [{ recipe, model, certify }] = group;
      const values: (number | undefined)[] = group.map(valueOf);
      const shares = values.filter((value) => value !== undefined).map(shareOf).sort((a, b) => a - b);
      return {
        path: (x, y) => {
          const steps = shares.map((share, i) => `H${x(share)}V${y((i + 1) / group.length)}`);
          return `M${x(0)} ${y(0)}${steps.join("")}H${x(1)}`;
        },
        label: `${recipe}, ${model}${certify ? ", proved" : ""}: ${group.length} seeds`,
      };
    }),
  });
}
