import { formatInteger } from "../src/common/format_value.ts";
import { drawAxes, type Frame, scalesOf, type Tick } from "../src/svg/chart.ts";
import { Rectangles } from "../src/svg/svg.ts";
import { useMemo, useState } from "preact/hooks";
import type { Curve } from "./curve.ts";
import { percent, powerOfTen, short } from "./format.ts";
import { useChanges, useWidth } from "./hooks.ts";
import type { LabRun } from "./lab_run.ts";
import type { Runs } from "./runs.ts";

interface ChartSpec {
  readonly title: string;
  /** In pixels. */
  readonly height: number;
  /** A curve, or one for each position of the sum, which are drawn as strips: the darker, the larger the value. */
  readonly curve: (run: LabRun) => Curve | readonly Curve[];
  /** A linear axis has fixed ticks. A logarithmic axis spans its curves, or the powers of ten of `empty` if there are none. */
  readonly y: { readonly ticks: readonly Tick[] } | { readonly empty: readonly [number, number] };
  /** Formats the value under the cursor. */
  readonly read?: (value: number) => string;
}

const SPECS: readonly ChartSpec[] = [
  {
    title: "Loss: how wrong the predictions are",
    ...{ height: 200, curve: ({ loss }) => loss, y: { empty: [-3, 1] }, read: short },
  },
  {
    title: "Correct sums",
    ...{ height: 150, curve: ({ exactMatch }) => exactMatch, read: percent },
    y: { ticks: [0, 0.25, 0.5, 0.75, 1].map((share) => [share / 1.03, `${100 * share}%`]) },
  },
  {
    title: "Correct digits, by position in the sum",
    ...{ height: 190, curve: ({ digits }) => digits },
    y: { ticks: [0, 2, 4, 6, 8, 10].map((i) => [(i + 0.5) / 11, i === 0 ? "ones" : powerOfTen(i)]) },
  },
  {
    title: "Learning rate: how far a step moves the weights",
    ...{ height: 110, curve: ({ learningRate }) => learningRate, y: { empty: [-3, -1] }, read: short },
  },
];

const STEPS_BEFORE_ANY_RUN = 10_000;
/** Least milliseconds between two redraws. */
const DRAW_MS = 160;
/** The edges of all charts are at the same places, so that the step axes line up. */
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 16, 8, 26];
const MOST_DECADES = 6;
/** A guessed digit is right one time in ten, so this share is drawn as 0. */
const GUESSED = 0.1;
/** The strip of the first evaluation, which has none before it, starts at its step divided by this. */
const FIRST_CELL = 1.12;

/** The charts of up to two runs over training steps, on logarithmic axes. */
export function Charts({ runs }: { runs: Runs }) {
  useChanges(DRAW_MS, runs);
  const [root, width] = useWidth<HTMLDivElement>();
  /** The share of the step axis where the pointer is. */
  const [cursor, setCursor] = useState<number>();
  const lastStep = Math.max(...runs.all.map(({ totalSteps }) => totalSteps), 0) || STEPS_BEFORE_ANY_RUN;
  return (
    <div
      id="charts"
      class="charts"
      ref={root}
      onPointerMove={({ clientX, currentTarget }) => {
        const share = (clientX - currentTarget.getBoundingClientRect().left - LEFT) / (width - LEFT - RIGHT);
        setCursor(share >= 0 && share <= 1 ? share : undefined);
      }}
      onPointerLeave={() => setCursor(undefined)}
    >
      {SPECS.map((spec) => <Chart key={spec.title} {...{ spec, width, lastStep, cursor }} runs={runs.all} />)}
    </div>
  );
}

interface ChartProps {
  readonly spec: ChartSpec;
  readonly width: number;
  readonly lastStep: number;
  readonly cursor: number | undefined;
  readonly runs: readonly LabRun[];
}

