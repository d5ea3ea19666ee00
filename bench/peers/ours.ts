/**
 * Our side of `deno task bench:peers`: a process of its own, so that it is timed as the rivals are. One JSON line for each measurement.
 *
 * ```sh
 * deno run bench/peers/ours.ts --train 128 --decode 1024 --seconds 0.3 --repeats 3
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { ARITHMETICS, createEngine } from "../../src/engine/mod.ts";
import { decoding, measure, type Rates, training } from "../measure.ts";
import type { Task } from "./rivals.ts";

/** One line of output. */
export interface Measurement {
  /** `fast` is left out where the machine has no relaxed SIMD. */
  arithmetic: "exact" | "fast";
  /** What was done. */
  task: Task;
  /** Examples a step, or problems decoded in one call. */
  batch: number;
  /** Examples or additions a second. */
  rates: Rates;
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, { string: ["train", "decode", "seconds", "repeats"] });
  const duration = { seconds: Number(flags.seconds ?? 0.3), repeats: Number(flags.repeats ?? 3) };
  for (const [task, work] of [["train", training], ["decode", decoding]] as const) {
    for (const batch of flags[task]?.split(",").map(Number) ?? []) {
      for (const arithmetic of ARITHMETICS) {
        const engine = await createEngine({ backend: "wasm", arithmetic });
        if (engine.arithmetic === arithmetic) {
          engine.initialize(1);
          const rates = await measure(work(engine, batch), duration);
          console.log(JSON.stringify({ arithmetic, task, batch, rates } satisfies Measurement));
        }
        await engine.dispose();
      }
    }
  }
}
