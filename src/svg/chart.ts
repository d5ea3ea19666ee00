import { COLOURS, svgFile, text } from "./svg.ts";

/** A mark on an axis, at a share of its length. */
export type Tick = readonly [share: number, text: string];
/** The coordinate at a share of an axis. */
export type Scale = (share: number) => number;
/** The edges of the area between the axes. */
export type Frame = Readonly<Record<"left" | "right" | "top" | "bottom", number>>;
type Axes = Readonly<Record<"xTicks" | "yTicks", readonly Tick[]>>;
/** A curve is an SVG path. */
type Curve = Readonly<{ path: (x: Scale, y: Scale) => string; label: string }>;
type Chart = Axes & Readonly<{ title: string; xLabel: string; curves: readonly Curve[] }>;

/** The frame of a file, which has labels of curves to its right. */
const FILE: Frame = { left: 60, right: 560, top: 40, bottom: 350 };

/** The scales of a frame, to a tenth, which is enough to draw. */
export function scalesOf({ left, right, top, bottom }: Frame): { x: Scale; y: Scale } {
  const rounded = (coordinate: number) => Math.round(10 * coordinate) / 10;
  return {
    x: (share) => rounded(left + (right - left) * share),
    y: (share) => rounded(bottom - (bottom - top) * share),
  };
}

export function drawAxes({ xTicks, yTicks }: Axes, frame: Frame): string[] {
  const { left, right, top, bottom } = frame;
  const { x, y } = scalesOf(frame);
  return [
    ...xTicks.flatMap(([share, label]) => [
      `<path d="M${x(share)} ${top}V${bottom}" stroke="#ddd"/>`,
      text(x(share), bottom + 18, label, 'text-anchor="middle"'),
    ]),
    ...yTicks.flatMap(([share, label]) => [
      `<path d="M${left} ${y(share)}H${right}" stroke="#ddd"/>`,
      text(left - 8, y(share) + 4, label, 'text-anchor="end"'),
    ]),
  ];
}

export function chartSvg({ title, xLabel, curves, ...axes }: Chart): string {
  const { left, right, top, bottom } = FILE;
  const { x, y } = scalesOf(FILE);
  return svgFile({ title, left, width: 760, height: 420 }, [
    ...drawAxes(axes, FILE),
    text((left + right) / 2, bottom + 42, xLabel, 'text-anchor="middle"'),
    ...curves.flatMap(({ path, label }, i) => {
      const colour = COLOURS[i % COLOURS.length];
      return [
        `<path d="${path(x, y)}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        text(right + 12, top + 16 + 20 * i, label, `fill="${colour}"`),
      ];
    }),
  ]);
}
