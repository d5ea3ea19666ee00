/**
 * Training examples per second for batches from 16 to 4096, on one thread up to all, by elapsed time.
 *
 * ```sh
 * deno task bench:scaling --svg docs/scaling.svg --arithmetic fast
 * ```
 */
import { oneOf, outputFile, wholeNumber } from "../src/cli/flags.ts";
import { plural } from "../src/cli/format.ts";
import { type Arithmetic, ARITHMETICS, createEngine } from "../src/engine/mod.ts";
import { chartSvg } from "../src/svg/chart.ts";
import { formatRate, inTurns, machineLine, measure, median, runBench, table, training } from "./measure.ts";

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

/** Draws examples per second by batch size, each size twice the one before: a curve for each number of threads. */
function toSvg(cells: readonly Cell[], arithmetic: Arithmetic): string {
  const [machine] = machineLine().split(";");
  const most = Math.max(...cells.map(({ rate }) => rate));
  const share = (batch: number) => Math.log2(batch / BATCHES[0]) / (BATCHES.length - 1);
  return chartSvg({
    ...{ title: `Training examples per second, ${arithmetic} arithmetic`, xLabel: `batch size; ${machine}` },
    xTicks: BATCHES.map((batch) => [share(batch), String(batch)]),
    yTicks: [0, 0.25, 0.5, 0.75, 1].map((share) => [share, formatRate(share * most)]),
    curves: [...Map.groupBy(cells, ({ threads }) => threads)].map(([threads, row]) => ({
      path: (x, y) => `M${row.map(({ batch, rate }) => `${x(share(batch))} ${y(rate / most)}`).join("L")}`,
      label: plural(threads, "thread"),
    })),
  });
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
    const rows = [...Map.groupBy(cells, ({ batch }) => batch)].map(([batch, row]) => [
      batch,
      ...row.map(({ threads, rate, gain }) => formatRate(rate) + (threads > 1 ? ` (${gain.toFixed(2)} x)` : "")),
    ]);
    const head = ["batch", ...rows[0].slice(1).map((_, i) => `${plural(i + 1, "thread")}, examples/s`)];
    console.log(`${table(head, rows)}\n\nTraining, ${arithmetic}, medians of ${rounds} rounds. ${machineLine()}`);
    if (svg !== undefined) await Deno.writeTextFile(svg, toSvg(cells, arithmetic));
  },
});
