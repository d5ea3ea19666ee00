/**
 * Tables and curves of what bench/grokking.ts measured, for docs/grokking.md.
 *
 * ```sh
 * deno run --allow-read --allow-write=docs --allow-env bench/grokking_report.ts docs/data/grokking.jsonl
 * ```
 *
 * Prints the tables; writes docs/grokking.svg and docs/grokking_changes.svg.
 *
 * @module
 */
import * as Plot from "@observablehq/plot";
import type { GrokkingLine } from "./grokking.ts";
import { svg } from "./plot_svg.ts";

/** A point of a curve. */
interface Point {
  /** Which curve. */
  of: string;
  /** Steps. */
  step: number;
  /** Accuracy. */
  accuracy: number;
}

const percent = (share: number) => `${(100 * share).toFixed(share > 0.9995 && share < 1 ? 2 : 1)}%`;

/** The value below which a share q of the values lies, between two of them by proportion. */
function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

/** The quantile of the accuracy of many runs, step by step. */
function curve(lines: readonly GrokkingLine[], q: number): { step: number; accuracy: number }[] {
  return lines[0].points.map(([step], i) => ({ step, accuracy: quantile(lines.map(({ points }) => points[i][1]), q) }));
}

function pointsOf(line: GrokkingLine): Point[] {
  return line.points.map(([step, accuracy]) => ({ of: `seed ${line.seed}`, step, accuracy }));
}

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [head, head.map(() => "-"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

const plain = (lines: readonly GrokkingLine[], phase: 1 | 2) =>
  lines.filter((line) =>
    line.phase === phase && line.first === "as it is" && (phase === 1 || line.second === "as it is")
  );

/** The second phase that is only shortened. */
const UNCHANGED = "first 10,000 steps";

/** How the names of changes to a phase 1 that goes on begin. */
const GOES_ON = "phase 1 goes on";

/** The seeds nearest to the quartiles of the accuracy after phase 1. */
function typicalSeeds(first: readonly GrokkingLine[]): number[] {
  return [0.25, 0.5, 0.75].map((q) => {
    const wanted = quantile(first.map(({ after }) => after), q);
    return first.toSorted((a, b) => Math.abs(a.after - wanted) - Math.abs(b.after - wanted))[0].seed;
  });
}

/** How the accuracy is spread. */
function spread(name: string, values: readonly number[]): (string | number)[] {
  const below = (limit: number) => values.filter((value) => value >= limit).length;
  const quantiles = [0, 0.25, 0.5, 0.75, 1].map((q) => percent(quantile(values, q)));
  return [name, values.length, ...quantiles, below(0.9), below(0.99), below(0.999)];
}

const SPREAD = ["", "seeds", "least", "quartile", "median", "quartile", "most", ">= 90%", ">= 99%", ">= 99.9%"];

/** What phase 1 reaches, plain and with changes, and phase 2 after it. */
function spreads(lines: readonly GrokkingLine[]): string {
  const rows = [...new Set(lines.map(({ first }) => first))].flatMap((change) => {
    const of = (phase: 1 | 2) =>
      lines.filter((line) =>
        line.first === change && line.phase === phase && (phase === 1 || line.second === "as it is")
      )
        .map(({ after }) => after);
    const name = change === "as it is" ? "" : `, ${change}`;
    return [spread(`phase 1${name}`, of(1)), spread(`phase 2 after phase 1${name}`, of(2))].filter(([, n]) => n !== 0);
  });
  return table(SPREAD, rows);
}

/** When phase 2 reached 99%. */
function jumps(lines: readonly GrokkingLine[]): string {
  const runs = plain(lines, 2).map(({ points }) => ({ steps: points.at(-1)![0], reached: points.at(-1)![1] >= 0.99 }));
  const classes: [string, (steps: number) => boolean][] = [
    ["1,000 steps, the first look", (steps) => steps === 1000],
    ["2,000 … 10,000 steps", (steps) => steps > 1000 && steps <= 10_000],
    ["11,000 … 200,000 steps", (steps) => steps > 10_000],
  ];
  const rows = classes.map((
    [name, holds],
  ) => [name, runs.filter(({ steps, reached }) => reached && holds(steps)).length]);
  return table(["99% of 10,000 pairs after", "seeds"], [...rows, [
    "never in 200,000",
    runs.filter((r) => !r.reached).length,
  ]]);
}

const SHORT_AT = [500, 1000, 2000, 5000, 10_000];

/** The short second phases: the median accuracy on the way, change by change. */
function changes(lines: readonly GrokkingLine[]): string {
  const short = Map.groupBy(
    lines.filter(({ phase, first, second }) => phase === 2 && first === "as it is" && second !== "as it is"),
    ({ second }) => second!,
  );
  const rows = [...short].map(([change, runs]) => {
    const at = (step: number) => runs.map(({ points }) => points.find(([s]) => s === step)![1]);
    const early = runs.filter(({ points }) =>
      points.some(([step, accuracy]) => step <= 1000 && accuracy >= 0.99)
    ).length;
    const ever = runs.filter(({ points }) => points.some(([, accuracy]) => accuracy >= 0.99)).length;
    const last = at(SHORT_AT.at(-1)!).filter((accuracy) => accuracy >= 0.99).length;
    return [change, runs.length, ...SHORT_AT.map((step) => percent(quantile(at(step), 0.5))), early, ever, last];
  });
  const steps = SHORT_AT.map((step) => `median at ${step.toLocaleString("en-US")}`);
  return table(["phase 2", "seeds", ...steps, "99% by 1,000", "by 10,000", "at 10,000"], rows);
}

/** Okabe and Ito's colours, for all eyes. */
const COLOURS = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#e69f00",
  "#000000",
  "#999999",
  "#882255",
  "#44aa99",
];

const AXES = {
  width: 760,
  marginLeft: 50,
  marginRight: 20,
  y: { label: "share of 10,000 held-out pairs that is right", percent: true, grid: true, domain: [0, 100] },
};

/** Phase 1 and the first steps of phase 2: the median, the middle half of the seeds, three typical seeds. */
function story(lines: readonly GrokkingLine[]): string {
  const first = plain(lines, 1);
  const second = lines.filter(({ first, second }) => first === "as it is" && second === UNCHANGED);
  const seeds = typicalSeeds(first);
  const phases = ["phase 1: 400,000 steps", "phase 2: the first 10,000 steps"];
  const ofPhase = (runs: readonly GrokkingLine[], phase: string) => {
    const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => curve(runs, q));
    return {
      band: middle.map(({ step }, i) => ({ phase, step, low: low[i].accuracy, high: high[i].accuracy })),
      median: middle.map((point) => ({ phase, of: "median", ...point })),
      typical: runs.filter(({ seed }) => seeds.includes(seed)).flatMap(pointsOf).map((point) => ({ phase, ...point })),
    };
  };
  const parts = [ofPhase(first, phases[0]), ofPhase(second, phases[1])];
  // one axis of steps for both: phase 2 follows phase 1, forty times stretched
  const x = ({ phase, step }: { phase: string; step: number }) => phase === phases[0] ? step / 1000 : 440 + step / 25;
  const names = ["median", ...seeds.map((seed) => `seed ${seed}`)];
  const ticks = [0, 100, 200, 300, 400, 440, 540, 640, 740, 840];
  return svg({
    ...{ ...AXES, height: 420, marginBottom: 45 },
    x: {
      label: "steps of phase 1 (to 400k), then of phase 2 (stretched)",
      ...{
        ticks,
        domain: [0, 840],
        tickFormat: (t: number) => t <= 400 ? `${t}k` : `+${(t - 440) / 40}k`,
      },
    },
    color: { domain: names, range: ["#000000", ...COLOURS], legend: false },
    marks: [
      Plot.areaY(parts.flatMap(({ band }) => band), {
        x,
        y1: "low",
        y2: "high",
        z: "phase",
        fill: "#bbb",
        fillOpacity: 0.5,
      }),
      Plot.line(parts.flatMap(({ typical }) => typical), {
        ...{ x, y: "accuracy", stroke: "of", strokeWidth: 1 },
        z: ({ phase, of }: { phase: string; of: string }) => phase + of,
      }),
      Plot.line(parts.flatMap(({ median }) => median), {
        x,
        y: "accuracy",
        z: "phase",
        stroke: "of",
        strokeWidth: 2.5,
      }),
      Plot.text(names.map((name, i) => ({ name, i })), {
        ...{
          x: 15,
          y: ({ i }: { i: number }) => 0.96 - 0.06 * i,
          text: "name",
          fill: "name",
          textAnchor: "start",
          fontSize: 13,
        },
      }),
      Plot.ruleX([420], { stroke: "#999", strokeDasharray: "3,3" }),
    ],
  });
}

