/** Training from scratch and second passes, as callers of the library do them. Resuming has tests of its own. */
import { assert, assertAlmostEquals, assertEquals, assertLess, assertNotEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { loadAdder } from "../../src/adder/load_adder.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { decodeState } from "../../src/checkpoint/safetensors/state.ts";
import { CheckpointError } from "../../src/checkpoint/common/error.ts";
import { createEngine } from "../../src/engine/mod.ts";
import { evaluate } from "../../src/evaluation/evaluate.ts";
import { TrainingError } from "../../src/training/error.ts";
import { continueRecipe, RECIPES, trainRecipe } from "../../src/training/recipes.ts";
import { continueTraining, train } from "../../src/training/train.ts";
import type { ContinueOptions, TrainOptions } from "../../src/training/types.ts";
import type { ProgressEvent, TrainResult } from "../../src/training/types.ts";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { assertClose } from "../golden.ts";
import { shortRecipe, shortStage } from "./short_recipe.ts";

let trained: Promise<TrainResult> | undefined;
/** A model that adds, trained once for all tests of this file. */
function trainedModel(): Promise<TrainResult> {
  return trained ??= train({ recipe: "fast", seed: 1 });
}

Deno.test("train() makes a model from scratch that adds: recipe fast, seed 1", async () => {
  const { parameters, checkpoint, report } = await trainedModel();
  assert(report.exactMatch >= 0.999, `${report.exactMatch}`);
  assertEquals([report.model, report.recipe, report.seed, report.evaluated], [763, "fast", 1, 100_000]);
  assertEquals([report.backend, report.threads, report.arithmetic], ["wasm", 1, "exact"]);
  assertEquals([report.certified, report.checkpoint], [null, null]);
  assert(report.seconds >= report.trainSeconds && report.trainSeconds > 0);
  assertEquals(decodeCheckpoint(checkpoint).parameters, parameters);
  assertEquals(loadAdder(checkpoint).add(1234567890, 987654321), 2222222211);
});

Deno.test("the checkpoint says what it is and how it was made", async () => {
  const { checkpoint, report } = await train({ recipe: "sure", seed: 5, steps: 20, model: 777 });
  const { model, metadata } = decodeCheckpoint(checkpoint);
  const { recipe_json, exact_match, ...rest } = metadata;
  assertEquals(model, 777);
  assertEquals(rest, {
    format_version: "1",
    model: "777",
    kind: "train",
    recipe: "sure",
    seed: "5",
    step: "20",
    examples: "640",
    attempt: "0",
    backend: "wasm",
    arithmetic: "exact",
  });
  assertEquals(JSON.parse(recipe_json), trainRecipe("sure"));
  assertEquals(exact_match, `${Math.round(report.exactMatch * 100_000)} of 100000`);
});

Deno.test("`steps` ends a run early on the same way: its weights are those that the whole run had there", async () => {
  const { parameters, report } = await train({ recipe: "fast", seed: 3, steps: 700 });
  const engine = await createEngine({ backend: "wasm" });
  engine.initialize(3);
  const [stage] = trainRecipe("fast").stages;
  const run = { seed: 3, attempt: 0, stage, minDigits: 1 };
  await engine.trainRun({ ...run, firstSample: 0, firstStep: 0, steps: 500, maxDigits: 3 });
  await engine.trainRun({ ...run, firstSample: 500, firstStep: 500, steps: 200, maxDigits: 6 });
  assertEquals(parameters, engine.parameters());
  assertEquals([report.steps, report.examples], [700, 22_400]);
});

Deno.test("`steps` beyond the recipe's end changes nothing", async () => {
  const recipe = shortRecipe();
  const [all, more] = [await train({ recipe }), await train({ recipe, steps: 10_000 })];
  assertEquals(more.parameters, all.parameters);
  assertEquals(more.report.steps, 300);
});

Deno.test("no steps at all give the weights that training starts from", async () => {
  const { parameters, report } = await train({ recipe: shortRecipe(), seed: 9, steps: 0 });
  const engine = await createEngine({ backend: "wasm" });
  engine.initialize(9);
  assertEquals(parameters, engine.parameters());
  assertEquals([report.steps, report.examples], [0, 0]);
});

Deno.test("seed, model and arithmetic change the weights, and nothing else does", async () => {
  const weights = async (options: TrainOptions) => (await train({ recipe: shortRecipe(), ...options })).parameters;
  const first = await weights({});
  assertEquals(await weights({ seed: 1, evalEvery: 90, onProgress: () => {}, model: 763, backend: "wasm" }), first);
  assertNotEquals(await weights({ seed: 2 }), first);
  assertNotEquals(await weights({ arithmetic: "fast" }), first);
  assertEquals((await weights({ model: 777 })).length, 777);
});

Deno.test("evalEvery sets how often a run evaluates; every event says what the report says", async () => {
  const events: ProgressEvent[] = [];
  const onProgress = (event: ProgressEvent) => void events.push(event);
  const { report } = await train({ recipe: shortRecipe(), evalEvery: 110, onProgress });
  assertEquals(report.evaluations.map(({ step, total }) => [step, total]), [[110, 100], [220, 100]]);
  const evaluated = events.flatMap((event) => event.type === "evaluation" ? [[event.step, event.total]] : []);
  assertEquals(evaluated, [[110, 100], [220, 100], [300, 100_000]]);
  assertEquals(events.map(({ type }) => type).filter((type) => type !== "step"), [
    ...["start", "evaluation", "evaluation", "evaluation", "end"],
  ]);
});

Deno.test("a gate that always closes starts again with other weights, up to the last attempt", async () => {
  const gated = shortStage({ gate: { atStep: 120, window: 50, loss: 0 } });
  const recipe = shortRecipe({ stages: [gated], maxAttempts: 3 });
  const restarts: ProgressEvent[] = [];
  const onProgress = (event: ProgressEvent) => void (event.type === "restart" && restarts.push(event));
  const { report, parameters } = await train({ recipe, seed: 4, onProgress });
  assertEquals(report.restarts.map(({ stage, step, gate }) => [stage, step, gate]), Array(2).fill(["short", 120, 0]));
  assertNotEquals(report.restarts[0].loss, report.restarts[1].loss);
  assertEquals(restarts, report.restarts.map((restart, i) => ({ type: "restart", attempt: i + 1, ...restart })));
  assertEquals([report.steps, report.examples], [300, 8 * (120 + 120 + 300)]);

  const engine = await createEngine({ backend: "wasm" });
  engine.initialize(4, 2);
  const run = { seed: 4, attempt: 2, stage: gated, firstSample: 0, firstStep: 0, minDigits: 1, maxDigits: 3 };
  await engine.trainRun({ ...run, steps: 300 });
  assertEquals(parameters, engine.parameters());
});

Deno.test("a loss that is not finite ends the run and leaves the last good checkpoint", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "run");
  await train({ recipe: shortRecipe(), out, steps: 300 });
  const model = join(out, "model.safetensors");
  const before = await Deno.readFile(model);

  const wild = shortRecipe({ stages: [shortStage({ learningRate: 1e30, clipNorm: 0, warmupSteps: 0 })] });
  const error = await assertRejects(() => train({ recipe: wild, out, overwrite: true }), TrainingError);
  const said = /^Cannot go on training as the loss must be finite: at step (\d+), with learning rate (\S+), it is NaN$/;
  const [, step, rate] = error.message.match(said) ?? [];
  assertLess(Number(step), 300);
  assertAlmostEquals(Number(rate), 1e30, 1e29);
  assertEquals(await Deno.readFile(model), before);
});

