/**
 * Shared by all benchmarks: the work that is timed, the timing, and the description of the machine.
 *
 * @module
 */
import os from "node:os";
import process from "node:process";
import type { Engine, TrainRun } from "../src/engine/mod.ts";

export { median } from "../src/sweep/summary.ts";

/**
 * Training steps with operands of 1 to 10 digits, AdamW and clipping. The learning rate is small, so that the weights stay
 * ordinary numbers however long it runs.
 */
export function trainRunOf(batch: number, steps: number, firstSample = 0): TrainRun {
  return {
    seed: 1,
    attempt: 0,
    firstSample,
    firstStep: 0,
    steps,
    minDigits: 1,
    maxDigits: 10,
    stage: {
      steps: 1_000_000,
      batch,
      learningRate: 1e-3,
      warmupSteps: 0,
      floor: 0.1,
      weightDecay: 0.1,
      clipNorm: 1,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
    },
  };
}

/** Work that returns the number of examples it processed. */
export type Work = () => Promise<number>;

/** Training at a batch size, about 4096 new examples per call. */
export function training(engine: Engine, batch: number): Work {
  const steps = Math.ceil(4096 / batch);
  let firstSample = 0;
  return async () => {
    await engine.trainRun(trainRunOf(batch, steps, firstSample));
    firstSample += steps;
    return steps * batch;
  };
}

/** Greedy decoding of the same `batch` problems in each call. */
export function decoding(engine: Engine, batch: number): Work {
  engine.initialize(0);
  const operands = engine.sample({ seed: 1, stream: "evaluation", count: batch });
  return async () => {
    await engine.decode(operands);
    return batch;
  };
}

/** Examples per second, one entry for each repeat. */
export interface Rates {
  /** By elapsed time. */
  wall: number[];
  /** By the CPU time of all threads of the process. */
  cpu: number[];
}

/** The length of a measurement. */
export interface Duration {
  /** Seconds of one repeat. */
  seconds: number;
  /** Number of repeats. */
  repeats: number;
  /** Seconds of work before the first repeat, in which V8 optimizes the WASM functions. @default {0.3} */
  warmup?: number;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function rateOf(work: Work, seconds: number): Promise<{ wall: number; cpu: number }> {
  const cpuBegin = cpuSeconds();
  const begin = performance.now();
  let examples = 0;
  let elapsed = 0;
  do {
    examples += await work();
    elapsed = (performance.now() - begin) / 1e3;
  } while (elapsed < seconds);
  return { wall: examples / elapsed, cpu: examples / (cpuSeconds() - cpuBegin) };
}

/** Measures the rates of some work after a warm-up. */
export async function measure(work: Work, { seconds, repeats, warmup = 0.3 }: Duration): Promise<Rates> {
  if (warmup > 0) await rateOf(work, warmup);
  const rates: Rates = { wall: [], cpu: [] };
  for (let repeat = 0; repeat < repeats; repeat++) {
    const { wall, cpu } = await rateOf(work, seconds);
    rates.wall.push(wall);
    rates.cpu.push(cpu);
  }
  return rates;
}

/** The machine and the day of a measurement. */
export interface Machine {
  /** The CPU's model name. */
  cpu: string;
  /** Cores that this process can use. */
  cores: number;
  /** Operating system and architecture. */
  platform: string;
  /** Version of Deno. */
  deno: string;
  /** Version of V8. */
  v8: string;
  /** The day, as 2026-01-31. */
  date: string;
  /** Load averages over 1, 5 and 15 minutes. Above the number of cores, do not trust timings. */
  load: number[];
}

/** Describes this machine; needs `--allow-sys=cpus,loadavg`. */
export function describeMachine(): Machine {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? "unknown CPU",
    cores: navigator.hardwareConcurrency,
    platform: `${Deno.build.os} ${Deno.build.arch}`,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    date: new Date().toISOString().slice(0, 10),
    load: Deno.loadavg().map((load) => Math.round(load * 10) / 10),
  };
}

/** Formats a machine as one line. */
export function machineLine({ cpu, cores, platform, deno, v8, date, load }: Machine): string {
  return `${cpu}, ${cores} cores, ${platform}; Deno ${deno}, V8 ${v8}; ${date}; load ${load.join(", ")}`;
}

/** Formats a rate with three significant digits: 421,000. */
export function formatRate(rate: number): string {
  return Number(rate.toPrecision(3)).toLocaleString("en-US");
}
