/** Shared by all benchmarks: the work that is timed, the order of timing, the machine, flags and tables. */
import os from "node:os";
import { type Input, readInput } from "../src/cli/command.ts";
import { explain } from "../src/cli/failure.ts";
import type { Flags } from "../src/cli/flags.ts";
import type { Engine, TrainRun } from "../src/engine/mod.ts";

export { median, table } from "../src/sweep/summary.ts";
export { measure } from "./peers/programs/protocol.mjs";

/** Training steps with operands of 1 to 10 digits; the small learning rate keeps the weights ordinary numbers however long it runs. */
export function trainRunOf(batch: number, steps: number, firstSample = 0): TrainRun {
  return {
    ...{ seed: 1, attempt: 0, firstSample, firstStep: 0, steps, minDigits: 1, maxDigits: 10 },
    stage: {
      ...{ steps: 1_000_000, batch, learningRate: 1e-3, warmupSteps: 0, floor: 0.1, weightDecay: 0.1 },
      ...{ clipNorm: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
    },
  };
}

/** Training at a batch size, `steps` steps per call on new examples. @returns Work that returns the number of its examples */
export function training(engine: Engine, batch: number, steps = Math.ceil(4096 / batch)): () => Promise<number> {
  let firstSample = 0;
  return async () => {
    await engine.trainRun(trainRunOf(batch, steps, firstSample));
    firstSample += steps;
    return steps * batch;
  };
}

/**
 * Runs every side once a round, every second round in the opposite order: machines are shared, and what disturbs one side disturbs the others.
 *
 * @returns For each side its results, one a round
 */
export async function inTurns<T>(rounds: number, sides: readonly ((round: number) => Promise<T>)[]): Promise<T[][]> {
  const results = sides.map((): T[] => []);
  for (let round = 0; round < rounds; round++) {
    const order = [...sides.keys()];
    for (const i of round % 2 === 0 ? order : order.reverse()) results[i].push(await sides[i](round));
  }
  return results;
}

/** The machine and the day; do not trust timings if the load is above the number of cores. Needs `--allow-sys=cpus,loadavg`. */
export function machineLine(): string {
  const cpu = os.cpus()[0]?.model.trim() ?? "unknown CPU";
  const platform = `${navigator.hardwareConcurrency} cores, ${Deno.build.os} ${Deno.build.arch}`;
  const load = Deno.loadavg().map((load) => load.toFixed(1)).join(", ");
  const date = new Date().toISOString().slice(0, 10);
  return `${cpu}, ${platform}; Deno ${Deno.version.deno}, V8 ${Deno.version.v8}; ${date}; load ${load}`;
}

/** Formats a rate with three significant digits: 421,000. */
export function formatRate(rate: number): string {
  return Number(rate.toPrecision(3)).toLocaleString("en-US");
}

/** Runs a benchmark with its flags, which are read and refused as those of the command line are, and ends the process. */
export async function runBench<F extends Flags>(
  bench: { name: string; flags: F; run(input: Input<F>): Promise<void> },
): Promise<never> {
  try {
    const input = readInput(bench.name, bench, Deno.args);
    if (input !== null) await bench.run(input);
    else for (const [name, { help }] of Object.entries(bench.flags)) console.log(`--${name}: ${help}`);
  } catch (error) {
    const { message, exitCode } = explain(error);
    console.error(Deno.args.includes("--debug") ? error : message);
    Deno.exitCode = exitCode;
  }
  Deno.exit();
}
