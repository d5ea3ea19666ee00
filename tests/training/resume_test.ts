/** A run that is interrupted, anywhere and as often as you like, ends with the bytes of one that was not. */
import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { decodeState } from "../../src/checkpoint/safetensors/state.ts";
import type { RunProgress } from "../../src/training/run.ts";
import { TrainingError } from "../../src/training/error.ts";
import { continueTraining, train } from "../../src/training/train.ts";
import type { TrainOptions } from "../../src/training/types.ts";
import type { ProgressEvent, TrainResult } from "../../src/training/types.ts";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { shortRecipe, shortStage } from "./short_recipe.ts";

/** All that a run can have: two stages, changing lengths, a gate that closes once, evaluations, and weights that are kept. */
const RECIPE = shortRecipe({
  maxAttempts: 2,
  stages: [
    shortStage({
      steps: 400,
      curriculum: [{ fromStep: 0, minDigits: 1, maxDigits: 2 }, { fromStep: 130, minDigits: 1, maxDigits: 10 }],
      gate: { atStep: 250, window: 120, loss: 0 },
    }),
    shortStage({ name: "second", steps: 350, batch: 16, learningRate: 0.01, warmupSteps: 20 }),
  ],
  evaluation: { every: 170, problems: 50, stopAt: 1 },
});

const INTERRUPTION = new Error("interrupted");

/** Keeps the thread busy: the loop looks at the signal when 50 ms are over, and takes fewer steps at once when they are slow. */
function keepBusy(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end;);
}

/** Runs up to the `count`-th step event and interrupts there. @returns The result if the run was over before */
async function runUpTo(count: number, options: TrainOptions): Promise<TrainResult | undefined> {
  const controller = new AbortController();
  const onProgress = ({ type }: ProgressEvent) => {
    if (type !== "step") return;
    keepBusy(20 + 10 * count); // so that the next stretch is of another length
    if (--count > 0) return;
    controller.abort(INTERRUPTION);
    keepBusy(60);
  };
  try {
    return await train({ ...options, signal: controller.signal, onProgress });
  } catch (error) {
    if (error !== INTERRUPTION) throw error;
  }
}

/** Interrupts a run again and again, after as many step events as the list says, and lets it end then. */
async function interruptedRun(counts: readonly number[], options: TrainOptions) {
  const stoppedAt: string[] = [];
  for (const [i, count] of counts.entries()) {
    const result = await runUpTo(count, { ...options, resume: i > 0 });
    if (result !== undefined) return { result, stoppedAt };
    const { attempt, step } = (await readState(options.out!)).progress;
    stoppedAt.push(`${attempt}/${step}`);
  }
  return { result: await train({ ...options, resume: true }), stoppedAt };
}

async function readState(out: string) {
  const state = decodeState(await Deno.readFile(join(out, "state.safetensors")));
  return { ...state, progress: state.progress as unknown as RunProgress };
}

/** The state of a run but for how long it took and how its log was cut into lines. */
async function timelessState(out: string) {
  const { progress, ...vectors } = await readState(out);
  return { ...vectors, progress: { ...progress, seconds: 0, trainSeconds: 0, logBytes: 0 } };
}

async function readLog(out: string): Promise<Record<string, unknown>[]> {
  const text = await Deno.readTextFile(join(out, "log.jsonl"));
  assert(text.endsWith("\n"));
  return text.trimEnd().split("\n").map((line) => JSON.parse(line));
}

const withoutSteps = (lines: Record<string, unknown>[]) => lines.filter(({ event }) => event !== "step");

/** Asserts that a run in pieces left the same files as one without a break. */
async function assertSameRun(pieces: string, straight: string): Promise<void> {
  const [actual, expected] = [pieces, straight].map((out) => Deno.readFile(join(out, "model.safetensors")));
  assertEquals(await actual, await expected);
  assertEquals(await timelessState(pieces), await timelessState(straight));
}

for (
  const [title, counts] of [
    ["once", [3]],
    ["at its first steps", [1]],
    ["again and again", [1, 2, 1, 3, 2, 1, 1]],
  ] as const
) {
  Deno.test(`a run that is interrupted ${title} ends with the same bytes`, async () => {
    await using folder = await temporaryFolder();
    const [straight, pieces] = ["straight", "pieces"].map((name) => join(folder.path, name));
    const whole = await train({ recipe: RECIPE, seed: 11, out: straight });
    assertEquals(whole.report.restarts.length, 1);
    const { result, stoppedAt } = await interruptedRun(counts, { recipe: RECIPE, seed: 11, out: pieces });
    assertEquals(new Set(stoppedAt).size, counts.length, `interrupted at ${stoppedAt}`);
    await assertSameRun(pieces, straight);
    assertEquals(result.checkpoint, whole.checkpoint);
    assertEquals(result.report.restarts, whole.report.restarts);
    assertEquals(result.report.evaluations, whole.report.evaluations);
    assertEquals(result.report.examples, whole.report.examples);
  });
}

