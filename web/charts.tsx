import { formatInteger } from "../src/common/format_value.ts";
import { drawAxes, type Frame, type Scale, scalesOf, type Tick } from "../src/svg/chart.ts";
import { Rectangles, text } from "../src/svg/svg.ts";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Curve } from "./curve.ts";
import { percent, powerOfTen, short } from "./format.ts";
import { useWidth } from "./hooks.ts";
import type { LabRun } from "./lab_run.ts";
import { type Phase, phasesOf } from "./phases.ts";
import { EVALUATED } from "./protocol.ts";
import { runs } from "./runs.ts";

interface ChartSpec {
  readonly title: string;
  readonly height: number;
  /** A curve, or one for each position of the sum, which are drawn as strips: the darker, the larger the value. */
  readonly of: keyof LabRun["curves"];
  /** The ticks of a linear axis. Without them the axis is logarithmic. */
  readonly ticks?: readonly Tick[];
  /** The powers of ten that a logarithmic axis spans while there are no curves. */
  readonly empty?: readonly [number, number];
  readonly read?: (value: number) => string;
}

const SPECS: readonly ChartSpec[] = [
  {
    title: `Correct sums, in % of ${formatInteger(EVALUATED)} held-out pairs`,
    ...{ height: 150, of: "exactMatch", read: percent },
    ticks: [0, 0.25, 0.5, 0.75, 1].map((share) => [share / 1.03, `${100 * share}%`]),
  },
  {
    title: "Loss in nats, logarithmic: how wrong the predictions are",
    ...{ height: 200, of: "loss", empty: [-3, 1], read: short },
  },
  {
    title: "Correct digits by position in the sum: the darker, the more",
    ...{ height: 190, of: "digits" },
    ticks: [0, 2, 4, 6, 8, 10].map((i) => [(i + 0.5) / 11, i === 0 ? "ones" : powerOfTen(i)]),
  },
  {
    title: "Learning rate, logarithmic: how far a step moves the weights",
    ...{ height: 110, of: "learningRate", empty: [-3, -1], read: short },
  },
];

const STEPS_BEFORE_ANY_RUN = 10_000;
/** The edges of all charts are at the same places, so that the step axes line up. */
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 16, 8, 26];
/** Least width of a letter in the labels of phases. */
const LETTER = 6;
/** A guessed digit is right one time in ten, so this share is drawn as 0. */
const GUESSED = 0.1;
/** The strip of the first evaluation, which has none before it, starts at its step divided by this. */
const FIRST_CELL = 1.12;
/** How many snapshots a key moves the scrubber by. */
const SNAPSHOTS_BY_KEY: Record<string, number | undefined> = {
  ...{ ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 },
  ...{ Home: -Infinity, End: Infinity },
};

type StepAxis = ReturnType<typeof stepAxis>;

/** The logarithmic axis of steps that all charts share. */
function stepAxis(lastStep: number, width: number) {
  const right = Math.max(LEFT, width - RIGHT);
  const frame = (height: number): Frame => ({ left: LEFT, right, top: TOP, bottom: height - BOTTOM });
  const share = (step: number) => Math.log(Math.max(1, step)) / Math.log(lastStep);
  const step = (share: number) => lastStep ** share;
  const scale = scalesOf(frame(0)).x;
  return { lastStep, width, frame, share, step, x: (step: number) => scale(share(step)) };
}