/** The short second phases, change by change: median accuracy, in two panels. */
function changesPlot(lines: readonly GrokkingLine[]): string {
  const short = Map.groupBy(
    lines.filter(({ phase, first, second }) => phase === 2 && first === "as it is" && second !== "as it is"),
    ({ second }) => second!,
  );
  const panels = ["phase 2, one thing changed", "phase 1 goes on, one thing changed"];
  const panelOf = (change: string) => panels[Number(change.startsWith(GOES_ON))];
  const names = [...short.keys()].map((change) => ({ change, panel: panelOf(change) }));
  const points = [...short].flatMap(([change, runs]) =>
    curve(runs, 0.5).map((point) => ({ change, panel: panelOf(change), ...point }))
  );
  const rank = ({ change, panel }: { change: string; panel: string }) =>
    names.filter((one) => one.panel === panel).findIndex((one) => one.change === change);
  // the same colour for the same thing: learning rate, weight decay, batch
  const colour = (of: { change: string; panel: string }) => COLOURS[rank(of)];
  return svg({
    ...{ ...AXES, height: 440, marginBottom: 40 },
    y: { ...AXES.y, label: "median share of 10,000 pairs that is right", domain: [50, 100] },
    x: { label: "steps", domain: [0, 10_000], ticks: 4 },
    fx: { label: null, domain: panels },
    marks: [
      Plot.line(points, {
        fx: "panel",
        x: "step",
        y: "accuracy",
        z: "change",
        stroke: colour,
        strokeWidth: 1.7,
        clip: true,
      }),
      Plot.text(names, {
        ...{ fx: "panel", x: 300, y: (of) => 0.66 - 0.03 * rank(of), fill: colour, textAnchor: "start", fontSize: 12 },
        text: ({ change }) => change === UNCHANGED ? "phase 2 as it is" : change.replace(`${GOES_ON}, `, ""),
      }),
    ],
  });
}

if (import.meta.main) {
  const texts = await Promise.all(Deno.args.map((path) => Deno.readTextFile(path)));
  const lines: GrokkingLine[] = texts.flatMap((text) => text.trim().split("\n")).map((line) => JSON.parse(line));
  console.log([spreads(lines), jumps(lines), changes(lines)].join("\n\n"));
  await Deno.writeTextFile("docs/grokking.svg", `${story(lines)}\n`);
  await Deno.writeTextFile("docs/grokking_changes.svg", `${changesPlot(lines)}\n`);
}
