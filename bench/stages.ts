/**
 * `deno task bench:stages`: where the time of a training step goes, on one thread. It compiles assembly/stages.ts, so that the core need not export
 * its stages.
 *
 * The time of a stage is the difference between the chain of stages that ends with it and the chain before it, each the best of 300 runs.
 */
import { compile, FEATURES } from "../build/build.ts";
import { PAGES } from "../src/engine/wasm/core.ts";
import { machineLine, table } from "./measure.ts";

const TILE_STAGES = [
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
];

const STEP_STAGES = ["slot tables", "adding up one slice", "slots backward, sums over lanes", "clipping and AdamW"];

interface StagesExports {
  configure(width: number, hidden: number, finalNorm: boolean): void;
  initialize(seed: number, attempt: number): void;
  tiles(count: number, stages: number): void;
  once(count: number, stages: number): void;
}

/** Microseconds of each stage of a chain; `run(n, k)` runs the first k stages n times. */
function measureStages(stages: number, run: (count: number, stages: number) => void): number[] {
  const COUNT = 100;
  const best = new Array<number>(stages + 1).fill(Infinity);
  best[0] = 0;
  for (let round = 0; round < 300; round++) {
    for (let stage = 1; stage <= stages; stage++) {
      const begin = performance.now();
      run(COUNT, stage);
      best[stage] = Math.min(best[stage], (performance.now() - begin) * 1e3 / COUNT);
    }
  }
  return best.slice(1).map((time, i) => time - best[i]);
}

/** A table with a column for each arithmetic and a row for each stage. */
function stageTable(head: string, names: readonly string[], columns: readonly (readonly number[])[]): string {
  const sums = columns.map((column) => column.reduce((sum, time) => sum + time, 0));
  return table([head, "exact, us", "fast, us"], [
    ...names.map((name, i) => [name, ...columns.map((column) => column[i].toFixed(2))]),
    ["**sum**", ...sums.map((sum) => `**${sum.toFixed(1)}**`)],
  ]);
}

if (import.meta.main) {
  const tiles: number[][] = [];
  const steps: number[][] = [];
  for (const features of [FEATURES.exact, FEATURES.fast]) {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    const module = new WebAssembly.Module(await compile({ entry: "stages.ts", features }));
    const stages = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as StagesExports;
    stages.configure(7, 14, false);
    stages.initialize(1, 0);
    stages.once(1, 1);
    for (let i = 0; i < 20; i++) {
      stages.tiles(100, TILE_STAGES.length);
      stages.once(100, STEP_STAGES.length);
      await new Promise((resolve) => setTimeout(resolve, 20)); // V8 optimizes in the background
    }
    tiles.push(measureStages(TILE_STAGES.length, stages.tiles));
    steps.push(measureStages(STEP_STAGES.length, stages.once));
  }
  console.log(stageTable("a tile, four examples", TILE_STAGES, tiles));
  console.log(`\n${stageTable("once a step", STEP_STAGES, steps)}`);
  console.log(`\n${machineLine()}`);
}