Deno.test("weights that are not finite end the run even after its last step, when no loss tells", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  const recipe = shortRecipe({ stages: [shortStage({ learningRate: 1e39, clipNorm: 0, warmupSteps: 0 })] });
  const { message } = await assertRejects(() => train({ recipe, out, steps: 1 }), TrainingError);
  const said =
    /^Cannot go on training as the weights must be finite: after step 0, with learning rate (\S+), one is \S+$/;
  assertAlmostEquals(Number(said.exec(message)?.[1]), 1e39, 1e34);
  await assertRejects(() => Deno.stat(join(out, "model.safetensors")), Deno.errors.NotFound);
});

Deno.test("a failed run leaves nothing that a resume could take for the run before it", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "run");
  await train({ recipe: shortRecipe(), out });
  const wild = shortRecipe({ stages: [shortStage({ learningRate: 1e30, clipNorm: 0, warmupSteps: 0 })] });
  await assertRejects(() => train({ recipe: wild, out, overwrite: true }), TrainingError, "must be finite");
  await assertRejects(() => train({ out, resume: true }), TrainingError, "as the loss must be finite");
  // no step of the failed run was worth keeping, but the weights of the run before it are
  await assertRejects(() => train({ recipe: shortRecipe(), out }), TrainingError, "it holds model.safetensors");
  await train({ recipe: shortRecipe(), out, overwrite: true });
});

