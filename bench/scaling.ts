/**
 * Training examples per second for batches from 16 to 4096, on one thread up to all.
 *
 * ```sh
 * deno task bench:scaling
 * deno task bench:scaling --svg docs/scaling.svg --arithmetic fast
 * ```
 *
 * Medians of `--rounds` rounds by elapsed time. Numbers of threads that cannot run are named below the table.
 *
 * @module
 */
import { oneOf, outputFile, wholeNumber } from "../src/cli/flags.ts";
import { type Arithmetic, ARITHMETICS, createEngine, type Engine } from "../src/engine/mod.ts";
import { chartSvg } from "../src/svg/chart.ts";
import { formatRate, inTurns, machineLine, measure, median, runBench, table, training } from "./measure.ts";

const BATCHES = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096];
const SECONDS = 0.1;

/** The rates with one number of threads, in examples per second, one entry for each of BATCHES. */
interface Line {
  name: string;
  rates: number[];
  /** The median ratio to one thread in the same round. */
  gains: number[];
}

/** Makes an engine with exactly this number of threads, or returns the reason why there is none. */
async function engineWith(threads: number, arithmetic: Arithmetic): Promise<Engine | string> {
  try {
    const engine = await createEngine({ backend: "wasm", arithmetic, threads });
    if (engine.threads === threads && engine.arithmetic === arithmetic) return engine;
    await engine.dispose();
    return `createEngine gave ${engine.threads} with ${engine.arithmetic} arithmetic`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Measures all engines in turns, batch by batch, so that a disturbance affects them alike. */
async function measureAll(arithmetic: Arithmetic, rounds: number): Promise<{ lines: Line[]; refused: string[] }> {
  const engines: Engine[] = [];
  const refused: string[] = [];
  for (let threads = 1; threads <= navigator.hardwareConcurrency; threads++) {
    const engine = await engineWith(threads, arithmetic);
    if (typeof engine === "string") refused.push(`${threads} threads: not run, ${engine}`);
    else engines.push(engine);
  }
  for (const engine of engines) {
    engine.initialize(1);
    await measure(training(engine, 128), { seconds: 0.1, repeats: 1, warmup: 0.5 });
  }
  const sides = BATCHES.flatMap((batch) =>
    engines.map((engine) => async () => {
      return (await measure(training(engine, batch), { seconds: SECONDS, repeats: 1, warmup: 0.02 })).wall[0];
    })
  );
  const rates = await inTurns(rounds, sides);
  /** The rates with the k-th engine at the i-th batch, one a round. */
  const ratesOf = (i: number, k: number) => rates[i * engines.length + k];
  const lines = engines.map(({ threads }, k) => ({
    name: threads === 1 ? "1 thread" : `${threads} threads`,
    rates: BATCHES.map((_, i) => median(ratesOf(i, k))),
    gains: BATCHES.map((_, i) => median(ratesOf(i, k).map((rate, round) => rate / ratesOf(i, 0)[round]))),
  }));
  for (const engine of engines) await engine.dispose();
  return { lines, refused };
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
    const { lines, refused } = await measureAll(arithmetic, rounds);
    const machine = machineLine();
    const note = `Training, ${arithmetic}, medians of ${rounds} rounds. ${machine}`;
    console.log([toMarkdown(lines), note, ...refused].join("\n\n"));
    if (svg !== undefined) {
      await Deno.writeTextFile(svg, toSvg(lines, `Training, ${arithmetic} arithmetic, ${machine}`));
    }
    return 0;
  },
});
