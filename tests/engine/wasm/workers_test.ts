/** Threads that die: whoever waits for them is told, and nothing hangs. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { createWorkerPool } from "../../../src/certify/worker_pool.ts";
import { eventLoopTurn } from "../../../src/common/event_loop.ts";
import { createEngine, EngineError } from "../../../src/engine/mod.ts";
import { instantiate } from "../../../src/engine/wasm/core.ts";
import { WasmEngine } from "../../../src/engine/wasm/engine.ts";
import { WASM } from "../../../src/engine/wasm/exact_module.ts";
import { readDecodingNumbers } from "../../../src/engine/wasm/read_decoding.ts";
import { startThreads, startTrainer } from "../../../src/engine/wasm/thread_pool.ts";
import { variantOf } from "../../../src/model/variant.ts";
import { train } from "../../../src/training/train.ts";
import { shippedCheckpoint } from "../../../src/weights/mod.ts";
import { temporaryFolder } from "../../cli/tiny_adder.ts";
import { shortRecipe, shortStage } from "../../training/short_recipe.ts";

/** Has workers started from a Blob run another source meanwhile. */
async function withOtherSource<T>(from: string | RegExp, to: string, run: () => Promise<T>): Promise<T> {
  const { Blob } = globalThis;
  globalThis.Blob = class extends Blob {
    constructor(parts: BlobPart[] = [], options?: BlobPropertyBag) {
      const sources = parts.map((part) => String(part));
      const changed = sources.map((source) => source.replace(from, to));
      assert(changed.join() !== sources.join(), `no source has ${from}`);
      super(changed, options);
    }
  };
  try {
    return await run();
  } finally {
    globalThis.Blob = Blob;
  }
}

/** In the place of `serve`: takes a part of the next job and dies with it. JOB_NEXT lies 324 bytes before JOB_FAILED, see assembly/layout.ts. */
function dieWithAPart(how: string): string {
  return `
    const next = new BigInt64Array(memory.buffer, exports.failedAt.value - 324, 1);
    const isLeft = (job) => (job & 0xffffn) < (job >> 16n & 0xffffn);
    for (;;) if (isLeft(Atomics.load(next, 0)) && isLeft(Atomics.add(next, 0, 1n))) break;
    ${how}`;
}

const SERVE = "exports.serve(thread);";
const BY_A_TRAP = dieWithAPart("throw new WebAssembly.RuntimeError('a trap');");
const SILENTLY = dieWithAPart("close(); return;");

/** An engine of several threads that waits only a fifth of a second for one that does nothing. */
async function impatientEngine(threads: number): Promise<WasmEngine> {
  const core = instantiate(WASM, variantOf(763), true);
  core.exports.setPatience(200);
  const engine = new WasmEngine(core, "exact", await startThreads(core, threads - 1));
  engine.initialize(0);
  return engine;
}

/** Decodes until a thread that is to die has got a part to die with. */
async function decodeForever(engine: WasmEngine): Promise<never> {
  const problems = engine.sample({ seed: 1, stream: "evaluation", count: 4096 });
  for (;;) await engine.decode(problems);
}

for (const [how, source] of [["by a trap", BY_A_TRAP], ["silently", SILENTLY]]) {
  for (const threads of [2, 4]) {
    Deno.test(`an engine whose threads die ${how} says so, and can be disposed of: ${threads} threads`, async () => {
      const engine = await withOtherSource(SERVE, source, () => impatientEngine(threads));
      await assertRejects(() => decodeForever(engine), EngineError, "as its threads must live: one has died");
      // from now on it says so at once, whatever it is asked
      await assertRejects(() => engine.lossAndGradient([{ a: 1, b: 2 }]), EngineError, "Create another one");
      await engine.dispose();
      await assertRejects(() => engine.decode([{ a: 1, b: 2 }]), Error, "as it was disposed of");
      const other = await createEngine({ threads });
      other.initialize(1);
      await other.decode([{ a: 1, b: 2 }]);
      await other.dispose();
    });
  }
}

Deno.test("a thread that dies without a part holds up nothing, not even the end", async () => {
  const engine = await withOtherSource(SERVE, "close(); return;", () => impatientEngine(3));
  const alone = await createEngine();
  const problems = alone.sample({ seed: 1, stream: "evaluation", count: 1000 });
  assertEquals(await engine.lossAndGradient(problems), await alone.lossAndGradient(problems));
  await engine.dispose();
});

Deno.test("a thread with a lot to do shows that it lives", () => {
  const { memory, exports } = instantiate(WASM, variantOf(763));
  const count = 65_536; // 16 slices of 1024 tiles
  const at = exports.problemsBase(1);
  new Float64Array(memory.buffer, at, 2 * count).fill(1234567890);
  assertEquals(exports.heartbeats(), 0);
  exports.lossAndGradient(at, count);
  assertEquals(exports.heartbeats(), count / 4 / 64);
});