Deno.test("a run writes the bytes that it returns, and a log of its events", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "a", "run");
  const { checkpoint, report } = await train({ recipe: shortRecipe(), out, evalEvery: 110 });
  assertEquals(report.checkpoint, join(out, "model.safetensors"));
  assertEquals(await Deno.readFile(report.checkpoint!), checkpoint);
  const names = (await Array.fromAsync(Deno.readDir(out), ({ name }) => name)).sort();
  assertEquals(names, ["log.jsonl", "model.safetensors", "state.safetensors"]);

  const lines = (await Deno.readTextFile(join(out, "log.jsonl"))).trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines[0], {
    ...{ event: "start", recipe: shortRecipe(), model: 763, seed: 1, backend: "wasm", threads: 1, arithmetic: "exact" },
  });
  assertEquals(lines.at(-1), { event: "end", step: 300, exactMatch: report.exactMatch, examples: 2400 });
  const steps = lines.filter(({ event }) => event === "step").map(({ step }) => step);
  assert(steps.every((step, i) => i === 0 || step > steps[i - 1]), `${steps}`);
  assertEquals(steps.at(-1), 300);
  assertEquals(lines.filter(({ event }) => event === "evaluation").map(({ step }) => step), [110, 220, 300]);
});

Deno.test("a new run may replace a finished one if asked to, and starts its log anew", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  await train({ recipe: shortRecipe(), seed: 1, out });
  const { checkpoint } = await train({ recipe: shortRecipe(), seed: 2, out, overwrite: true });
  assertEquals(await Deno.readFile(join(out, "model.safetensors")), checkpoint);
  const log = await Deno.readTextFile(join(out, "log.jsonl"));
  assertEquals(log.match(/"event":"start"/g)?.length, 1);
  assertEquals(JSON.parse(log.split("\n")[0]).seed, 2);
});

const UNCHANGED = ["model.safetensors", "state.safetensors", "log.jsonl"];

Deno.test("a backend that is missing is an error with what to do, and touches no file", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  await train({ recipe: shortRecipe(), out });
  const read = () => Promise.all(UNCHANGED.map((name) => Deno.readFile(join(out, name))));
  const before = await read();
  await assertRejects(
    () => train({ recipe: shortRecipe(), out, threads: 65, overwrite: true }),
    RangeError,
    "Cannot create an engine as threads must be a whole number from 1 to 64: current value is 65",
  );
  assertEquals(await read(), before);
});

Deno.test("the reference trains through the same door, on the same examples", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  const stop = new AbortController();
  const recipe = shortRecipe({ stages: [shortStage({ batch: 4 })], evaluation: { every: 5, problems: 2 } });
  const events: ProgressEvent[] = [];
  const onProgress = (event: ProgressEvent) => {
    events.push(event);
    // its last evaluation would take minutes
    if (event.type === "step" && event.step >= 15) stop.abort(new Error("enough"));
  };
  const run = train({ recipe, out, backend: "reference", signal: stop.signal, onProgress });
  await assertRejects(() => run, Error, "enough");
  const [start] = events;
  assert(start.type === "start" && start.backend === "reference");

  const { progress, parameters } = decodeState(await Deno.readFile(join(out, "state.safetensors")));
  const wasm = await train({ recipe, steps: progress.step as number });
  assertClose(parameters, wasm.parameters, { absolute: 2e-3, of: "weights" });
  const { parameters: untrained } = await train({ recipe, steps: 0 });
  assert(parameters.some((value, i) => Math.abs(value - untrained[i]) > 0.05));
});

