/**
 * Training examples per second for batches from 16 to 4096, on one thread up to all, by elapsed time.
 *
 * ```sh
 * deno task bench:scaling --svg docs/scaling.svg --arithmetic fast
 * ```
 */
import * as Plot from "@observablehq/plot";
import { oneOf, outputFile, wholeNumber } from "../src/cli/flags.ts";
import { plural } from "../src/cli/format.ts";
import { type Arithmetic, ARITHMETICS, createEngine } from "../src/engine/mod.ts";
import { COLOURS } from "../src/svg/svg.ts";
import { formatRate, inTurns, machineLine, measure, median, runBench, table, training } from "./measure.ts";
import { writePlot } from "./plot_svg.ts";

const BATCHES = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

/** Measures all engines in turns: for each thread and batch the rate, and the gain over one thread in the same round, as medians. */
async function measureAll(arithmetic: Arithmetic, rounds: number) {
  const threads = Array.from({ length: navigator.hardwareConcurrency }, (_, i) => i + 1);
  const engines = await Promise.all(threads.map((threads) => createEngine({ backend: "wasm", arithmetic, threads })));
  for (const engine of engines) {
    engine.initialize(1);
    await measure(training(engine, 128), { seconds: 0.1, repeats: 1, warmup: 0.5 });
  }
  const cells = BATCHES.flatMap((batch) => engines.map((engine) => ({ batch, engine })));
  const rates = await inTurns(
    rounds,
    cells.map(({ batch, engine }) => async () => {
      const [{ wall }] = await measure(training(engine, batch), { seconds: 0.1, repeats: 1, warmup: 0.02 });
      return wall;
    }),
  );
  for (const engine of engines) await engine.dispose();
  return cells.map(({ batch, engine: { threads } }, i) => ({
    ...{ batch, threads, rate: median(rates[i]) },
    gain: median(rates[i].map((rate, round) => rate / rates[i + 1 - threads][round])),
  }));
}

type Cell = Awaited<ReturnType<typeof measureAll>>[number];

function toMarkdown(cells: readonly Cell[]): string {
  const rows = [...Map.groupBy(cells, ({ batch }) => batch)].map(([batch, row]) => [
    batch,
    ...row.map(({ threads, rate, gain }) => formatRate(rate) + (threads > 1 ? ` (${gain.toFixed(2)} x)` : "")),
  ]);
  return table(["batch", ...rows[0].slice(1).map((_, i) => `${plural(i + 1, "thread")}, examples/s`)], rows);
}

/** Plots examples per second against the batch size on a logarithmic axis. */
function plotOf(cells: readonly Cell[], title: string, machine: string): Plot.PlotOptions {
  const [axes, stroke] = [{ x: "batch", y: "rate" }, ({ threads }: Cell) => COLOURS[(threads - 1) % COLOURS.length]];
  return {
    ...{ width: 760, height: 440, marginTop: 50, marginRight: 80, marginBottom: 70, marginLeft: 70 },
    x: { type: "log", base: 2, label: "batch size", ticks: BATCHES, tickFormat: String, labelOffset: 45 },
    y: { label: "examples per second", domain: [0, Math.max(...cells.map(({ rate }) => rate))], grid: true, ticks: 5 },
    marks: [
      Plot.line(cells, { ...axes, stroke, strokeWidth: 2 }),
      Plot.dot(cells, { ...axes, fill: stroke }),
      Plot.text(cells.filter(({ batch }) => batch === BATCHES.at(-1)), {
        ...{ ...axes, text: ({ threads }) => plural(threads, "thread"), fill: stroke, fontSize: 12 },
        ...{ dx: 8, textAnchor: "start" },
      }),
      Plot.text([title], { frameAnchor: "top", dy: -32, fontSize: 15 }),
      Plot.text([machine], { frameAnchor: "bottom-left", dy: 62, textAnchor: "start", fill: "#777" }),
    ],
  };
}

await runBench({
  name: "bench:scaling",
  flags: {
    arithmetic: oneOf(ARITHMETICS, "arithmetic of the engine"),
    rounds: wholeNumber("N", "rounds of measurements", [1, 1000]),
    svg: outputFile("FILE.svg", "file to plot the rates into"),
  },
  async run({ flags: { arithmetic = "exact", rounds = 9, svg } }) {
    const cells = await measureAll(arithmetic, rounds);
    const machine = machineLine();
    console.log(`${toMarkdown(cells)}\n\nTraining, ${arithmetic}, medians of ${rounds} rounds. ${machine}`);
    if (svg !== undefined) await writePlot(svg, plotOf(cells, `Training, ${arithmetic} arithmetic`, machine));
    return 0;
  },
});