Deno.test("a run in pieces of any length ends with the same bytes", async () => {
  await using folder = await temporaryFolder();
  const [straight, pieces] = ["straight", "pieces"].map((name) => join(folder.path, name));
  const recipe = { ...RECIPE, maxAttempts: 1 };
  await train({ recipe, out: straight });
  await train({ recipe, out: pieces, steps: 1 });
  for (const steps of [37, 129, 131, 169, 250, 399, 400, 401, 749]) await train({ out: pieces, resume: true, steps });
  await train({ out: pieces, resume: true });
  await assertSameRun(pieces, straight);
});

Deno.test("a second pass that is interrupted ends with the same bytes, without its checkpoint", async () => {
  await using folder = await temporaryFolder();
  const [straight, pieces] = ["straight", "pieces"].map((name) => join(folder.path, name));
  const { checkpoint: from } = await train({ recipe: shortRecipe(), steps: 30, model: 777 });
  const stages = RECIPE.stages.map(({ gate: _, ...stage }) => stage); // a second pass has no gates
  const options = { recipe: { ...RECIPE, stages }, seed: 3 };
  await continueTraining({ ...options, from, out: straight });
  await continueTraining({ ...options, from, out: pieces, steps: 123 });
  const { report } = await continueTraining({ out: pieces, resume: true });
  assertEquals([report.model, report.seed], [777, 3]);
  await assertSameRun(pieces, straight);
});

Deno.test("an interrupted run rejects with the signal's reason, and has saved where it stands", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  assertEquals(await runUpTo(1, { recipe: RECIPE, seed: 5, out }), undefined);
  const { progress, parameters } = await readState(out);
  assertGreater(progress.step, 0);
  assertEquals([progress.seed, progress.model, progress.kind], [5, 763, "train"]);
  assertEquals(progress.recipe, RECIPE);
  const { parameters: there } = await train({
    recipe: { ...RECIPE, evaluation: { every: 0, problems: 1 } },
    seed: 5,
    steps: progress.step,
  });
  assertEquals(parameters, there);
  await assertRejects(() => Deno.stat(join(out, "model.safetensors")), Deno.errors.NotFound);
});

// the second attempt's: at 340 the first stage goes on, at 400 it ends, at 750 the run does
for (const [which, every, step] of [["an", 170, 340], ["a stage's last", 200, 400], ["its last", 0, 750]] as const) {
  Deno.test(`a run that is stopped in ${which} evaluation has saved its last step, and ends with the same bytes`, async () => {
    await using folder = await temporaryFolder();
    const [straight, pieces] = ["straight", "pieces"].map((name) => join(folder.path, name));
    const recipe = { ...RECIPE, evaluation: { every, problems: 20_000, ...(every > 0 && { stopAt: 1 }) } };
    const { report } = await train({ recipe, seed: 5, out: straight });
    const controller = new AbortController();
    const onProgress = (event: ProgressEvent) => {
      if (event.type === "step" && event.step === step) setTimeout(() => controller.abort(INTERRUPTION), 0);
    };
    const { signal } = controller;
    const stopped = train({ recipe, seed: 5, out: pieces, signal, onProgress });
    assertEquals(await stopped.catch((error) => error), INTERRUPTION);
    assertEquals((await readState(pieces)).progress.step, step);
    const { report: resumed } = await train({ resume: true, out: pieces });
    assertEquals(resumed.evaluations, report.evaluations);
    await assertSameRun(pieces, straight);
    assertEquals(withoutSteps(await readLog(pieces)), withoutSteps(await readLog(straight)));
  });
}

Deno.test("a signal that is aborted already starts nothing", async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, "run");
  const events: ProgressEvent[] = [];
  const options = {
    recipe: RECIPE,
    out,
    signal: AbortSignal.abort(INTERRUPTION),
    onProgress: (e: ProgressEvent) => void events.push(e),
  };
  assertEquals(await train(options).catch((error) => error), INTERRUPTION);
  assertEquals(events, []);
});

Deno.test("the log of an interrupted run has every event once, and its steps in order", async () => {
  await using folder = await temporaryFolder();
  const [straight, pieces] = ["straight", "pieces"].map((name) => join(folder.path, name));
  await train({ recipe: RECIPE, out: straight });
  await interruptedRun([2, 1, 2], { recipe: RECIPE, out: pieces });
  const lines = await readLog(pieces);
  assertEquals(withoutSteps(lines), withoutSteps(await readLog(straight)));
  const restart = lines.findIndex(({ event }) => event === "restart");
  for (const [attempt, end] of [[lines.slice(0, restart), 250], [lines.slice(restart), 750]] as const) {
    const steps = attempt.filter(({ event }) => event === "step").map(({ step }) => step as number);
    assert(steps.every((step, i) => i === 0 || step > steps[i - 1]), `${steps}`);
    assertEquals(steps.at(-1), end);
  }
});

