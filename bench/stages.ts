/**
 * `deno task bench:stages`: where the time of a training step goes, on one thread. It compiles assembly/stages.ts, so that the core need not export
 * its stages.
 *
 * The time of a stage is the difference between the chain of stages that ends with it and the chain before it, each the best of 300 runs.
 */
import { compile } from "../build/build.ts";
import type { Arithmetic } from "../src/engine/interface/types.ts";
import { PAGES } from "../src/engine/wasm/core.ts";
import { machineLine, table } from "./measure.ts";

const CHAINS = {
  tiles: {
    head: "a tile, four examples",
    stages: [
      "drawing four examples",
      "gathering keys, queries and x from the slot tables",
      "attention forward: 330 scores, softmax, sums",
      "output projection, LayerNorm 2",
      "first feed-forward layer",
      "GELU and its derivative",
      "second layer, logits",
      "cross-entropy",
      "back through the logits",
      "back through the feed-forward layers",
      "back through LayerNorm 2 and the projection",
      "gradients of the four weight matrices",
      "attention backward, scatter to the slots",
    ],
  },
  once: {
    head: "once a step",
    stages: ["slot tables", "adding up one slice", "slots backward, sums over lanes", "clipping and AdamW"],
  },
};

/** Two functions that run the first stages of a chain `count` times. */
async function instantiate(arithmetic: Arithmetic) {
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const module = new WebAssembly.Module(await compile("stages.ts", arithmetic));
  const { configure, initialize, tiles, once } = new WebAssembly.Instance(module, { env: { memory } })
    .exports as Record<string, (...values: number[]) => void>;
  configure(7, 14, 0);
  initialize(1, 0);
  once(1, 1);
  for (let i = 0; i < 20; i++) {
    tiles(100, CHAINS.tiles.stages.length);
    once(100, CHAINS.once.stages.length);
    await new Promise((resolve) => setTimeout(resolve, 20)); // V8 optimizes in the background
  }
  return { tiles, once };
}

/** Microseconds of each stage of a chain. */
function measureStages(stages: number, run: (count: number, stages: number) => void): number[] {
  const best = [0, ...new Array<number>(stages).fill(Infinity)];
  for (let round = 0; round < 300; round++) {
    for (let stage = 1; stage <= stages; stage++) {
      const begin = performance.now();
      run(100, stage);
      best[stage] = Math.min(best[stage], (performance.now() - begin) * 10);
    }
  }
  return best.slice(1).map((time, i) => time - best[i]);
}

const modules = [await instantiate("exact"), await instantiate("fast")];
for (const [chain, { head, stages }] of Object.entries(CHAINS)) {
  const columns = modules.map((module) => measureStages(stages.length, module[chain as keyof typeof CHAINS]));
  const sums = columns.map((column) => column.reduce((sum, time) => sum + time, 0));
  const rows = stages.map((name, i) => [name, ...columns.map((column) => column[i].toFixed(2))]);
  const sum = ["**sum**", ...sums.map((x) => `**${x.toFixed(1)}**`)];
  console.log(`${table([head, "exact, us", "fast, us"], [...rows, sum])}\n`);
}
console.log(machineLine());