for (
  const [options, ErrorClass, message] of [
    [{ seed: -1 }, RangeError, "Cannot train as seed must be a whole number from 0 to 4294967295: current value is -1"],
    [{ seed: 0.5 }, RangeError, "current value is 0.5"],
    [{ steps: -3 }, RangeError, "Cannot train as steps must be a whole number, 0 or more: current value is -3"],
    [
      { evalEvery: 1.5 },
      RangeError,
      "Cannot train as evalEvery must be a whole number, 0 or more: current value is 1.5",
    ],
    [
      { recipe: "slow" },
      RangeError,
      `Cannot train as the recipe must be one of ${RECIPES.join(", ")}: current value is slow`,
    ],
    [{ seed: "1" as unknown as number }, RangeError, 'current value is "1"'],
    [{ steps: "100" as unknown as number }, RangeError, 'current value is "100"'],
    [{ model: "763" as unknown as 763 }, RangeError, 'current value is "763"'],
    [{ model: 7 as 777 }, RangeError, "current value is 7"],
    [{ threads: 0 }, RangeError, "threads must be a whole number from 1 to 64: current value is 0"],
    [
      { backend: "gpu" as "wasm" },
      RangeError,
      "backend must be one of auto, wasm, webgpu, reference: current value is gpu",
    ],
    [
      { backend: "reference", arithmetic: "fast" },
      RangeError,
      "as arithmetic must be exact on backend reference: current value is fast",
    ],
    [
      { backend: "webgpu", arithmetic: "exact" },
      RangeError,
      "as arithmetic must be fast on backend webgpu: current value is exact",
    ],
    [{ out: "" }, CheckpointError, "Cannot write to a run directory as its path must name one: it is empty"],
  ] as [TrainOptions, typeof Error, string][]
) {
  Deno.test(`train() refuses ${JSON.stringify(options)}`, () =>
    assertRejects(() => train({ steps: 1, ...options }), ErrorClass, message).then(() => {}));
}

Deno.test("continueTraining() goes on from the weights, and keeps what they have learned", async () => {
  const { checkpoint } = await trainedModel();
  const losses: number[] = [];
  const onProgress = (event: ProgressEvent) => void (event.type === "step" && losses.push(event.loss));
  const second = await continueTraining({ from: checkpoint, recipe: "fast", seed: 2, steps: 300, onProgress });
  assertLess(losses[0], 0.02);
  assertLess(Math.max(...losses), 0.2);
  assertEquals([second.report.steps, second.report.restarts], [300, []]);
  const { metadata } = decodeCheckpoint(second.checkpoint);
  assertEquals([metadata.kind, metadata.recipe, metadata.seed, metadata.step], ["continue", "fast", "2", "300"]);
  assertEquals(JSON.parse(metadata.from), decodeCheckpoint(checkpoint).metadata);
  assertEquals(JSON.parse(metadata.recipe_json), continueRecipe("fast"));
});

Deno.test("continueTraining() starts its optimizer anew, on examples that the first pass did not have", async () => {
  const first = await train({ recipe: shortRecipe(), seed: 6, steps: 40 });
  const { parameters } = await continueTraining({ from: first.checkpoint, recipe: shortRecipe(), seed: 6, steps: 30 });
  const engine = await createEngine({ backend: "wasm" });
  engine.setParameters(first.parameters);
  const run = {
    seed: 6,
    attempt: 2 ** 31,
    firstSample: 0,
    firstStep: 0,
    stage: shortStage(),
    minDigits: 1,
    maxDigits: 3,
  };
  await engine.trainRun({ ...run, steps: 30 });
  assertEquals(parameters, engine.parameters());
});

