import { escapeXml } from "../common/xml.ts";

const WIDTH = 760;
const HEIGHT = 420;
const LEFT = 60;
const RIGHT = 560;
const TOP = 40;
const BOTTOM = 350;
/** Okabe and Ito's colours, which colour-blind people can tell apart. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];

/** A mark on an axis, at a share of its length. */
export type Tick = readonly [share: number, text: string];

/** Curves over two axes. */
export interface Chart {
  readonly title: string;
  readonly xTicks: readonly Tick[];
  readonly yTicks: readonly Tick[];
  /** What the x axis counts. */
  readonly xLabel: string;
  /** Each with an SVG path. */
  readonly curves: readonly { readonly path: string; readonly label: string }[];
}

/** To a tenth, which is enough to draw. */
const rounded = (coordinate: number) => Math.round(10 * coordinate) / 10;

/** The coordinate at a share of the x axis. */
export function x(share: number): number {
  return rounded(LEFT + (RIGHT - LEFT) * share);
}

/** The coordinate at a share of the y axis. */
export function y(share: number): number {
  return rounded(BOTTOM - (BOTTOM - TOP) * share);
}

function label(at: readonly [number, number], text: string, attributes = ""): string {
  return `<text x="${at[0]}" y="${at[1]}" ${attributes}>${escapeXml(text)}</text>`;
}

/** Draws a chart as SVG. */
export function chartSvg({ title, xTicks, yTicks, xLabel, curves }: Chart): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    label([LEFT, 24], title, 'font-size="15"'),
    ...xTicks.flatMap(([share, text]) => [
      `<path d="M${x(share)} ${TOP}V${BOTTOM}" stroke="#ddd"/>`,
      label([x(share), BOTTOM + 18], text, 'text-anchor="middle"'),
    ]),
    ...yTicks.flatMap(([share, text]) => [
      `<path d="M${LEFT} ${y(share)}H${RIGHT}" stroke="#ddd"/>`,
      label([LEFT - 8, y(share) + 4], text, 'text-anchor="end"'),
    ]),
    label([(LEFT + RIGHT) / 2, BOTTOM + 42], xLabel, 'text-anchor="middle"'),
    ...curves.flatMap(({ path, label: text }, i) => {
      const colour = COLOURS[i % COLOURS.length];
      return [
        `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        label([RIGHT + 12, TOP + 16 + 20 * i], text, `fill="${colour}"`),
      ];
    }),
    "</svg>",
    "",
  ].join("\n");
}
