import { formatInteger } from "../src/common/format_value.ts";
import { drawAxes, type Frame, scalesOf, type Tick } from "../src/svg/chart.ts";
import { Rectangles, text } from "../src/svg/svg.ts";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Curve } from "./curve.ts";
import { percent, powerOfTen, short } from "./format.ts";
import { useChanges, useWidth } from "./hooks.ts";
import type { LabRun } from "./lab_run.ts";
import { type Phase, phasesOf } from "./phases.ts";
import { EVALUATED } from "./protocol.ts";
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
    title: `Correct sums, in % of ${formatInteger(EVALUATED)} held-out pairs`,
    ...{ height: 150, curve: ({ exactMatch }) => exactMatch, read: percent },
    y: { ticks: [0, 0.25, 0.5, 0.75, 1].map((share) => [share / 1.03, `${100 * share}%`]) },
  },
  {
    title: "Loss in nats, logarithmic: how wrong the predictions are",
    ...{ height: 200, curve: ({ loss }) => loss, y: { empty: [-3, 1] }, read: short },
  },
  {
    title: "Correct digits by position in the sum: the darker, the more",
    ...{ height: 190, curve: ({ digits }) => digits },
    y: { ticks: [0, 2, 4, 6, 8, 10].map((i) => [(i + 0.5) / 11, i === 0 ? "ones" : powerOfTen(i)]) },
  },
  {
    title: "Learning rate, logarithmic: how far a step moves the weights",
    ...{ height: 110, curve: ({ learningRate }) => learningRate, y: { empty: [-3, -1] }, read: short },
  },
];

const STEPS_BEFORE_ANY_RUN = 10_000;
const DRAW_MS = 160;
/** The edges of all charts are at the same places, so that the step axes line up. */
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 16, 8, 26];
const MOST_DECADES = 6;
/** Milliseconds between two snapshots when they are played. */
const PLAY_MS = 50;
/** Least width of a letter in the labels of phases. */
const LETTER = 6;
/** A guessed digit is right one time in ten, so this share is drawn as 0. */
const GUESSED = 0.1;
/** The strip of the first evaluation, which has none before it, starts at its step divided by this. */
const FIRST_CELL = 1.12;

/** The charts of up to two runs over training steps, on logarithmic axes, and the scrubber that returns to any step. */
export function Charts({ runs }: { runs: Runs }) {
  useChanges(DRAW_MS, runs);
  const [root, width] = useWidth<HTMLDivElement>();
  /** The share of the step axis where a mouse is. */
  const [hover, setHover] = useState<number>();
  const lastStep = Math.max(...runs.all.map(({ totalSteps }) => totalSteps), 0) || STEPS_BEFORE_ANY_RUN;
  const shareOf = (step: number) => Math.log(Math.max(1, step)) / Math.log(lastStep);
  const { focus, rewound } = runs;
  const cursor = hover ?? (rewound === undefined ? undefined : shareOf(rewound));
  const phases = focus ? phasesOf(focus.request) : [];
  const point = ({ clientX, currentTarget, buttons, pointerType }: PointerEvent & { currentTarget: HTMLElement }) => {
    const share = (clientX - currentTarget.getBoundingClientRect().left - LEFT) / (width - LEFT - RIGHT);
    const isInside = share >= 0 && share <= 1;
    setHover(isInside && pointerType === "mouse" ? share : undefined);
    if (isInside && buttons !== 0) runs.rewind(Math.round(lastStep ** share));
  };
  return (
    <div id="charts" class="stack" ref={root}>
      <div
        class="stack"
        onPointerDown={point}
        onPointerMove={point}
        onPointerLeave={() => setHover(undefined)}
      >
        {phases.length > 0 && <Phases {...{ phases, width, shareOf }} />}
        {SPECS.map((spec) => (
          <Chart
            key={spec.title}
            {...{ spec, width, lastStep, cursor }}
            marks={phases.slice(1).map(({ from }) => shareOf(from))}
            runs={runs.all}
          />
        ))}
      </div>
      <p class="note">Steps of all curves: training steps, on a logarithmic axis.</p>
      {focus && focus.snapshots.length > 1 && <Scrubber runs={runs} share={shareOf} lastStep={lastStep} />}
    </div>
  );
}