/** In the section of the runs, which renders it when they change: the charts of up to two runs over training steps, on logarithmic axes, and the scrubber that returns to any step. */
export function Charts() {
  const [root, width] = useWidth<HTMLDivElement>();
  const [hoveredStep, setHoveredStep] = useState<number>();
  const axis = stepAxis(Math.max(...runs.all.map(({ totalSteps }) => totalSteps), 0) || STEPS_BEFORE_ANY_RUN, width);
  const { focus } = runs;
  const phases = focus ? phasesOf(focus.request) : [];
  const point = ({ clientX, currentTarget, buttons, pointerType }: PointerEvent & { currentTarget: HTMLElement }) => {
    const share = (clientX - currentTarget.getBoundingClientRect().left - LEFT) / (width - LEFT - RIGHT);
    const step = share >= 0 && share <= 1 ? axis.step(share) : undefined;
    setHoveredStep(pointerType === "mouse" ? step : undefined);
    if (step !== undefined && buttons !== 0) runs.rewind(Math.round(step));
  };
  return (
    <div id="charts" class="stack" ref={root}>
      <div class="stack" onPointerDown={point} onPointerMove={point} onPointerLeave={() => setHoveredStep(undefined)}>
        {phases.length > 0 && <Phases {...{ phases, axis }} />}
        {SPECS.map((spec) => (
          <Chart key={spec.title} {...{ spec, axis, phases }} cursor={hoveredStep ?? focus?.rewound} />
        ))}
      </div>
      <p class="note">Steps of all curves: training steps, on a logarithmic axis.</p>
      {focus && focus.snapshots.length > 1 && <Scrubber {...{ focus, axis }} />}
    </div>
  );
}

