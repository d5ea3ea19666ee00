/**
 * Fuzzing: an input is taken well or refused with an error of ours, quickly, and nothing else happens.
 *
 * @module
 */
import { Random } from "./random.ts";

/** Something that takes input from strangers. */
export interface Target<Input = unknown> {
  /** Its name. */
  name: string;
  /** Makes an input, right or wrong. */
  make(random: Random): Input | Promise<Input>;
  /**
   * Gives it the input.
   *
   * @returns Whether it was taken
   * @throws What `refuses` knows, if it was refused; anything else is a fault
   */
  run(input: Input): unknown;
  /** The classes of errors with which it refuses. */
  refuses: readonly (new (...args: never[]) => Error)[];
  /** What such an error's message must have in it: where the fault is. */
  says?: RegExp;
  /** Milliseconds that no case may take, however slow the machine is. @default {20_000} */
  hangs?: number;
}

/** How it went. */
export interface FuzzReport {
  target: string;
  cases: number;
  taken: number;
  refused: number;
  seconds: number;
  /** Milliseconds of the slowest case. */
  slowest: number;
  /** Peak of the process's memory, in MB. */
  peak: number;
}

/** An error of ours: `Cannot … as …`, in one line that is not endless. */
const SENTENCE = /^Cannot [^\n]{1,1500}$/;
/** What takes longer, in milliseconds, hangs. */
const HANGS = 20_000;

/** Runs one case. @returns Whether the input was taken */
export async function fuzzCase<Input>(target: Target<Input>, seed: number, index: number): Promise<boolean> {
  const where = `Case ${index} of seed ${seed} of ${target.name}`;
  const input = await target.make(new Random(seed, index));
  const begin = performance.now();
  let taken = true;
  try {
    await target.run(input);
  } catch (error) {
    taken = false;
    const known = error instanceof Error && target.refuses.some((kind) => error.constructor === kind);
    if (!known) {
      throw new Error(`${where} ended with an error that is none of ours: ${String(error).slice(0, 300)}`, {
        cause: error,
      });
    }
    if (!SENTENCE.test(error.message) || / of (?:null|undefined) \(/.test(error.message)) {
      throw new Error(`${where} was refused with something else than a sentence: ${error.message.slice(0, 300)}`, {
        cause: error,
      });
    }
    if (target.says !== undefined && !target.says.test(error.message)) {
      throw new Error(`${where} was refused with an error that does not say where: ${error.message.slice(0, 300)}`, {
        cause: error,
      });
    }
  }
  const took = performance.now() - begin;
  if (took > (target.hangs ?? HANGS)) throw new Error(`${where} took ${took} ms`);
  return taken;
}

/** Runs many. */
export async function fuzz<Input>(target: Target<Input>, cases: number, seed: number): Promise<FuzzReport> {
  const report = { target: target.name, cases, taken: 0, refused: 0, seconds: 0, slowest: 0, peak: 0 };
  const begin = performance.now();
  for (let index = 0; index < cases; index++) {
    const start = performance.now();
    if (await fuzzCase(target, seed, index)) report.taken++;
    else report.refused++;
    report.slowest = Math.max(report.slowest, performance.now() - start);
    if (index % 1000 === 0) report.peak = Math.max(report.peak, Deno.memoryUsage().rss / 1e6);
  }
  report.seconds = (performance.now() - begin) / 1000;
  return { ...report, seconds: round(report.seconds), slowest: round(report.slowest), peak: Math.round(report.peak) };
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}
