/**
 * Throughput of the engines (forward, forward and backward, a training step, decoding), and of the elementary functions of
 * assembly/elementary.ts on 4096 elements in cache.
 *
 * The reference engine is the baseline of each group that it runs in. It is some hundred times slower, so the larger batches compare only the
 * two arithmetics of the WASM engine.
 *
 * @module
 */
import { type Arithmetic, createEngine, type Engine, type EngineOptions } from "../src/engine/mod.ts";
import { gelu, geluBackward } from "../src/engine/reference/gelu.ts";
import { hasRelaxedSimd, instantiate } from "../src/engine/wasm/core.ts";
import { WASM as EXACT_MODULE } from "../src/engine/wasm/exact_module.ts";
import { WASM as FAST_MODULE } from "../src/engine/wasm/fast_module.ts";
import { variantOf } from "../src/model/variant.ts";
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

const ELEMENTS = 4096;

/** Evenly spaced points from -4 to 4. */
const POINTS = Float64Array.from({ length: ELEMENTS }, (_, i) => 8 * i / (ELEMENTS - 1) - 4);
const ONES = new Float64Array(ELEMENTS).fill(1);

/**
 * A function of the module over all points. It works in place, so each call first copies the points, which takes less than a tenth of
 * the time.
 */
function mapper(arithmetic: Arithmetic, name: "mapExp2" | "mapGelu", model: 763 | 777): () => void {
  const { memory, exports } = instantiate(arithmetic === "fast" ? FAST_MODULE : EXACT_MODULE, variantOf(model));
  const at = exports.problemsBase(1);
  const values = new Float32Array(memory.buffer, at, ELEMENTS);
  const points = Float32Array.from(POINTS);
  return () => {
    values.set(points);
    exports[name](at, ELEMENTS / 4);
  };
}

function elementary(what: string, name: "mapExp2" | "mapGelu", reference: () => unknown, model: 763 | 777): void {
  const group = `${what}, ${ELEMENTS} elements`;
  Deno.bench({ name: "reference", group, baseline: true, fn: () => void reference() });
  Deno.bench({ name: "wasm exact", group, fn: mapper("exact", name, model) });
  if (hasRelaxedSimd()) Deno.bench({ name: "wasm fast", group, fn: mapper("fast", name, model) });
}

elementary("exp", "mapExp2", () => POINTS.map((x) => Math.exp(x)), 763);
for (const [model, form] of [[763, "erf"], [777, "tanh"]] as const) {
  const reference = () => [gelu(POINTS, form), geluBackward(ONES, POINTS, form)];
  elementary(`GELU by ${form} and its derivative`, "mapGelu", reference, model);
}
