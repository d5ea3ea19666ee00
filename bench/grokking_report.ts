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
import { least, median, quantile } from "d3-array";
import { COLOURS } from "../src/svg/svg.ts";
import { shareText, wilson } from "../src/sweep/summary.ts";
import { type GrokkingLine, SHORT_PHASES, WHOLE } from "./grokking.ts";
import { table } from "./measure.ts";
import { writePlot } from "./plot_svg.ts";

const lines = (await Deno.readTextFile(Deno.args[0])).trim().split("\n").map((line): GrokkingLine => JSON.parse(line));
const phase1 = lines.filter(({ phase }) => phase === 1);
const phase2 = lines.filter(({ second }) => second === WHOLE);
/** The short second phases: what each continues, what is changed, its rank among these changes, and all its runs. */
const shortPhases = Object.keys(SHORT_PHASES).map((name, i) => {
  const [panel, change] = name.split(", ");
  return { name, panel, change, rank: i % 5, runs: lines.filter(({ second }) => second === name) };
});

const percent = (share: number) => `${(100 * share).toFixed(share > 0.9995 && share < 1 ? 2 : 1)}%`;

/** How many of the runs fulfil a condition, and the 95% Wilson interval of that share. */
function share(runs: readonly GrokkingLine[], holds: (run: GrokkingLine) => boolean): string {
  return shareText(wilson(runs.filter(holds).length, runs.length));
}

const after = (run: GrokkingLine) => run.after;

/** The points of runs, of which Plot takes quantiles step by step. */
const pointsOf = (runs: readonly GrokkingLine[]) =>
  runs.flatMap(({ seed, points }) => points.map(([step, accuracy]) => ({ seed, step, accuracy })));

const accuracies = [phase1, phase2].map((runs, i) => {
  const quantiles = [0, 0.25, 0.5, 0.75, 1].map((q) => percent(quantile(runs, q, after)));
  const shares = [0.9, 0.99, 0.999].map((limit) => share(runs, (run) => run.after >= limit));
  return [`after phase ${i + 1}`, runs.length, ...quantiles, ...shares];
});
const head = ["", "seeds", "least", "quartile", "median", "quartile", "most", ">= 90%", ">= 99%", ">= 99.9%"];
console.log(`${table(head, accuracies)}\n`);

/** Runs of phase 2 that first have 99%, which ends them, after so many steps. */
const ends = (least: number, most: number) =>
  share(phase2, ({ points }) => {
    const [step, accuracy] = points.at(-1)!;
    return accuracy >= 0.99 && step >= least && step <= most;
  });
const ways = [
  ["step 1,000, the first", ends(0, 1000)],
  ["step 2,000 to 13,000", ends(2000, 13_000)],
  ["step 14,000 to 200,000", ends(14_000, 200_000)],
  ["never in 200,000 steps", share(phase2, ({ points }) => points.at(-1)![1] < 0.99)],
];
console.log(`${table(["first evaluation with 99% or more", "seeds"], ways)}\n`);

const steps = [500, 2000, 5000, 10_000];
const changes = shortPhases.map(({ name, runs }) => {
  const at = ({ points }: GrokkingLine, step: number) => points.find(([s]) => s === step)![1];
  const medians = steps.map((step) => percent(median(runs.map((run) => at(run, step)))));
  const early = share(runs, ({ points }) => points.some(([step, accuracy]) => step <= 1000 && accuracy >= 0.99));
  return [name, runs.length, ...medians, early, share(runs, (run) => at(run, 10_000) >= 0.99)];
});
const heads = steps.map((step) => `median at ${step.toLocaleString("en-US")}`);
console.log(table(["", "seeds", ...heads, ">= 99% by 1,000", ">= 99% at 10,000"], changes));

const AXES = {
  ...{ width: 760, marginLeft: 50, marginRight: 20 },
  y: { label: "accuracy on 10,000 held-out pairs, %", percent: true, grid: true, domain: [0, 100] },
};

// Phase 1 and the first steps of phase 2: the median, the middle half of the seeds, the seeds nearest to the quartiles after phase 1;
// one axis of steps for both phases: phase 2 follows phase 1, stretched forty times
const seeds = [0.25, 0.5, 0.75].map((q) => {
  const target = quantile(phase1, q, after);
  return least(phase1, (run: GrokkingLine) => Math.abs(run.after - target)).seed;
});
const bothPhases = [
  ...pointsOf(phase1).map(({ step, ...point }) => ({ ...point, phase: 1, x: step / 1000 })),
  ...pointsOf(shortPhases[0].runs).map(({ step, ...point }) => ({ ...point, phase: 2, x: 440 + step / 25 })),
];
const colours = ["#000000", ...COLOURS];
const axes = { x: "x", y: "accuracy", z: "phase" };
const ticks = [0, 100, 200, 300, 400, 440, 540, 640, 740, 840];
await writePlot("docs/grokking.svg", {
  ...{ ...AXES, height: 420, marginBottom: 45 },
  x: {
    label: "steps of phase 1, then steps of phase 2, stretched 40 times",
    ...{ type: "linear", ticks, domain: [0, 840], tickFormat: (t) => t <= 400 ? `${t}k` : `+${(t - 440) / 40}k` },
  },
  marks: [
    Plot.areaY(bothPhases, Plot.groupX({ y1: "p25", y2: "p75" }, { ...axes, fill: "#bbb", fillOpacity: 0.5 })),
    Plot.line(bothPhases.filter(({ seed }) => seeds.includes(seed)), {
      ...{ ...axes, strokeWidth: 1, z: ({ phase, seed }) => `${phase}, ${seed}` },
      stroke: ({ seed }) => colours[1 + seeds.indexOf(seed)],
    }),
    Plot.lineY(bothPhases, Plot.groupX({ y: "median" }, { ...axes, stroke: "black", strokeWidth: 2.5 })),
    Plot.text(["median", ...seeds.map((seed) => `seed ${seed}`)], {
      ...{ x: 15, y: (_, i: number) => 0.96 - 0.06 * i, text: (name) => name, fill: (_, i: number) => colours[i] },
      ...{ textAnchor: "start", fontSize: 13 },
    }),
    Plot.ruleX([420], { stroke: "#999", strokeDasharray: "3,3" }),
  ],
});

// The short second phases, change by change: median accuracy, in two panels
const points = shortPhases.flatMap(({ panel, rank, runs }) => pointsOf(runs).map((one) => ({ ...one, panel, rank })));
const colour = ({ rank }: { rank: number }) => COLOURS[rank];
const curves = { fx: "panel", x: "step", y: "accuracy", z: "rank", stroke: colour, strokeWidth: 1.7, clip: true };
await writePlot("docs/grokking_changes.svg", {
  ...{ ...AXES, height: 440, marginBottom: 40 },
  y: { ...AXES.y, label: "median accuracy on 10,000 held-out pairs, %", domain: [50, 100] },
  x: { label: "steps", type: "linear", domain: [0, 10_000], ticks: 4 },
  fx: { label: null, domain: ["phase 2", "phase 1 continued"] },
  marks: [
    Plot.lineY(points, Plot.groupX({ y: "median" }, curves)),
    Plot.text(shortPhases, {
      ...{ fx: "panel", x: 300, y: ({ rank }) => 0.66 - 0.03 * rank, text: "change", fill: colour },
      ...{ textAnchor: "start", fontSize: 12 },
    }),
  ],
});