/** Stages of the recipe, and below them how long the numbers are. */
function Phases({ phases, axis: { width, x } }: { phases: readonly Phase[]; axis: StepAxis }) {
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
function Scrubber({ focus: { slot, snapshots, rewound }, axis }: { focus: LabRun; axis: StepAxis }) {
  const [isPlaying, setPlaying] = useState(false);
  const latest = snapshots.at(-1)!.step;
  const step = rewound ?? latest;
  const move = (by: number) => {
    const index = snapshots.findLastIndex((snapshot) => snapshot.step <= step) + by;
    runs.rewind(snapshots[Math.max(0, Math.min(snapshots.length - 1, index))].step);
  };
  useEffect(() => {
    if (!isPlaying) return;
    const timer = setTimeout(() => step === latest ? setPlaying(false) : move(1), 50);
    return () => clearTimeout(timer);
  }, [isPlaying, step]);
  const play = () => {
    if (!isPlaying && step === latest) runs.rewind(0);
    setPlaying(!isPlaying);
  };
  return (
    <div class="scrubber">
      <input
        {...{ id: "scrubber", type: "range", min: 0, max: 1, step: 0.001, value: axis.share(step) }}
        aria-label={`Step of run ${slot}`}
        aria-valuetext={`step ${formatInteger(step)}`}
        onInput={({ currentTarget: { value } }) =>
          runs.rewind(Number(value) === 0 ? 0 : Math.round(axis.step(Number(value))))}
        onKeyDown={(event) => {
          const by = SNAPSHOTS_BY_KEY[event.key];
          if (by === undefined) return;
          event.preventDefault(); // the slider itself goes by positions, and steps 0 and 1 share one
          move(by);
        }}
      />
      <div class="flow">
        <output id="scrubber-step">step {formatInteger(step)}</output>
        <button type="button" onClick={play}>{isPlaying ? "Pause replay" : "Replay"}</button>
        <button type="button" onClick={() => runs.rewind()} hidden={rewound === undefined}>
          Latest step
        </button>
      </div>
    </div>
  );
}

function Chart(
  { spec, axis, phases, cursor }: { spec: ChartSpec; axis: StepAxis; phases: readonly Phase[]; cursor?: number },
) {
  const { title, height, of, read } = spec;
  const state = runs.all.map(({ slot, curves }) => `${slot} ${[curves[of]].flat()[0].steps.at(-1)}`).join();
  const drawing = useMemo(() => draw(spec, axis), [axis.width, axis.lastStep, state]);
  const readout = cursor === undefined ? [] : [`step ${formatInteger(cursor)}`];
  for (const { slot, curves } of runs.all) {
    const value = cursor === undefined || !read ? undefined : (curves[of] as Curve).at(cursor);
    if (value !== undefined) readout.push(`${slot} ${read!(value)}`);
  }
  const label = `${title}, by training step. The card of each run has its latest values.`;
  const line = (step: number) => `M${axis.x(step)} ${TOP}V${height - BOTTOM}`;
  return (
    <figure>
      <figcaption>
        <strong>{title}</strong>
        <output>{readout.join("   ")}</output>
      </figcaption>
      <svg role="img" aria-label={label} width={axis.width} height={height}>
        <g dangerouslySetInnerHTML={{ __html: drawing }} />
        <path class="mark" stroke-dasharray="2 3" d={phases.slice(1).map(({ from }) => line(from)).join("")} />
        {cursor !== undefined && <path class="cursor" d={line(cursor)} />}
      </svg>
    </figure>
  );
}

function draw({ of, height, ticks, empty }: ChartSpec, axis: StepAxis): string {
  const frame = axis.frame(height);
  const { y } = scalesOf(frame);
  const [least, most] = ticks ? [0, 1.03] : decadesOf(runs.all.flatMap(({ curves }) => curves[of])) ?? empty!;
  const value = (value: number) => y(((ticks ? value : Math.log10(value)) - least) / (most - least));
  // a power of ten, written out from 0.001 up
  const tickOfValue = (exponent: number) => exponent >= -3 ? String(Number(`1e${exponent}`)) : powerOfTen(exponent);
  const yTicks = ticks ?? ticksOf(least, most, tickOfValue);
  const tickOfStep = (exponent: number) => exponent >= 3 ? `${10 ** (exponent - 3)}k` : String(10 ** exponent);
  const axes = drawAxes({ xTicks: ticksOf(0, Math.log10(axis.lastStep), tickOfStep), yTicks }, frame);
  const drawings = runs.all.map(({ slot, curves }, i) => {
    const drawn = curves[of];
    const edges = [i, i + 1].map((some) => some / runs.all.length);
    if (Array.isArray(drawn)) return `<g class="run-${slot}">${drawStrips(drawn, axis.x, y, edges)}</g>`;
    const path = drawn.steps.map((step, i) => `${axis.x(step)} ${value(drawn.values[i])}`).join("L");
    return path && `<path class="run-${slot}" d="M${path}"/>`;
  });
  return [...axes, ...drawings].join("");
}

/** Draws one strip for each position of the sum, ones at the bottom. Runs share each row: `edges` are shares of its height from the top. */
function drawStrips(digits: readonly Curve[], x: Scale, y: Scale, edges: readonly number[]): string {
  const cells = new Rectangles();
  digits.forEach(({ steps, values }, i) => {
    const [top, bottom] = edges.map((edge) => y((i + 1 - edge) / digits.length));
    steps.forEach((step, j) => {
      const opacity = Math.max(0, (values[j] - GUESSED) / (1 - GUESSED)) ** 2;
      const left = x(j === 0 ? step / FIRST_CELL : steps[j - 1]);
      if (opacity > 0.02) cells.add(left, top, x(step) - left, bottom - top - 1, opacity);
    });
  });
  return cells.draw().join("");
}

/** The smallest range of whole powers of ten that has all values above 0; undefined if there are none. */
function decadesOf(curves: readonly Curve[]): [least: number, most: number] | undefined {
  const exponents = curves.flatMap(({ values }) => values.filter((value) => value > 0).map(Math.log10));
  if (exponents.length === 0) return undefined;
  const least = Math.floor(Math.min(...exponents));
  return [least, Math.max(least + 1, Math.ceil(Math.max(...exponents)))];
}

/** The powers of ten in a range; if there are more than six, only every second, third, … of them. */
function ticksOf(least: number, most: number, label: (exponent: number) => string): Tick[] {
  const last = Math.floor(most + 1e-9);
  const stride = Math.ceil((last - least + 1) / 6);
  const exponents = Array.from({ length: Math.floor((last - least) / stride) + 1 }, (_, i) => last - i * stride);
  return exponents.map((exponent) => [(exponent - least) / (most - least), label(exponent)]);
}
