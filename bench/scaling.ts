/**
 * Training examples per second for batches from 16 to 4096, on one thread up to all.
 *
 * ```sh
 * deno task bench:scaling
 * deno task bench:scaling --svg docs/scaling.svg --arithmetic fast
 * ```
 *
 * Medians of `--rounds` rounds by elapsed time.
 */
import { oneOf, outputFile, wholeNumber } from "../src/cli/flags.ts";
import { plural } from "../src/cli/format.ts";
import { type Arithmetic, ARITHMETICS, createEngine, type Engine } from "../src/engine/mod.ts";
import { chartSvg } from "../src/svg/chart.ts";
import { formatRate, inTurns, machineLine, measure, median, runBench, table, training } from "./measure.ts";

const BATCHES = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096];
const SECONDS = 0.1;

type Line = Awaited<ReturnType<typeof measureAll>>[number];

/** Measures all engines in turns, so that a disturbance affects them alike. */
async function measureAll(arithmetic: Arithmetic, rounds: number) {
  const engines: Engine[] = [];
  for (let threads = 1; threads <= navigator.hardwareConcurrency; threads++) {
    const engine = await createEngine({ backend: "wasm", arithmetic, threads });
    engines.push(engine);
    engine.initialize(1);
    await measure(training(engine, 128), { seconds: 0.1, repeats: 1, warmup: 0.5 });
  }
  const sides = BATCHES.flatMap((batch) =>
    engines.map((engine) => async () => {
      const { wall: [rate] } = await measure(training(engine, batch), { seconds: SECONDS, repeats: 1, warmup: 0.02 });
      return rate;
    })
  );
  const rates = await inTurns(rounds, sides);
  /** The rates with the k-th engine at the i-th batch, one a round. */
  const ratesOf = (i: number, k: number) => rates[i * engines.length + k];
  const lines = engines.map(({ threads, arithmetic }, k) => ({
    name: `${plural(threads, "thread")}, ${arithmetic}`,
    /** Examples per second, by batch. */
    rates: BATCHES.map((_, i) => median(ratesOf(i, k))),
    /** The median ratio to one thread in the same round. */
    gains: BATCHES.map((_, i) => median(ratesOf(i, k).map((rate, round) => rate / ratesOf(i, 0)[round]))),
  }));
  for (const engine of engines) await engine.dispose();
  return lines;
}

function toMarkdown(lines: readonly Line[]): string {
  const cell = ({ rates, gains }: Line, i: number, k: number) =>
    formatRate(rates[i]) + (k > 0 ? ` (${gains[i].toFixed(2)} x)` : "");
  return table(
    ["batch", ...lines.map(({ name }) => `${name}, examples/s`)],
    BATCHES.map((batch, i) => [batch, ...lines.map((line, k) => cell(line, i, k))]),
  );
}

/** Plots examples per second against the batch size on a logarithmic axis. */
function toSvg(lines: readonly Line[], title: string): string {
  const step = 10 ** Math.floor(Math.log10(Math.max(...lines.flatMap(({ rates }) => rates)))) / 2;
  const top = step * Math.ceil(Math.max(...lines.flatMap(({ rates }) => rates)) / step);
  const across = (i: number) => i / (BATCHES.length - 1);
  return chartSvg({
    title,
    xLabel: "batch size; up: examples per second",
    xTicks: BATCHES.map((batch, i) => [across(i), String(batch)]),
    yTicks: Array.from({ length: top / step + 1 }, (_, i) => [i * step / top, formatRate(i * step)]),
    curves: lines.map(({ name: label, rates }) => ({
      label,
      path: (x, y) => `M${rates.map((rate, i) => `${x(across(i))} ${y(rate / top)}`).join("L")}`,
    })),
  });
}

await runBench({
  name: "bench:scaling",
  flags: {
    arithmetic: oneOf(ARITHMETICS, "arithmetic of the engine"),
    rounds: wholeNumber("N", "rounds of measurements", { least: 1, most: 1000 }),
    svg: outputFile("FILE.svg", "file to plot the rates into"),
  },
  async run({ flags: { arithmetic = "exact", rounds = 9, svg } }) {
    const lines = await measureAll(arithmetic, rounds);
    const machine = machineLine();
    console.log(`${toMarkdown(lines)}\n\nTraining, medians of ${rounds} rounds. ${machine}`);
    if (svg !== undefined) {
      await Deno.writeTextFile(svg, toSvg(lines, `Training, ${arithmetic} arithmetic, ${machine}`));
    }
    return 0;
  },
});
