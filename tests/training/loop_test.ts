/** The loop by itself, over an engine that only writes down what it is asked. */
import { assert, assertAlmostEquals, assertEquals, assertRejects } from "@std/assert";
import { TrainingError } from "../../src/training/error.ts";
import { learningRateAt } from "../../src/schedule/learning_rate.ts";
import type { RunKind } from "../../src/training/types.ts";
import {
  continueRecipe,
  FINAL_EVALUATION,
  type Recipe,
  RECIPES,
  totalSteps,
  trainRecipe,
} from "../../src/training/recipes.ts";
import { follow } from "../../src/training/events.ts";
import { runEvents } from "../../src/training/loop.ts";
import { freshProgress, Run } from "../../src/training/run.ts";
import type { ProgressEvent, TrainResult } from "../../src/training/types.ts";
import { type Script, ScriptedEngine } from "./scripted_engine.ts";
import { shortRecipe, shortStage } from "./short_recipe.ts";

interface Outcome extends TrainResult {
  engine: ScriptedEngine;
  events: ProgressEvent[];
}

interface RunOptions {
  script?: Script;
  kind?: RunKind;
  limit?: number;
  evalEvery?: number;
}

async function run(recipe: Recipe, { script, kind = "train", limit, evalEvery }: RunOptions = {}): Promise<Outcome> {
  const engine = new ScriptedEngine(script);
  const events: ProgressEvent[] = [];
  const progress = freshProgress({ kind, recipe, model: 763, seed: 7, arithmetic: "exact", from: null });
  const run = new Run(engine, { progress, parameters: new Float32Array(763) });
  const steps = runEvents(run, { steps: limit, evalEvery });
  const result = await follow(steps, () => {}, (event) => events.push(event));
  return { ...result, engine, events };
}

function eventsOf<T extends ProgressEvent["type"]>({ events }: Outcome, type: T) {
  return events.filter((event): event is Extract<ProgressEvent, { type: T }> => event.type === type);
}

/** For each step of each stage, the lengths that its curriculum names. */
function lengthsByStep({ stages }: Recipe): [minDigits: number, maxDigits: number][] {
  return stages.flatMap(({ steps, curriculum }) =>
    Array.from({ length: steps }, (_, step) => {
      const { minDigits, maxDigits } = curriculum.filter(({ fromStep }) => fromStep <= step).at(-1)!;
      return [minDigits, maxDigits] as [number, number];
    })
  );
}

const ODD = shortRecipe({
  stages: [
    shortStage({
      steps: 333,
      curriculum: [
        { fromStep: 0, minDigits: 1, maxDigits: 1 },
        { fromStep: 7.5, minDigits: 2, maxDigits: 3 },
        { fromStep: 50, minDigits: 4, maxDigits: 10 },
        { fromStep: 151, minDigits: 10, maxDigits: 10 },
      ],
      gate: { atStep: 201, window: 33, loss: 0.5 },
    }),
    shortStage({ steps: 111, batch: 16 }),
  ],
  evaluation: { every: 60, problems: 20 },
});

for (const recipe of [...RECIPES.map((name) => trainRecipe(name)), ...RECIPES.map(continueRecipe), ODD]) {
  const names = recipe.stages.map(({ name }) => name).join(", ");
  Deno.test(`every step of recipe ${recipe.name} (${names}) is taken once, in order, at its lengths`, async () => {
    const { engine: { runs }, report } = await run(recipe);
    const expected = lengthsByStep(recipe);
    let step = 0;
    const stageStarts = recipe.stages.map((_, i) => totalSteps({ ...recipe, stages: recipe.stages.slice(0, i) }));
    for (const { seed, firstSample, firstStep, steps, stage, minDigits, maxDigits } of runs) {
      assertEquals([seed, firstSample, firstStep], [
        7,
        step,
        step - stageStarts[recipe.stages.indexOf(stage as never)],
      ]);
      assert(steps > 0);
      const end = step + steps;
      for (; step < end; step++) {
        assertEquals([minDigits, maxDigits], expected[step], `step ${step}`);
      }
    }
    assertEquals([step, report.steps], [expected.length, expected.length]);
    assertEquals(report.examples, recipe.stages.reduce((sum, { steps, batch }) => sum + steps * batch, 0));
  });
}

