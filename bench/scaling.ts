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
import { parseArgs } from "@std/cli";
import { type Arithmetic, ARITHMETICS, createEngine, type Engine } from "../src/engine/mod.ts";
import { describeMachine, formatRate, machineLine, measure, median, training } from "./measure.ts";

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

const WIDTH = 760;
const HEIGHT = 440;
const MARGIN = { left: 70, right: 96, top: 48, bottom: 72 };
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00"]; // by Okabe and Ito, safe for colour-blind readers

/** A round distance between grid lines, about five of them from 0 to `most`. */
function gridStep(most: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(most / 5));
  return magnitude * [1, 2, 5, 10].find((factor) => factor * magnitude >= most / 5)!;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** Plots examples per second against the batch size on a logarithmic axis. */
function toSvg(lines: readonly Line[], title: string, caption: string): string {
  const most = Math.max(...lines.flatMap(({ rates }) => rates)) * 1.05;
  const right = WIDTH - MARGIN.right;
  const bottom = HEIGHT - MARGIN.bottom;
  const x = (i: number) => MARGIN.left + (right - MARGIN.left) * i / (BATCHES.length - 1);
  const y = (rate: number) => bottom - (bottom - MARGIN.top) * rate / most;
  const text = (at: [number, number], content: string, attributes: string) =>
    `<text x="${at[0].toFixed(1)}" y="${at[1].toFixed(1)}" ${attributes}>${escapeXml(content)}</text>`;
  const grid = [];
  for (let rate = 0; rate <= most; rate += gridStep(most)) {
    grid.push(`<path d="M${MARGIN.left} ${y(rate).toFixed(1)}H${right}" stroke="#ddd"/>`);
    grid.push(text([MARGIN.left - 8, y(rate) + 4], rate.toLocaleString("en-US"), 'text-anchor="end"'));
  }
  const curves = lines.flatMap(({ threads, rates }, line) => {
    const colour = COLOURS[line % COLOURS.length];
    const points = rates.map((rate, i) => `${x(i).toFixed(1)},${y(rate).toFixed(1)}`);
    return [
      `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...rates.map((rate, i) => `<circle cx="${x(i).toFixed(1)}" cy="${y(rate).toFixed(1)}" r="3" fill="${colour}"/>`),
      text([right + 8, y(rates.at(-1)!) + 4], formatThreads(threads), `fill="${colour}"`),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text([MARGIN.left, 28], title, 'font-size="15"'),
    ...grid,
    ...BATCHES.map((batch, i) => text([x(i), bottom + 18], String(batch), 'text-anchor="middle"')),
    text([(MARGIN.left + right) / 2, bottom + 38], "batch size", 'text-anchor="middle"'),
    ...curves,
    text([MARGIN.left, HEIGHT - 12], caption, 'font-size="10" fill="#777"'),
    "</svg>",
    "",
  ].join("\n");
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
  const { arithmetic, rounds, svg } = readFlags(Deno.args);
  const { lines, refused } = await measureAll(arithmetic, rounds);
  const machine = machineLine(describeMachine());
  console.log(
    [toMarkdown(lines), `Training, ${arithmetic}, medians of ${rounds} rounds. ${machine}`, ...refused].join("\n\n"),
  );
  if (svg === undefined) return;
  await Deno.writeTextFile(svg, toSvg(lines, `Training, ${arithmetic} arithmetic: examples per second`, machine));
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
