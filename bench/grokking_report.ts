/**
 * The tables and plots of docs/grokking.md, from the lines that bench/grokking.ts writes.
 *
 * ```sh
 * deno run --quiet --config bench/deno.json --allow-read --allow-write=docs --allow-env bench/grokking_report.ts docs/data/grokking.jsonl
 * ```
 *
 * Prints the tables; writes docs/grokking.svg and docs/grokking_changes.svg.
 */
import * as Plot from "@observablehq/plot";
import { COLOURS } from "../src/svg/svg.ts";
import { shareText, wilson } from "../src/sweep/summary.ts";
import { type GrokkingLine, SHORT_PHASES, WHOLE } from "./grokking.ts";
import { table } from "./measure.ts";
import { writePlot } from "./plot_svg.ts";

const percent = (share: number) => `${(100 * share).toFixed(share > 0.9995 && share < 1 ? 2 : 1)}%`;

/** How many of the runs fulfil a condition, and the 95% Wilson interval of that share. */
function share(runs: readonly GrokkingLine[], holds: (run: GrokkingLine) => boolean): string {
  return shareText(wilson(runs.filter(holds).length, runs.length));
}

/** The value below which a share q of the values lies, interpolated linearly. */
function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

/** The points of runs, of which Plot takes quantiles step by step. */
function pointsOf(runs: readonly GrokkingLine[]): { seed: number; step: number; accuracy: number }[] {
  return runs.flatMap(({ seed, points }) => points.map(([step, accuracy]) => ({ seed, step, accuracy })));
}

/** The runs of one phase, without the short ones. */
function ofPhase(lines: readonly GrokkingLine[], phase: 1 | 2): GrokkingLine[] {
  return lines.filter((line) => line.phase === phase && (phase === 1 || line.second === WHOLE));
}

/** The short second phases: what each continues, what is changed, and all its runs. */
function shortPhases(lines: readonly GrokkingLine[]) {
  return Object.keys(SHORT_PHASES).map((name) => {
    const [panel, change] = name.split(", ");
    return { name, panel, change, runs: lines.filter(({ second }) => second === name) };
  });
}

/** The seeds nearest to the quartiles of the accuracy after phase 1. */
function typicalSeeds(first: readonly GrokkingLine[]): number[] {
  return [0.25, 0.5, 0.75].map((q) => {
    const target = quantile(first.map(({ after }) => after), q);
    return first.toSorted((a, b) => Math.abs(a.after - target) - Math.abs(b.after - target))[0].seed;
  });
}

function reached(lines: readonly GrokkingLine[]): string {
  const rows = ([1, 2] as const).map((phase) => {
    const runs = ofPhase(lines, phase);
    const quantiles = [0, 0.25, 0.5, 0.75, 1].map((q) => percent(quantile(runs.map(({ after }) => after), q)));
    const shares = [0.9, 0.99, 0.999].map((limit) => share(runs, ({ after }) => after >= limit));
    return [`after phase ${phase}`, runs.length, ...quantiles, ...shares];
  });
  const head = ["", "seeds", "least", "quartile", "median", "quartile", "most", ">= 90%", ">= 99%", ">= 99.9%"];
  return table(head, rows);
}

/** The steps after which phase 2 first has 99%, which ends it. */
function jumps(lines: readonly GrokkingLine[]): string {
  const runs = ofPhase(lines, 2);
  const within = (run: GrokkingLine, low: number, high: number) => {
    const [step, accuracy] = run.points.at(-1)!;
    return accuracy >= 0.99 && step >= low && step <= high;
  };
  return table(["first evaluation with 99% or more", "seeds"], [
    ["step 1,000, the first", share(runs, (run) => within(run, 0, 1000))],
    ["step 2,000 to 13,000", share(runs, (run) => within(run, 2000, 13_000))],
    ["step 14,000 to 200,000", share(runs, (run) => within(run, 14_000, 200_000))],
    ["never in 200,000 steps", share(runs, (run) => !within(run, 0, 200_000))],
  ]);
}

const SHORT_AT = [500, 2000, 5000, 10_000];

/** The short second phases: the median accuracy on the way, change by change. */
function changes(lines: readonly GrokkingLine[]): string {
  const rows = shortPhases(lines).map(({ name, runs }) => {
    const at = ({ points }: GrokkingLine, step: number) => points.find(([s]) => s === step)![1];
    const medians = SHORT_AT.map((step) => percent(quantile(runs.map((run) => at(run, step)), 0.5)));
    const early = share(runs, ({ points }) => points.some(([step, accuracy]) => step <= 1000 && accuracy >= 0.99));
    return [name, runs.length, ...medians, early, share(runs, (run) => at(run, 10_000) >= 0.99)];
  });
  const steps = SHORT_AT.map((step) => `median at ${step.toLocaleString("en-US")}`);
  return table(["", "seeds", ...steps, ">= 99% by 1,000", ">= 99% at 10,000"], rows);
}

