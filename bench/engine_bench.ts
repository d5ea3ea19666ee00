/**
 * Throughput of the engines: forward, forward and backward, a training step, decoding.
 *
 * The smallest batch also runs on the reference engine, the baseline of its group. That engine is some hundred times slower, so the larger
 * batches compare only the two arithmetics of the WASM engine.
 *
 * @module
 */
import { createEngine, type Engine, type EngineOptions } from "../src/engine/mod.ts";
import { trainRunOf } from "./measure.ts";

const REFERENCE = await contestant("reference", { backend: "reference" });
const EXACT = await contestant("wasm exact", { backend: "wasm", arithmetic: "exact" });
const FAST = await contestant("wasm fast", { backend: "wasm", arithmetic: "fast" });

async function contestant(name: string, options: EngineOptions): Promise<{ name: string; engine: Engine }> {
  const engine = await createEngine(options);
  engine.initialize(1);
  if (options.arithmetic !== undefined && engine.arithmetic !== options.arithmetic) name += " (missing here: exact)";
  return { name, engine };
}

/** The batch that the reference engine runs, too, and how often: a few times, because it is slow. */
const SMALL = 32;
const REFERENCE_RUNS = { n: 10, warmup: 2 };

function group(what: string, batch: number, run: (engine: Engine) => Promise<unknown>): void {
  const contestants = batch === SMALL ? [REFERENCE, EXACT, FAST] : [EXACT, FAST];
  for (const [i, { name, engine }] of contestants.entries()) {
    Deno.bench({
      name,
      group: `${what}, batch ${batch}`,
      baseline: i === 0,
      ...(engine === REFERENCE.engine ? REFERENCE_RUNS : {}),
      fn: async () => void await run(engine),
    });
  }
}

function problems(count: number): Float64Array {
  return EXACT.engine.sample({ seed: 1, stream: "evaluation", count, minDigits: 1, maxDigits: 10 });
}

for (const batch of [SMALL, 1024]) {
  const operands = problems(batch);
  group("forward: logits()", batch, (engine) => engine.logits(operands));
  group("forward and backward: lossAndGradient()", batch, (engine) => engine.lossAndGradient(operands));
}
for (const batch of [SMALL, 128, 512, 1024]) {
  const run = trainRunOf(batch, 1);
  group("training step: trainRun()", batch, (engine) => engine.trainRun(run));
}
for (const batch of [SMALL, 4096]) {
  const operands = problems(batch);
  group("greedy decoding: decode()", batch, (engine) => engine.decode(operands));
  group("greedy decoding, sums as bigint: predict()", batch, (engine) => engine.predict(operands));
}
