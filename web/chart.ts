import uPlot from "uplot";
import { formatInteger } from "../src/common/format_integer.ts";
import type { Curve } from "./curve.ts";
import { cssColor, element } from "./dom.ts";
import { throttled } from "./frames.ts";
import type { LabRun, Slot } from "./lab_run.ts";

export interface ChartSpec {
  readonly title: string;
  /** In pixels. */
  readonly height: number;
  readonly curve: (run: LabRun) => Curve;
  /** A linear axis has a fixed range and ticks. A logarithmic axis spans its curves, or `empty` if there are none. */
  readonly y:
    | { readonly range: readonly [number, number]; readonly ticks: readonly number[] }
    | { readonly empty: readonly [number, number] };
  /** Formats a tick of the y axis. */
  readonly tick: (value: number) => string;
  /** Formats the value under the cursor. */
  readonly read: (value: number) => string;
  /** Draws into the plot in place of lines. */
  readonly paint?: (plot: uPlot, runs: readonly LabRun[]) => void;
}

export interface ChartContext {
  runs(): readonly LabRun[];
  lastStep(): number;
}

const SLOTS: readonly Slot[] = ["A", "B"];
/** Least milliseconds between two redraws, and between two changes of size. */
const DRAW_MS = 160;
const RESIZE_MS = 100;
/** All y axes have one width, so that the step axes line up. */
const AXIS_WIDTH = 52;
const MOST_DECADES = 6;

export function slotColor(slot: Slot): string {
  return cssColor(slot === "A" ? "--run-a" : "--run-b");
}

/** The powers of ten in a range; if there are more than {@linkcode MOST_DECADES}, only every second, third, … of them. */
function decades(_: uPlot, __: number, least: number, most: number): number[] {
  const [first, last] = [Math.ceil(Math.log10(least) - 1e-9), Math.floor(Math.log10(most) + 1e-9)];
  const stride = Math.ceil((last - first + 1) / MOST_DECADES);
  return Array.from(
    { length: Math.max(0, Math.floor((last - first) / stride) + 1) },
    (_, i) => 10 ** (last - i * stride),
  )
    .reverse();
}

/** Keeps all ticks; by default uPlot drops some from a logarithmic axis. */
function allTicks(_: uPlot, splits: number[]): number[] {
  return splits;
}

function tickOfStep(step: number): string {
  return step >= 1000 ? `${step / 1000}k` : String(step);
}

/** A chart over training steps, with a line for each of two runs and a readout of the values under the cursor. */
export class Chart {
  readonly root: HTMLElement;
  readonly #spec: ChartSpec;
  readonly #context: ChartContext;
  readonly #readout = element("output");
  readonly #frame = element("div", { className: "plot" });
  #plot: uPlot | undefined;
  /** Asks for a redraw, which follows within {@linkcode DRAW_MS}. */
  readonly draw: () => void;

  constructor(spec: ChartSpec, context: ChartContext) {
    this.#spec = spec;
    this.#context = context;
    this.#frame.setAttribute("role", "img");
    this.#frame.setAttribute(
      "aria-label",
      `${spec.title}, by training step. The card of each run has its latest values.`,
    );
    const caption = element("figcaption", {}, element("strong", {}, spec.title), this.#readout);
    this.root = element("figure", {}, caption, this.#frame);
    this.#frame.style.minHeight = `${spec.height}px`;
    const resize = throttled(() => this.#resize(), RESIZE_MS);
    new ResizeObserver(resize).observe(this.#frame);
    this.draw = throttled(() => this.#draw(), DRAW_MS);
  }

  /** Creates the plot again, with the current colors and size. */
  build(): void {
    this.#plot?.destroy();
    const width = this.#frame.clientWidth;
    if (width === 0) return;
    this.#plot = new uPlot({ ...this.#options(), width, height: this.#spec.height }, this.#data(), this.#frame);
  }

  #draw(): void {
    if (this.#plot === undefined) this.build();
    else this.#plot.setData(this.#data());
  }

  #resize(): void {
    const width = this.#frame.clientWidth;
    if (this.#plot === undefined) this.build();
    else if (width > 0 && width !== this.#plot.width) this.#plot.setSize({ width, height: this.#spec.height });
  }

  /** The steps, then one row of values for each slot. */
  #data(): uPlot.AlignedData {
    return uPlot.join(SLOTS.map((slot): uPlot.AlignedData => {
      const run = this.#context.runs().find((run) => run.slot === slot);
      const curve = run && this.#spec.curve(run);
      return [curve?.steps ?? [], curve?.values ?? []];
    }));
  }

  #options(): Omit<uPlot.Options, "width" | "height"> {
    const { y, tick, paint } = this.#spec;
    const axis: uPlot.Axis = {
      stroke: cssColor("--muted"),
      font: "12px system-ui, sans-serif",
      grid: { stroke: cssColor("--line"), width: 1 },
      ticks: { show: false },
    };
    return {
      legend: { show: false },
      cursor: { sync: { key: "lab" }, y: false, points: { show: paint === undefined }, drag: { x: false, y: false } },
      padding: [8, 16, 0, 0],
      scales: {
        x: { time: false, distr: 3, range: () => [1, this.#context.lastStep()] },
        y: "range" in y
          ? { range: [...y.range] }
          : { distr: 3, range: (_, least, most) => wholeDecades(least, most) ?? [...y.empty] },
      },
      axes: [
        { ...axis, size: 26, splits: decades, filter: allTicks, values: (_, splits) => splits.map(tickOfStep) },
        {
          ...axis,
          size: AXIS_WIDTH,
          splits: "ticks" in y ? [...y.ticks] : decades,
          filter: allTicks,
          values: (_, splits) => splits.map(tick),
        },
      ],
      series: [{}, ...SLOTS.map((slot) => this.#series(slot))],
      hooks: {
        setCursor: [(plot) => this.#read(plot)],
        ...(paint && { draw: [(plot: uPlot) => paint(plot, this.#context.runs())] }),
      },
    };
  }

  #series(slot: Slot): uPlot.Series {
    const points = { show: false };
    if (this.#spec.paint) return { stroke: "transparent", points };
    // the second run is dashed, so that color is not the only difference
    return { stroke: slotColor(slot), width: 2, spanGaps: true, points, ...(slot === "B" && { dash: [6, 4] }) };
  }

  #read(plot: uPlot): void {
    const { left } = plot.cursor;
    if (left === undefined || left < 0) return void (this.#readout.textContent = "");
    const step = plot.posToVal(left, "x");
    const values = this.#context.runs().flatMap((run) => {
      const { steps, values } = this.#spec.curve(run);
      const at = steps.findLastIndex((known) => known <= step);
      return at < 0 || this.#spec.paint ? [] : [`${run.slot} ${this.#spec.read(values[at])}`];
    });
    this.#readout.textContent = [`step ${formatInteger(step)}`, ...values].join("   ");
  }
}

/** The smallest range of whole powers of ten that contains both values; undefined if there are no values. */
function wholeDecades(least: number | null, most: number | null): [number, number] | undefined {
  if (least === null || most === null || !(least > 0)) return undefined;
  return [10 ** Math.floor(Math.log10(least)), 10 ** Math.ceil(Math.log10(most))];
}