function Chart({ spec, width, lastStep, cursor, runs }: ChartProps) {
  const { title, height, curve, read } = spec;
  const frame = { left: LEFT, right: Math.max(LEFT, width - RIGHT), top: TOP, bottom: height - BOTTOM };
  const state = runs.map((run) => `${run.slot} ${[curve(run)].flat()[0].steps.at(-1)}`).join();
  const drawing = useMemo(() => draw(spec, frame, lastStep, runs), [width, lastStep, state]);
  const step = cursor === undefined ? undefined : lastStep ** cursor;
  const readout = step === undefined ? [] : [`step ${formatInteger(step)}`];
  for (const run of runs) {
    const { steps, values } = curve(run) as Curve;
    const at = step === undefined || !read ? -1 : steps.findLastIndex((known) => known <= step);
    if (at >= 0) readout.push(`${run.slot} ${read!(values[at])}`);
  }
  const x = cursor === undefined ? 0 : scalesOf(frame).x(cursor);
  return (
    <figure>
      <figcaption>
        <strong>{title}</strong>
        <output>{readout.join("   ")}</output>
      </figcaption>
      <svg
        role="img"
        aria-label={`${title}, by training step. The card of each run has its latest values.`}
        width={width}
        height={height}
      >
        <g dangerouslySetInnerHTML={{ __html: drawing }} />
        {cursor !== undefined && <line class="cursor" x1={x} x2={x} y1={TOP} y2={height - BOTTOM} />}
      </svg>
    </figure>
  );
}

function draw({ y, curve }: ChartSpec, frame: Frame, lastStep: number, runs: readonly LabRun[]): string {
  const curves = runs.map((run) => ({ slot: run.slot, curve: curve(run) }));
  const scales = scalesOf(frame);
  const x = (step: number) => scales.x(Math.log10(step) / Math.log10(lastStep));
  const [least, most] = "empty" in y ? decadesOf(curves.map(({ curve }) => curve as Curve)) ?? y.empty : [0, 1.03];
  const value = (value: number) => scales.y((("empty" in y ? Math.log10(value) : value) - least) / (most - least));
  const yTicks = "ticks" in y ? y.ticks : ticksOf(least, most, tickOfDecade);
  const axes = drawAxes({ xTicks: ticksOf(0, Math.log10(lastStep), tickOfStep), yTicks }, frame);
  const drawings = curves.map(({ slot, curve }, i) => {
    if (Array.isArray(curve)) return drawStrips(curve, x, scales.y, [i, runs.length], slot);
    const { steps, values } = curve as Curve;
    const path = steps.map((step, i) => `${x(step)} ${value(values[i])}`).join("L");
    return path && `<path class="run-${slot}" d="M${path}"/>`;
  });
  return [...axes, ...drawings].join("");
}

/** Draws one strip for each position of the sum, ones at the bottom. Runs share each row. */
function drawStrips(
  digits: readonly Curve[],
  x: (step: number) => number,
  y: (share: number) => number,
  [run, count]: readonly [run: number, runs: number],
  slot: string,
): string {
  const cells = new Rectangles();
  digits.forEach(({ steps, values }, i) => {
    const [top, bottom] = [run, run + 1].map((part) => y((i + 1 - part / count) / digits.length));
    steps.forEach((step, j) => {
      const opacity = Math.max(0, (values[j] - GUESSED) / (1 - GUESSED)) ** 2;
      const left = x(j === 0 ? Math.max(1, step / FIRST_CELL) : steps[j - 1]);
      if (opacity > 0.02) cells.add(left, top, x(step) - left, bottom - top - 1, opacity);
    });
  });
  return `<g class="run-${slot}">${cells.draw().join("")}</g>`;
}

/** The smallest range of whole powers of ten that has all values above 0; undefined if there are none. */
function decadesOf(curves: readonly Curve[]): [least: number, most: number] | undefined {
  const exponents = curves.flatMap(({ values }) => values.filter((value) => value > 0).map(Math.log10));
  if (exponents.length === 0) return undefined;
  const least = Math.floor(Math.min(...exponents));
  return [least, Math.max(least + 1, Math.ceil(Math.max(...exponents)))];
}

/** The powers of ten in a range; if there are more than {@linkcode MOST_DECADES}, only every second, third, … of them. */
function ticksOf(least: number, most: number, label: (exponent: number) => string): Tick[] {
  const [first, last] = [Math.ceil(least), Math.floor(most + 1e-9)];
  const stride = Math.ceil((last - first + 1) / MOST_DECADES);
  const exponents = Array.from({ length: Math.floor((last - first) / stride) + 1 }, (_, i) => last - i * stride);
  return exponents.map((exponent) => [(exponent - least) / (most - least), label(exponent)]);
}

/** A power of ten, written out from 0.001 up. */
function tickOfDecade(exponent: number): string {
  return exponent >= -3 ? String(Number((10 ** exponent).toPrecision(1))) : powerOfTen(exponent);
}

function tickOfStep(exponent: number): string {
  return exponent >= 3 ? `${10 ** (exponent - 3)}k` : String(10 ** exponent);
}
