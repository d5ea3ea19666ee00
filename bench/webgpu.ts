/**
 * Counts what a thousand training steps on a GPU cost: dispatches, submissions and bytes read back. `deno task bench:webgpu` then compares
 * the training step with that of jax-js on the same GPU (bench/peers/run.ts); on a software adapter CPU time includes the GPU's work.
 */
import { createEngine } from "../src/engine/mod.ts";
import { sharedGpu } from "../src/engine/webgpu/device.ts";
import { table, trainRunOf } from "./measure.ts";

/** One that a single workgroup trains, and one that many share. */
const BATCHES = [32, 512];

const engine = await createEngine({ backend: "webgpu" });
const { counts } = await sharedGpu();
const rows: number[][] = [];
for (const batch of BATCHES) {
  const before = { ...counts };
  await engine.trainRun(trainRunOf(batch, 1000));
  const spent = (["submissions", "dispatches", "bytesRead"] as const).map((name) => counts[name] - before[name]);
  rows.push([batch, ...spent]);
}
console.log(`${engine.adapter!.name}${engine.adapter!.software ? ", a software adapter" : ""}\n`);
console.log(`${table(["1,000 steps at batch", "submissions", "dispatches", "bytes read back"], rows)}\n`);
await engine.dispose();