for (
  const [how, source, message] of [
    ["by a trap", "throw new WebAssembly.RuntimeError('a trap');", /one failed \(.*a trap/],
    ["silently", "close(); return;", /one has done nothing for too long/],
  ] as const
) {
  Deno.test(`an engine whose trainer in the background dies ${how} says so`, async () => {
    const engine = await withOtherSource("exports.train();", source, async () => {
      const core = instantiate(WASM, variantOf(763), true);
      return new WasmEngine(core, "exact", await startTrainer(core, 10));
    });
    const start = { seed: 1, attempt: 0, firstSample: 0, firstStep: 0, steps: 10, minDigits: 1, maxDigits: 3 };
    const run = () => engine.trainRun({ ...start, stage: shortStage() });
    const { message: said } = await assertRejects(run, EngineError, "Cannot go on with this engine");
    assert(message.test(said), said);
    await assertRejects(run, EngineError, "Create another one");
    await engine.dispose();
  });
}

Deno.test("a worker that does not start is an error, and leaves none behind", async () => {
  await withOtherSource('postMessage("ready");', "throw new Error('not today');", async () => {
    const { message } = await assertRejects(() => createEngine({ threads: 3 }), EngineError, "its workers must live");
    assert(message.includes("not today"), message);
  });
});

Deno.test("a run whose thread dies keeps what it saved, says why, and goes on with the same bytes", async () => {
  await using folder = await temporaryFolder();
  const [out, straight] = ["run", "straight"].map((name) => join(folder.path, name));
  const recipe = shortRecipe({ stages: [shortStage({ batch: 512 })] }); // 16 parts a step
  const { checkpoint } = await train({ recipe, out: straight });
  await train({ recipe, out, steps: 100 });
  const state = await Deno.readFile(join(out, "state.safetensors"));
  await withOtherSource(SERVE, BY_A_TRAP, async () => {
    const options = { out, resume: true, threads: 2, finalProblems: 1_000_000 };
    await assertRejects(() => train(options), EngineError, "one has died");
  });
  assertEquals(await Deno.readFile(join(out, "state.safetensors")), state);
  assert((await Deno.readTextFile(join(out, "log.jsonl"))).includes('"event":"error"'));
  const { checkpoint: found } = await train({ out, resume: true });
  assertEquals(found, checkpoint);
});

/** What a worker of the pool does with a task. */
const ANSWER = /try\s*\{\s*(?=\w+\.postMessage\(\{\s*result)/;

for (
  const [how, source, message] of [
    [
      "with an error that nobody caught",
      "try { queueMicrotask(() => { throw new Error('a fault'); }); return;",
      "one failed",
    ],
    ["silently", "try { globalThis.close(); return;", "one has done nothing for too long"],
  ]
) {
  Deno.test(`a proof whose workers die ${how} is given up with an error`, async () => {
    const pool = await withOtherSource(ANSWER, source, () => createWorkerPool(2, 5));
    assertEquals(pool.threads, 2);
    const { model, parameters } = shippedCheckpoint();
    pool.load(readDecodingNumbers(model, parameters)!);
    const task = (token: number) => pool.submit("estimate", 3, token);
    for (const result of [0, 1, 2].map(task)) await assertRejects(() => result, EngineError, `must live: ${message}`);
    await assertRejects(() => task(4), EngineError, message);
    pool.end(new Error("the test is over"));
  });
}

// a timer that is left fails the test, as it would keep a user's process alive
Deno.test({ name: "a proof that is ended at work leaves no timer", sanitizeOps: true }, async () => {
  const pool = await withOtherSource(ANSWER, "try { return;", () => createWorkerPool(2));
  const { model, parameters } = shippedCheckpoint();
  pool.load(readDecodingNumbers(model, parameters)!);
  const result = pool.submit("estimate", 3, 0);
  await eventLoopTurn(); // a thread has the task
  pool.end(new Error("the test is over"));
  await assertRejects(() => result, Error, "the test is over");
});

Deno.test("an engine that is disposed of while its trainer is at work says so at once", async () => {
  const engine = await withOtherSource("exports.train();", "return;", async () => {
    const core = instantiate(WASM, variantOf(763), true);
    return new WasmEngine(core, "exact", await startTrainer(core));
  });
  const start = { seed: 1, attempt: 0, firstSample: 0, firstStep: 0, steps: 10, minDigits: 1, maxDigits: 3 };
  const run = engine.trainRun({ ...start, stage: shortStage() });
  await engine.dispose();
  await assertRejects(() => run, EngineError, "one was ended");
});