Deno.test("a limit ends the run within a stage, whose schedule stays that of the whole", async () => {
  const { engine: { runs }, report } = await run(ODD, { limit: 351 });
  assertEquals(report.steps, 351);
  assertEquals(report.examples, 333 * 8 + 18 * 16);
  assertEquals(runs.at(-1)!.stage, ODD.stages[1]);
  assertEquals(runs.at(-1)!.firstStep + runs.at(-1)!.steps, 18);
});

Deno.test("a second pass draws from attempts that no training from scratch reaches", async () => {
  const first = await run(shortRecipe());
  const second = await run(shortRecipe(), { kind: "continue" });
  assert(first.engine.runs.every(({ attempt }) => attempt === 0));
  assert(second.engine.runs.every(({ attempt }) => attempt === 2 ** 31));
});

Deno.test("step events add up to the run, and tell loss and learning rate", async () => {
  const outcome = await run(ODD, { script: { loss: (step) => step / 1000 } });
  const steps = eventsOf(outcome, "step");
  assertEquals(steps.at(-1)!.step, 444);
  assertEquals(outcome.events[0], {
    ...{ type: "start", recipe: "short", model: 763, seed: 7, totalSteps: 444, backend: "reference", resumedAt: 0 },
    adapter: null,
  });
  assertEquals(outcome.events.at(-1), { type: "end", step: 444, exactMatch: 0 });
  let before = 0;
  for (const { step, loss, learningRate, totalSteps } of steps) {
    assertEquals(totalSteps, 444);
    assertAlmostEquals(loss, (before + step - 1) / 2000, 1e-6); // the mean of before … step - 1
    const [stage, stageStep] = step <= 333 ? [ODD.stages[0], step] : [ODD.stages[1], step - 333];
    assertEquals(learningRate, learningRateAt(stage, stageStep - 1));
    before = step;
  }
});

const GATED = shortRecipe({
  maxAttempts: 5,
  stages: [
    shortStage({ name: "first", steps: 200, gate: { atStep: 200, window: 50, loss: 0.5 } }),
    shortStage({ name: "second", steps: 300, batch: 16, gate: { atStep: 120, window: 40, loss: 0.25 } }),
  ],
});

Deno.test("a gate goes by the mean loss of its window alone", async () => {
  const inside = (step: number) => step >= 150 && step < 200;
  const low = await run(GATED, { script: { loss: (step) => step < 200 && !inside(step) ? 99 : step < 200 ? 0.4 : 0 } });
  assertEquals(low.report.restarts, []);
  const high = await run(GATED, { script: { loss: (step, attempt) => attempt === 0 && inside(step) ? 0.6 : 0 } });
  assertEquals(high.report.restarts.map(({ stage, step, gate }) => [stage, step, gate]), [["first", 200, 0.5]]);
  assertAlmostEquals(high.report.restarts[0].loss, 0.6, 1e-6);
});

Deno.test("a gate lets a loss through that is just as large as it allows", async () => {
  const { report } = await run(GATED, { script: { loss: (step) => step < 200 ? 0.5 : 0.25 } });
  assertEquals(report.restarts, []);
});

Deno.test("the gate of a later stage sends the run back to new weights and the first stage", async () => {
  const outcome = await run(GATED, {
    script: { loss: (step, attempt) => attempt === 0 && step >= 280 && step < 320 ? 0.3 : 0.1 },
  });
  const { report, engine } = outcome;
  assertEquals(report.restarts.map(({ stage, step, gate }) => [stage, step, gate]), [["second", 320, 0.25]]);
  assertEquals(engine.initialized, [[7, 1]]);
  const again = engine.runs.find(({ attempt }) => attempt === 1)!;
  assertEquals([again.firstSample, again.firstStep, again.stage], [0, 0, GATED.stages[0]]);
  assertEquals(report.steps, 500);
  assertEquals(report.examples, (200 * 8 + 120 * 16) + (200 * 8 + 300 * 16));
  const [restart] = eventsOf(outcome, "restart");
  assertEquals([restart.attempt, restart.step, restart.stage, restart.gate], [1, 320, "second", 0.25]);
  assertAlmostEquals(restart.loss, 0.3, 1e-6);
});

