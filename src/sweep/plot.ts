import { count } from "../count.ts";
import { escapeXml } from "../xml.ts";
import type { SweepLine } from "./line.ts";
import { mergeLines } from "./summary.ts";

const WIDTH = 760;
const HEIGHT = 420;
const LEFT = 60;
const RIGHT = 560;
const TOP = 40;
const BOTTOM = 350;
/** Okabe and Ito's colours, which colour-blind people can tell apart. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];
/** Errors in a million: none, then powers of ten. */
const TICKS = [0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6];

/** The position of a number of errors in a million: 0 at the left end, then logarithmic. */
function x(errors: number): number {
  const position = errors < 1 ? errors / 2 : 1 + Math.log10(errors);
  return LEFT + (RIGHT - LEFT) * position / (TICKS.length - 1);
}

function y(share: number): number {
  return BOTTOM - (BOTTOM - TOP) * share;
}

function label(at: readonly [number, number], text: string, attributes = ""): string {
  return `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" ${attributes}>${escapeXml(text)}</text>`;
}

/** The path of the share of seeds with at most x errors. */
function staircase(errors: readonly number[]): string {
  const sorted = errors.toSorted((a, b) => a - b);
  let path = `M${LEFT} ${BOTTOM}`;
  sorted.forEach((most, i) => {
    path += `H${x(most).toFixed(1)}V${y((i + 1) / sorted.length).toFixed(1)}`;
  });
  return `${path}H${RIGHT}`;
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
  const title = "Share of seeds with at most this many wrong sums in a million";
  const grid = TICKS.flatMap((tick) => [
    `<path d="M${x(tick).toFixed(1)} ${TOP}V${BOTTOM}" stroke="#ddd"/>`,
    label([x(tick), BOTTOM + 18], count(tick), 'text-anchor="middle"'),
  ]);
  const shares = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
    `<path d="M${LEFT} ${y(share)}H${RIGHT}" stroke="#ddd"/>`,
    label([LEFT - 8, y(share) + 4], `${100 * share}%`, 'text-anchor="end"'),
  ]);
  const curves = groups.flatMap(([, group], i) => {
    const [{ recipe, model, certify }] = group;
    const colour = COLOURS[i % COLOURS.length];
    const errors = group.map((line) => line.pairs === 0 ? 0 : line.errors / line.pairs * 1e6);
    return [
      `<path d="${staircase(errors)}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      label(
        [RIGHT + 12, TOP + 16 + 20 * i],
        `${recipe}, ${model}${certify ? ", proved" : ""}: ${group.length} seeds`,
        `fill="${colour}"`,
      ),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    label([LEFT, 24], title, 'font-size="15"'),
    ...grid,
    ...shares,
    label([(LEFT + RIGHT) / 2, BOTTOM + 42], "wrong sums in a million", 'text-anchor="middle"'),
    ...curves,
    "</svg>",
    "",
  ].join("\n");
}
