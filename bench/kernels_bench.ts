/**
 * Throughput of the engines (forward, forward and backward, a training step, decoding), and of the elementary functions of
 * assembly/elementary.ts on 4096 elements in cache.
 *
 * The reference engine is the baseline of each group that it runs in. It is some hundred times slower, so the larger batches compare only the
 * two arithmetics of the WASM engine.
 *
 * @module
 */
import { createEngine, type Engine, type EngineOptions } from "../src/engine/mod.ts";
import { gelu, geluBackward } from "../src/engine/reference/gelu.ts";
import { hasRelaxedSimd, instantiate } from "../src/engine/wasm/core.ts";
import { WASM as EXACT_MODULE } from "../src/engine/wasm/exact_module.ts";
import { WASM as FAST_MODULE } from "../src/engine/wasm/fast_module.ts";
import { variantOf } from "../src/model/variant.ts";
import { trainRunOf } from "./measure.ts";

type Contestant = readonly [name: string, run: () => unknown, runs?: { n: number; warmup: number }];

/** Benchmarks to compare; the first is the baseline. */
function group(group: string, contestants: readonly Contestant[]): void {
  for (const [i, [name, run, runs]] of contestants.entries()) {
    Deno.bench({ name, group, baseline: i === 0, ...runs, fn: async () => void await run() });
  }
}

async function start(options: EngineOptions): Promise<Engine> {
  const engine = await createEngine(options);
  engine.initialize(1);
  return engine;
}

const REFERENCE = await start({ backend: "reference" });
const EXACT = await start({ backend: "wasm", arithmetic: "exact" });
const FAST = await start({ backend: "wasm", arithmetic: "fast" });

/** The batch that the reference engine runs, too, a few times, because it is slow. */
const SMALL = 32;

function engines(what: string, batch: number, run: (engine: Engine) => Promise<unknown>): void {
  group(`${what}, batch ${batch}`, [
    ...batch === SMALL ? [["reference", () => run(REFERENCE), { n: 10, warmup: 2 }] as const] : [],
    ["wasm exact", () => run(EXACT)],
    [`wasm fast${FAST.arithmetic === "fast" ? "" : " (missing here: exact)"}`, () => run(FAST)],
  ]);
}

function problems(count: number): Float64Array {
  return EXACT.sample({ seed: 1, stream: "evaluation", count, minDigits: 1, maxDigits: 10 });
}

for (const batch of [SMALL, 1024]) {
  const operands = problems(batch);
  engines("forward: logits()", batch, (engine) => engine.logits(operands));
  engines("forward and backward: lossAndGradient()", batch, (engine) => engine.lossAndGradient(operands));
}
for (const batch of [SMALL, 128, 512, 1024]) {
  const run = trainRunOf(batch, 1);
  engines("training step: trainRun()", batch, (engine) => engine.trainRun(run));
}
for (const batch of [SMALL, 4096]) {
  const operands = problems(batch);
  engines("greedy decoding: decode()", batch, (engine) => engine.decode(operands));
  engines("greedy decoding, sums as bigint: predict()", batch, (engine) => engine.predict(operands));
}

const ELEMENTS = 4096;

/** Evenly spaced points from -4 to 4. */
const POINTS = Float64Array.from({ length: ELEMENTS }, (_, i) => 8 * i / (ELEMENTS - 1) - 4);
const ONES = new Float64Array(ELEMENTS).fill(1);

/** A function of the modules over all points. It works in place, so each run first copies them, which takes less than a tenth of the time. */
function elementary(what: string, name: "mapExp2" | "mapGelu", reference: () => unknown, model: 763 | 777): void {
  const modules = { "wasm exact": EXACT_MODULE, ...hasRelaxedSimd() && { "wasm fast": FAST_MODULE } };
  const contestants = Object.entries(modules).map(([title, module]): Contestant => {
    const { memory, exports } = instantiate(module, variantOf(model));
    const at = exports.problemsBase(1);
    const values = new Float32Array(memory.buffer, at, ELEMENTS);
    const points = Float32Array.from(POINTS);
    return [title, () => {
      values.set(points);
      exports[name](at, ELEMENTS / 4);
    }];
  });
  group(`${what}, ${ELEMENTS} elements`, [["reference", reference], ...contestants]);
}

elementary("exp", "mapExp2", () => POINTS.map((x) => Math.exp(x)), 763);
for (const [model, form] of [[763, "erf"], [777, "tanh"]] as const) {
  const reference = () => [gelu(POINTS, form), geluBackward(ONES, POINTS, form)];
  elementary(`GELU by ${form} and its derivative`, "mapGelu", reference, model);
}