const AXES = {
  width: 760,
  marginLeft: 50,
  marginRight: 20,
  y: { label: "accuracy on 10,000 held-out pairs, %", percent: true, grid: true, domain: [0, 100] },
};

/** Phase 1 and the first steps of phase 2: the median, the middle half of the seeds, three typical seeds. */
function story(lines: readonly GrokkingLine[]): Plot.PlotOptions {
  const first = ofPhase(lines, 1);
  const seeds = typicalSeeds(first);
  // one axis of steps for both phases: phase 2 follows phase 1, stretched forty times
  const points = [
    ...pointsOf(first).map(({ step, ...point }) => ({ ...point, phase: 1, x: step / 1000 })),
    ...pointsOf(shortPhases(lines)[0].runs).map(({ step, ...point }) => ({ ...point, phase: 2, x: 440 + step / 25 })),
  ];
  const colours = ["#000000", ...COLOURS];
  const ticks = [0, 100, 200, 300, 400, 440, 540, 640, 740, 840];
  return {
    ...{ ...AXES, height: 420, marginBottom: 45 },
    x: {
      label: "steps of phase 1, then steps of phase 2, stretched 40 times",
      ...{ type: "linear", ticks, domain: [0, 840], tickFormat: (t) => t <= 400 ? `${t}k` : `+${(t - 440) / 40}k` },
    },
    marks: [
      Plot.areaY(
        points,
        Plot.groupX({ y1: "p25", y2: "p75" }, {
          ...{ x: "x", y1: "accuracy", y2: "accuracy", z: "phase", fill: "#bbb", fillOpacity: 0.5 },
        }),
      ),
      Plot.line(points.filter(({ seed }) => seeds.includes(seed)), {
        ...{ x: "x", y: "accuracy", strokeWidth: 1, z: ({ phase, seed }) => `${phase}, ${seed}` },
        stroke: ({ seed }) => colours[1 + seeds.indexOf(seed)],
      }),
      Plot.lineY(
        points,
        Plot.groupX({ y: "median" }, { x: "x", y: "accuracy", z: "phase", stroke: "black", strokeWidth: 2.5 }),
      ),
      Plot.text(["median", ...seeds.map((seed) => `seed ${seed}`)], {
        ...{ x: 15, y: (_, i: number) => 0.96 - 0.06 * i, text: (name) => name, fill: (_, i: number) => colours[i] },
        ...{ textAnchor: "start", fontSize: 13 },
      }),
      Plot.ruleX([420], { stroke: "#999", strokeDasharray: "3,3" }),
    ],
  };
}

/** The short second phases, change by change: median accuracy, in two panels. */
function changesPlot(lines: readonly GrokkingLine[]): Plot.PlotOptions {
  const phases = shortPhases(lines).map((phase, _, all) => ({
    ...phase,
    rank: all.filter(({ panel }) => panel === phase.panel).indexOf(phase),
  }));
  const points = phases.flatMap(({ panel, rank, runs }) => pointsOf(runs).map((one) => ({ ...one, panel, rank })));
  const colour = ({ rank }: { rank: number }) => COLOURS[rank];
  return {
    ...{ ...AXES, height: 440, marginBottom: 40 },
    y: { ...AXES.y, label: "median accuracy on 10,000 held-out pairs, %", domain: [50, 100] },
    x: { label: "steps", type: "linear", domain: [0, 10_000], ticks: 4 },
    fx: { label: null, domain: ["phase 2", "phase 1 continued"] },
    marks: [
      Plot.lineY(
        points,
        Plot.groupX({ y: "median" }, {
          ...{ fx: "panel", x: "step", y: "accuracy", z: "rank", stroke: colour, strokeWidth: 1.7, clip: true },
        }),
      ),
      Plot.text(phases, {
        ...{ fx: "panel", x: 300, y: ({ rank }) => 0.66 - 0.03 * rank, text: "change", fill: colour },
        ...{ textAnchor: "start", fontSize: 12 },
      }),
    ],
  };
}

if (import.meta.main) {
  const texts = await Promise.all(Deno.args.map((path) => Deno.readTextFile(path)));
  const lines: GrokkingLine[] = texts.flatMap((text) => text.trim().split("\n")).map((line) => JSON.parse(line));
  console.log([reached(lines), jumps(lines), changes(lines)].join("\n\n"));
  await writePlot("docs/grokking.svg", story(lines));
  await writePlot("docs/grokking_changes.svg", changesPlot(lines));
}
