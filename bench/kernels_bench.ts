/**
 * Throughput of the engines; `deno task bench:stages` has the time of each stage of a step. The reference engine is the baseline where it runs. It is
 * some hundred times slower, so larger batches compare only the two arithmetics of the WASM engine.
 */
import { type Arithmetic, createEngine, type Engine } from "../src/engine/mod.ts";
import { trainRunOf } from "./measure.ts";

const wasm = (arithmetic: Arithmetic) => createEngine({ backend: "wasm", arithmetic });
const engines = await Promise.all([createEngine({ backend: "reference" }), wasm("exact"), wasm("fast")]);
for (const engine of engines) engine.initialize(1);

/** The batch that the reference engine runs, too, a few times, because it is slow. */
const SMALL = 32;

function group(what: string, batch: number, run: (engine: Engine, operands: Float64Array) => Promise<unknown>): void {
  const operands = engines[1].sample({ seed: 1, stream: "evaluation", count: batch, minDigits: 1, maxDigits: 10 });
  for (const [i, engine] of engines.entries()) {
    const { backend, arithmetic } = engine;
    if (backend === "reference" && batch !== SMALL) continue;
    Deno.bench({
      name: backend === "wasm" ? `wasm ${arithmetic}` : backend,
      group: `${what}, batch ${batch}`,
      baseline: i === (batch === SMALL ? 0 : 1),
      ...(backend === "reference" ? { n: 10, warmup: 2 } : {}),
      fn: async () => void await run(engine, operands),
    });
  }
}

for (const batch of [SMALL, 1024]) {
  group("forward: logits()", batch, (engine, operands) => engine.logits(operands));
  group("forward and backward: lossAndGradient()", batch, (engine, operands) => engine.lossAndGradient(operands));
}
for (const batch of [SMALL, 128, 512, 1024]) {
  group("training step: trainRun()", batch, (engine) => engine.trainRun(trainRunOf(batch, 1)));
}
for (const batch of [SMALL, 4096]) {
  group("greedy decoding: decode()", batch, (engine, operands) => engine.decode(operands));
  group("greedy decoding, sums as bigint: predict()", batch, (engine, operands) => engine.predict(operands));
}
