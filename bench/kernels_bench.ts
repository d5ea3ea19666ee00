/**
 * Throughput of the engines: forward, forward and backward, a training step, decoding. `deno task bench:stages` has the time of each
 * stage, GELU and softmax among them.
 *
 * The reference engine is the baseline of each group that it runs in. It is some hundred times slower, so the larger batches compare only the
 * two arithmetics of the WASM engine.
 *
 * @module
 */
import { createEngine, type Engine, type EngineOptions } from "../src/engine/mod.ts";
import { trainRunOf } from "./measure.ts";

async function start(options: EngineOptions): Promise<Engine> {
  const engine = await createEngine(options);
  engine.initialize(1);
  return engine;
}

const REFERENCE = ["reference", await start({ backend: "reference" })] as const;
const EXACT = await start({ backend: "wasm", arithmetic: "exact" });
const FAST = await start({ backend: "wasm", arithmetic: "fast" });

/** The batch that the reference engine runs, too, a few times, because it is slow. */
const SMALL = 32;

function group(what: string, batch: number, run: (engine: Engine) => Promise<unknown>): void {
  const contestants = [["wasm exact", EXACT], ["wasm fast", FAST]] as const;
  for (const [i, [name, engine]] of (batch === SMALL ? [REFERENCE, ...contestants] : contestants).entries()) {
    const isMissing = name === "wasm fast" && engine.arithmetic === "exact";
    Deno.bench({
      name: isMissing ? `${name} (missing here: exact)` : name,
      group: `${what}, batch ${batch}`,
      baseline: i === 0,
      ...(engine.backend === "reference" ? { n: 10, warmup: 2 } : {}),
      fn: async () => void await run(engine),
    });
  }
}

function problems(count: number): Float64Array {
  return EXACT.sample({ seed: 1, stream: "evaluation", count, minDigits: 1, maxDigits: 10 });
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
