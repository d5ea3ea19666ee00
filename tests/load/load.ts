/**
 * One process, for as long as it takes: memory and threads must not grow.
 *
 * @module
 */
import { addMany } from "../../src/adder/add.ts";
import { createEngine } from "../../src/engine/mod.ts";
import { Random } from "../fuzz/random.ts";
import { outputOf } from "../runtimes/program.ts";

/** Memory and threads over time. */
export interface LoadReport {
  what: string;
  count: number;
  seconds: number;
  /** Resident memory in MB: its peak in the second tenth, when all is warm, and in the last. */
  early: number;
  late: number;
  /** Threads of the process before and after; null where the system does not tell. */
  threads: [before: number, after: number] | null;
}

/** By a program: Deno lets nobody read /proc without all permissions. */
async function threads(): Promise<number | null> {
  if (Deno.build.os !== "linux") return null;
  return (await outputOf("sh", ["-c", 'echo "/proc/$0/task"/*', `${Deno.pid}`])).split(" ").length;
}

/** Does something in a hundred rounds, and looks at the memory after each. */
async function watched(what: string, count: number, round: (share: number) => Promise<void>): Promise<LoadReport> {
  const before = await threads();
  const begin = performance.now();
  const memory: number[] = [];
  for (let i = 0; i < 100; i++) {
    await round(count / 100);
    await new Promise((resolve) => setTimeout(resolve, 0));
    memory.push(Deno.memoryUsage().rss / 1e6);
  }
  const peak = (first: number, end: number) => Math.round(Math.max(...memory.slice(first, end)));
  const after = await threads();
  const seconds = Math.round((performance.now() - begin) / 100) / 10;
  return {
    ...{ what, count, seconds, early: peak(10, 20), late: peak(90, 100) },
    threads: before === null || after === null ? null : [before, after],
  };
}

/** Adds that many pairs, and checks every sum. */
export function additions(count: number): Promise<LoadReport> {
  const random = new Random(1, 1);
  return watched("additions", count, (share) => {
    for (let left = share; left > 0; left -= 10_000) {
      const pairs = Array.from(
        { length: Math.min(left, 10_000) },
        () => [random.below(2 ** 32), random.below(2 ** 32)] as const,
      );
      const wrong = addMany(pairs).findIndex((sum, i) => sum !== pairs[i][0] + pairs[i][1]);
      if (wrong >= 0) throw new Error(`${pairs[wrong]} was added wrongly`);
    }
    return Promise.resolve();
  });
}

/** Makes that many engines, uses each, and disposes of it. */
export function engines(count: number, threads: number): Promise<LoadReport> {
  return watched(`engines of ${threads} thread${threads === 1 ? "" : "s"}`, count, async (share) => {
    for (let left = share; left > 0; left--) {
      const engine = await createEngine({ threads });
      await engine.lossAndGradient([{ a: 1, b: 2 }]);
      await engine.dispose();
    }
  });
}