Deno.test("a resume drops what was logged after the last save: these steps are taken again", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  await runUpTo(2, { recipe: RECIPE, out });
  const before = await readLog(out);
  const killed = '{"event":"step","step":9999}\n{"event":"st'; // as a crash between two writes leaves it
  await Deno.writeTextFile(join(out, "log.jsonl"), killed, { append: true });
  await train({ out, resume: true });
  const lines = await readLog(out);
  assertEquals(lines.slice(0, before.length), before);
  assert(lines.every(({ step }) => step !== 9999));
});

Deno.test("a resume starts the log anew where somebody removed it", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  await runUpTo(2, { recipe: RECIPE, out });
  await Deno.remove(join(out, "log.jsonl"));
  await train({ out, resume: true });
  assertEquals((await readLog(out)).at(-1)!.event, "end");
});

Deno.test("resuming a finished run changes no byte of model and log, and reports the same", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  const first = await train({ recipe: RECIPE, seed: 2, out });
  const [log, state] = [await Deno.readTextFile(join(out, "log.jsonl")), await timelessState(out)];
  for (let again = 0; again < 2; again++) {
    const events: ProgressEvent[] = [];
    const { report, ...result } = await train({ out, resume: true, onProgress: (event) => void events.push(event) });
    assertEquals(events.filter(({ type }) => type === "step"), []);
    assertEquals(result, { parameters: first.parameters, checkpoint: first.checkpoint, certificate: null });
    assertEquals({ ...report, seconds: 0 }, { ...first.report, seconds: 0 });
    assertEquals(await Deno.readFile(join(out, "model.safetensors")), first.checkpoint);
    assertEquals(await Deno.readTextFile(join(out, "log.jsonl")), log);
    assertEquals(await timelessState(out), state);
  }
});

Deno.test("a resume writes the weights of a finished run where they are missing", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  const { checkpoint } = await train({ recipe: shortRecipe(), out });
  await Deno.remove(join(out, "model.safetensors"));
  await train({ out, resume: true });
  assertEquals(await Deno.readFile(join(out, "model.safetensors")), checkpoint);
});

Deno.test("a new run refuses a folder with an unfinished one, and leaves it as it is", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  await train({ recipe: shortRecipe(), out, steps: 20 });
  const files = () => Promise.all(["state.safetensors", "log.jsonl"].map((name) => Deno.readFile(join(out, name))));
  const before = await files();
  const message = `Cannot start a run in ${out} as the folder must not hold an unfinished one: it holds one at step 20`;
  await assertRejects(() => train({ recipe: shortRecipe(), out }), TrainingError, message);
  const { checkpoint: from } = await train({ recipe: shortRecipe(), steps: 1 });
  await assertRejects(() => continueTraining({ from, out }), TrainingError, message);
  assertEquals(await files(), before);
});

Deno.test("a resume keeps recipe, model and seed, and refuses others with a sentence", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  await train({ recipe: shortRecipe(), seed: 7, model: 777, out, steps: 20 });
  const refused: [TrainOptions, string][] = [
    [{ seed: 8 }, `Cannot resume the run in ${out} as its seed must be the one asked for, 8: it is 7`],
    [{ recipe: "fast" }, "as its recipe must be the one asked for, fast: it is short"],
    [{ recipe: shortRecipe({ name: "other" }) }, "as its recipe must be the one asked for, other: it is short"],
    [{ model: 763 }, "as its model must be the one asked for, 763: it is 777"],
  ];
  for (const [options, message] of refused) {
    await assertRejects(() => train({ ...options, out, resume: true }), TrainingError, message);
  }
  const message = "as its kind must be the one asked for, continue: it is train";
  await assertRejects(() => continueTraining({ out, resume: true }), TrainingError, message);
  const { report } = await train({ recipe: "short", seed: 7, model: 777, out, resume: true, steps: 30 });
  assertEquals([report.recipe, report.seed, report.model, report.steps], ["short", 7, 777, 30]);
});

Deno.test("a resume needs a folder that holds a run", async () => {
  await using folder = await temporaryFolder();
  const { path: out } = folder;
  await assertRejects(
    () => train({ resume: true }),
    TrainingError,
    "Cannot resume a run as `out` must name its folder",
  );
  const message = `Cannot go on with the run in ${out} as it must hold its state: there is no ${
    join(out, "state.safetensors")
  }`;
  await assertRejects(() => train({ out, resume: true }), TrainingError, message);
  await Deno.writeTextFile(join(out, "state.safetensors"), "not a state");
  await assertRejects(() => train({ out, resume: true }), Error, `Cannot read ${join(out, "state.safetensors")} as`);
});