Deno.test("continueTraining() takes bytes, the path of a file and that of a run, of both models", async () => {
  await using folder = await temporaryFolder();
  for (const model of [763, 777] as const) {
    const out = join(folder.path, `first ${model}`);
    const { checkpoint } = await train({ recipe: shortRecipe(), steps: 20, model, out });
    const options = { recipe: shortRecipe(), steps: 10 };
    const sources = [checkpoint, join(out, "model.safetensors"), out];
    const results = await Promise.all(sources.map((from) => continueTraining({ ...options, from })));
    assertEquals(results[0].report.model, model);
    assertEquals(results[0].parameters.length, model);
    for (const result of results) assertEquals(result.checkpoint, results[0].checkpoint);
  }
});

for (
  const [title, options, message] of [
    ["nothing to start from", {}, "Cannot continue training as `from` must be a checkpoint: it is missing"],
    ["a file that is missing", { from: "none.safetensors" }, "Cannot read none.safetensors: there is no such file"],
    ["bytes that are no checkpoint", { from: new Uint8Array(64) }, "Cannot read the checkpoint as"],
    ["an unknown recipe", { recipe: "slow" }, `the recipe must be one of ${RECIPES.join(", ")}: current value is slow`],
    ["a bad seed", { seed: 2 ** 32 }, "Cannot continue training as seed must be"],
  ] as [string, ContinueOptions, string][]
) {
  Deno.test(`continueTraining() refuses ${title}`, async () => {
    const untrained = encodeCheckpoint({ model: 763, parameters: new Float32Array(763), metadata: {} });
    const from = title.startsWith("nothing") ? {} : { from: untrained };
    await assertRejects(() => continueTraining({ steps: 1, ...from, ...options }), Error, message);
  });
}

Deno.test("a run that reaches its goal stops there", async () => {
  const { checkpoint } = await trainedModel();
  const recipe = { ...continueRecipe("fast"), evaluation: { every: 50, problems: 500, stopAt: 0.98 } };
  const { report } = await continueTraining({ from: checkpoint, recipe });
  assertEquals([report.steps, report.stoppedEarly, report.evaluations.length], [50, true, 1]);
});

/** A second pass whose learning rate only rises, and ruins what the model can: the first evaluations are the best. */
const RUINOUS = shortRecipe({
  stages: [
    shortStage({
      learningRate: 0.05,
      warmupSteps: 300,
      curriculum: [{ fromStep: 0, minDigits: 8, maxDigits: 10 }],
    }),
  ],
  evaluation: { every: 20, problems: 400, stopAt: 2 },
});

Deno.test("a run with a goal that it misses returns its best weights", async () => {
  const { checkpoint } = await trainedModel();
  const { report, parameters } = await continueTraining({ from: checkpoint, recipe: RUINOUS, seed: 8 });
  const rights = report.evaluations.map(({ correct }) => correct);
  assert(rights.at(-1)! < Math.max(...rights), `the last weights are among the best: ${rights}`);
  const engine = await createEngine({ backend: "wasm" });
  engine.setParameters(parameters);
  const asked = engine.sample({ seed: 8, stream: "evaluation", sample: 1, count: 400 });
  assertEquals((await evaluate(engine, asked)).correct, Math.max(...rights));
  assertEquals(report.stoppedEarly, false);
});

Deno.test("a run that keeps its best weights goes on from its last ones", async () => {
  await using folder = await temporaryFolder();
  const { checkpoint: from } = await trainedModel();
  const [straight, pieces] = ["straight", "pieces"].map((name) => join(folder.path, name));
  const whole = await continueTraining({ from, recipe: RUINOUS, out: straight });
  await continueTraining({ from, recipe: RUINOUS, out: pieces, steps: 90 });
  const resumed = await continueTraining({ out: pieces, resume: true });
  assertEquals(resumed.report.evaluations, whole.report.evaluations);
  assertEquals(resumed.checkpoint, whole.checkpoint);
});