Deno.test("a gate that never opens is passed by the last attempt", async () => {
  const { report, engine } = await run(GATED, { script: { loss: () => 9 } });
  assertEquals(report.restarts, Array(4).fill({ stage: "first", step: 200, loss: 9, gate: 0.5 }));
  assertEquals(engine.initialized, [[7, 1], [7, 2], [7, 3], [7, 4]]);
  assertEquals([...new Set(engine.runs.map(({ attempt }) => attempt))], [0, 1, 2, 3, 4]);
  assertEquals(report.steps, 500);
  assertEquals(report.examples, 4 * 200 * 8 + 200 * 8 + 300 * 16);
});

Deno.test("a run of one attempt has no gates", async () => {
  const { report } = await run({ ...GATED, maxAttempts: 1 }, { script: { loss: () => 9 } });
  assertEquals([report.restarts, report.steps], [[], 500]);
});

Deno.test("a limit before the gate leaves it open", async () => {
  const { report } = await run(GATED, { script: { loss: () => 9 }, limit: 199 });
  assertEquals([report.restarts, report.steps], [[], 199]);
});

for (
  const [title, options, steps] of [
    ["as often as the recipe says", {}, [60, 120, 180, 240, 300, 360, 420]],
    ["as often as it is told", { evalEvery: 150 }, [150, 300]],
    ["not on the way at all", { evalEvery: 0 }, []],
    ["at the limit too where that is due", { limit: 120 }, [60, 120]],
  ] as const
) {
  Deno.test(`a run evaluates ${title}, and once more at the end`, async () => {
    const outcome = await run(ODD, { ...options, script: { correct: (step) => step % 7 } });
    const { report } = outcome;
    assertEquals(report.evaluations, steps.map((step) => ({ step, total: 20, correct: step % 7 })));
    const last = { step: report.steps, total: FINAL_EVALUATION, correct: report.steps % 7 };
    assertEquals(
      eventsOf(outcome, "evaluation").map(({ step, total, correct }) => ({ step, total, correct })),
      [...report.evaluations, last],
    );
    assertEquals([report.exactMatch, report.evaluated], [last.correct / FINAL_EVALUATION, FINAL_EVALUATION]);
  });
}

Deno.test("evaluations ask full-length problems that no training sees, other ones at the end than on the way", async () => {
  const { engine: { sampled } } = await run(ODD);
  assert(
    sampled.every(({ stream, seed, minDigits }) => stream === "evaluation" && seed === 7 && (minDigits ?? 10) === 10),
  );
  assertEquals(new Set(sampled.slice(0, -1).map(({ sample }) => sample)).size, 1);
  assert(sampled.at(-1)!.sample !== sampled[0].sample);
});

const STOPPING = shortRecipe({ evaluation: { every: 50, problems: 20, stopAt: 0.75 } });

Deno.test("a run stops once the share of right sums is reached", async () => {
  const { report, parameters } = await run(STOPPING, { script: { correct: (step) => step >= 150 ? 15 : 14 } });
  assertEquals([report.steps, report.stoppedEarly], [150, true]);
  assertEquals(report.evaluations.map(({ step }) => step), [50, 100, 150]);
  assertEquals(parameters[0], 150);
});

Deno.test("a run that never gets there keeps the best weights, the first of several", async () => {
  const right = new Map([[50, 3], [100, 11], [150, 11], [200, 10], [250, 0], [300, 5]]);
  const { report, parameters } = await run(STOPPING, { script: { correct: (step) => right.get(step)! } });
  assertEquals([report.steps, report.stoppedEarly], [300, false]);
  assertEquals(parameters[0], 100);
  assertEquals(report.exactMatch, 11 / FINAL_EVALUATION);
});

Deno.test("a recipe without a goal keeps the last weights", async () => {
  const recipe = shortRecipe({ evaluation: { every: 50, problems: 20 } });
  const { parameters } = await run(recipe, { script: { correct: (step) => step === 50 ? 20 : 0 } });
  assertEquals(parameters[0], 300);
});

for (const loss of [NaN, Infinity, -Infinity]) {
  Deno.test(`a loss of ${loss} ends the run with an error that names step and learning rate`, async () => {
    const script = { loss: (step: number) => step === 237 ? loss : 1 };
    const rate = learningRateAt(shortStage(), 237);
    await assertRejects(
      () => run(shortRecipe(), { script }),
      TrainingError,
      `Cannot go on training as the loss must be finite: at step 237, with learning rate ${rate}, it is ${loss}`,
    );
  });
}