/** Stages of the recipe, and below them how long the numbers are. */
function Phases({ phases, width, shareOf }: {
  readonly phases: readonly Phase[];
  readonly width: number;
  readonly shareOf: (step: number) => number;
}) {
  const x = (step: number) => LEFT + Math.max(0, width - LEFT - RIGHT) * shareOf(step);
  const label = (from: number, to: number, y: number, name: string) =>
    LETTER * name.length > x(to) - x(from) ? "" : text((x(from) + x(to)) / 2, y, name, 'text-anchor="middle"');
  const stages = Map.groupBy(phases, ({ stage }) => stage);
  const drawing = [
    text(LEFT - 8, 14, "stage", 'text-anchor="end"'),
    text(LEFT - 8, 32, "digits", 'text-anchor="end"'),
    ...[...stages].map(([stage, parts]) => label(parts[0].from, parts.at(-1)!.to, 14, stage)),
    ...phases.map(({ from, to, digits }) => label(from, to, 32, digits)),
    ...phases.slice(1).map(({ from }) => `<path d="M${x(from)} 0V36" stroke="#ddd"/>`),
  ];
  const words = phases.map(({ from, stage, digits }) => `${stage} from step ${from} with numbers of ${digits} digits`);
  return (
    <figure>
      <figcaption>
        <strong>Phases of the run: the loss jumps where the numbers grow</strong>
      </figcaption>
      <svg id="phases" role="img" aria-label={words.join(", ")} width={width} height={36}>
        <g dangerouslySetInnerHTML={{ __html: drawing.join("") }} />
      </svg>
    </figure>
  );
}

/** Moves sum, dots, attention and heat maps to any snapshot of a run. */
function Scrubber({ runs, share, lastStep }: {
  readonly runs: Runs;
  readonly share: (step: number) => number;
  readonly lastStep: number;
}) {
  const [isPlaying, setPlaying] = useState(false);
  const { focus, rewound } = runs;
  const { snapshots } = focus!;
  const latest = snapshots.at(-1)!.step;
  const step = rewound ?? latest;
  const move = (by: number) => {
    const index = snapshots.findLastIndex((snapshot) => snapshot.step <= step) + by;
    runs.rewind(snapshots[Math.max(0, Math.min(snapshots.length - 1, index))].step);
  };
  useEffect(() => {
    if (!isPlaying) return;
    const timer = setTimeout(() => step === latest ? setPlaying(false) : move(1), PLAY_MS);
    return () => clearTimeout(timer);
  }, [isPlaying, step]);
  const play = () => {
    if (!isPlaying && step === latest) runs.rewind(0);
    setPlaying(!isPlaying);
  };
  return (
    <div class="scrubber">
      <input
        id="scrubber"
        type="range"
        aria-label={`Step of run ${focus!.slot}`}
        aria-valuetext={`step ${formatInteger(step)}`}
        min={0}
        max={1}
        step={0.001}
        value={share(step)}
        onInput={({ currentTarget: { value } }) =>
          runs.rewind(Number(value) === 0 ? 0 : Math.round(lastStep ** Number(value)))}
        onKeyDown={(event) => {
          const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
          if (by === undefined) return;
          event.preventDefault(); // to the next snapshot, however far it is
          move(by);
        }}
      />
      <div class="flow">
        <output id="scrubber-step">step {formatInteger(step)}</output>
        <button type="button" onClick={play}>{isPlaying ? "Pause replay" : "Replay"}</button>
        <button type="button" onClick={() => runs.rewind(undefined)} hidden={rewound === undefined}>Latest step</button>
      </div>
    </div>
  );
}

interface ChartProps {
  readonly spec: ChartSpec;
  readonly width: number;
  readonly lastStep: number;
  readonly cursor: number | undefined;
  /** Changes of the recipe, as shares of the step axis. */
  readonly marks: readonly number[];
  readonly runs: readonly LabRun[];
}

function Chart({ spec, width, lastStep, cursor, marks, runs }: ChartProps) {
  const { title, height, curve, read } = spec;
  const frame = { left: LEFT, right: Math.max(LEFT, width - RIGHT), top: TOP, bottom: height - BOTTOM };
  const state = runs.map((run) => `${run.slot} ${[curve(run)].flat()[0].steps.at(-1)}`).join();
  const drawing = useMemo(() => draw(spec, frame, lastStep, runs), [width, lastStep, state]);
  const step = cursor === undefined ? undefined : lastStep ** cursor;
  const readout = step === undefined ? [] : [`step ${formatInteger(step)}`];
  for (const run of runs) {
    const value = step === undefined || !read ? undefined : (curve(run) as Curve).at(step);
    if (value !== undefined) readout.push(`${run.slot} ${read!(value)}`);
  }
  const { x } = scalesOf(frame);
  const line = (share: number) => `M${x(share)} ${TOP}V${height - BOTTOM}`;
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
        <path class="mark" d={marks.map(line).join("")} />
        {cursor !== undefined && <path class="cursor" d={line(cursor)} />}
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
  const tickOfStep = (exponent: number) => exponent >= 3 ? `${10 ** (exponent - 3)}k` : String(10 ** exponent);
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
