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
import * as Plot from "@observablehq/plot";
import { parseArgs } from "@std/cli";
import { type Arithmetic, ARITHMETICS, createEngine, type Engine } from "../src/engine/mod.ts";
import { describeMachine, formatRate, machineLine, measure, median, training } from "./measure.ts";
import { svg } from "./plot_svg.ts";

const BATCHES = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096];
const SECONDS = 0.1;

/** The rates with one number of threads, in examples per second, one entry for each of BATCHES. */
interface Line {
  threads: number;
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
  const samples = engines.map(() => BATCHES.map((): number[] => []));
  for (const engine of engines) {
    engine.initialize(1);
    await measure(training(engine, 128), { seconds: 0.1, repeats: 1, warmup: 0.5 });
  }
  for (let round = 0; round < rounds; round++) {
    for (const [i, batch] of BATCHES.entries()) {
      for (const [k, engine] of engines.entries()) {
        const duration = { seconds: SECONDS, repeats: 1, warmup: 0.02 };
        samples[k][i].push(...(await measure(training(engine, batch), duration)).wall);
      }
    }
  }
  const lines = engines.map(({ threads }, k) => ({
    threads,
    rates: samples[k].map(median),
    gains: samples[k].map((rates, i) => median(rates.map((rate, round) => rate / samples[0][i][round]))),
  }));
  for (const engine of engines) await engine.dispose();
  return { lines, refused };
}

function formatThreads(threads: number): string {
  return threads === 1 ? "1 thread" : `${threads} threads`;
}

function toMarkdown(lines: readonly Line[]): string {
  const row = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const cell = ({ threads, rates, gains }: Line, i: number) =>
    formatRate(rates[i]) + (threads > 1 ? ` (${gains[i].toFixed(2)} x)` : "");
  return [
    row(["batch", ...lines.map(({ threads }) => `${formatThreads(threads)}, examples/s`)]),
    row(["---:", ...lines.map(() => "---:")]),
    ...BATCHES.map((batch, i) => row([String(batch), ...lines.map((line) => cell(line, i))])),
  ].join("\n");
}

const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"]; // by Okabe and Ito, safe for colour-blind readers

/** Plots examples per second against the batch size on a logarithmic axis. */
function toSvg(lines: readonly Line[], title: string, caption: string): string {
  const points = lines.flatMap(({ threads, rates }, i) =>
    rates.map((rate, k) => ({
      batch: BATCHES[k],
      rate,
      name: formatThreads(threads),
      colour: COLOURS[i % COLOURS.length],
    }))
  );
  return svg({
    ...{ width: 760, height: 440, marginLeft: 70, marginRight: 80, marginTop: 50, marginBottom: 70 },
    x: { type: "log", base: 2, label: "batch size", ticks: BATCHES, tickFormat: "d" },
    y: { label: "examples per second", zero: true, grid: true, ticks: 6 },
    marks: [
      Plot.line(points, { x: "batch", y: "rate", z: "name", stroke: "colour", strokeWidth: 2 }),
      Plot.dot(points, { x: "batch", y: "rate", r: 3, fill: "colour" }),
      Plot.text(points.filter(({ batch }) => batch === BATCHES.at(-1)), {
        ...{ x: "batch", y: "rate", text: "name", fill: "colour", textAnchor: "start", dx: 8, fontSize: 12 },
      }),
      Plot.text([title], { frameAnchor: "top", dy: -32, fontSize: 15 }),
      Plot.text([caption], { frameAnchor: "bottom-left", textAnchor: "start", dy: 62, fill: "#777" }),
    ],
  });
}

class UsageError extends Error {}

function readFlags(args: string[]): { arithmetic: Arithmetic; rounds: number; svg?: string } {
  const flags = parseArgs(args, {
    string: ["arithmetic", "rounds", "svg"],
    unknown: (arg) => {
      throw new UsageError(
        `Cannot measure as the flags are --arithmetic NAME, --rounds N and --svg FILE: found ${arg}`,
      );
    },
  });
  const arithmetic = ARITHMETICS.find((name) => name === (flags.arithmetic ?? "exact"));
  if (arithmetic === undefined) {
    throw new UsageError(
      `Cannot measure as --arithmetic must be one of ${ARITHMETICS.join(", ")}: current value is ${flags.arithmetic}`,
    );
  }
  const rounds = Number(flags.rounds ?? 9);
  if (!Number.isInteger(rounds) || rounds < 1) {
    throw new UsageError(`Cannot measure as --rounds must be a whole number from 1: current value is ${flags.rounds}`);
  }
  return { arithmetic, rounds, svg: flags.svg };
}

async function main(): Promise<void> {
  const { arithmetic, rounds, svg: file } = readFlags(Deno.args);
  const { lines, refused } = await measureAll(arithmetic, rounds);
  const machine = machineLine(describeMachine());
  console.log(
    [toMarkdown(lines), `Training, ${arithmetic}, medians of ${rounds} rounds. ${machine}`, ...refused].join("\n\n"),
  );
  if (file === undefined) return;
  await Deno.writeTextFile(file, `${toSvg(lines, `Training, ${arithmetic} arithmetic`, machine)}\n`);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(error.message);
    Deno.exit(2);
  }
}
