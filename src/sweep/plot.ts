import { chartSvg, type Scale } from "../svg/chart.ts";
import { formatInteger } from "../common/format_value.ts";
import type { SweepLine } from "./line.ts";
import { mergeLines } from "./summary.ts";

/** Errors in a million: none, then powers of ten. */
const TICKS = [0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6];

/** The share of the x axis of a number of errors in a million: 0 at the left end, then logarithmic. */
function shareOf(errors: number): number {
  return (errors < 1 ? errors / 2 : 1 + Math.log10(errors)) / (TICKS.length - 1);
}

/** The path of the share of seeds with at most x errors. */
function staircase(errors: readonly number[], x: Scale, y: Scale): string {
  const sorted = errors.toSorted((a, b) => a - b);
  let path = `M${x(0)} ${y(0)}`;
  sorted.forEach((most, i) => {
    path += `H${x(shareOf(most))}V${y((i + 1) / sorted.length)}`;
  });
  return `${path}H${x(1)}`;
}

/**
 * Draws the runs as SVG, a curve for each recipe and model.
 *
 * @param lines Lines of any number of sweeps
 */
export function toSvg(lines: readonly SweepLine[]): string {
  const groups = [
    ...Map.groupBy(
      mergeLines(lines),
      ({ recipe, recipeHash, model, certify }) => JSON.stringify([recipe, model, recipeHash, certify]),
    ),
  ].sort(([a], [b]) => a < b ? -1 : 1);
  return chartSvg({
    title: "Share of seeds with at most this many wrong sums in a million",
    xTicks: TICKS.map((tick) => [shareOf(tick), formatInteger(tick)]),
    yTicks: [0, 0.25, 0.5, 0.75, 1].map((share) => [share, `${100 * share}%`]),
    xLabel: "wrong sums in a million",
    curves: groups.map(([, group]) => {
      const [{ recipe, model, certify }] = group;
      return {
        path: (x, y) => staircase(group.map(({ pairs, errors }) => pairs === 0 ? 0 : errors / pairs * 1e6), x, y),
        label: `${recipe}, ${model}${certify ? ", proved" : ""}: ${group.length} seeds`,
      };
    }),
  });
}
