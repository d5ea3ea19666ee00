/** The numbers of the recipes, written down a second time as DESIGN.md sections 1 and 5 give them. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  checkRecipe,
  continueRecipe,
  type Recipe,
  RECIPES,
  type Stage,
  totalSteps,
  trainRecipe,
} from "../../src/training/recipes.ts";

const ADAM = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, clipNorm: 1 };
const ADAM_OF_PAPER = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clipNorm: 1 };

const NARROW = ["fast", "sure"].map((name) => trainRecipe(name, { model: "5x8" }));
const ALL = [...RECIPES.map((name) => trainRecipe(name)), ...RECIPES.map(continueRecipe)];

Deno.test("the recipes are fast, sure and paper, and know their names", () => {
  for (const name of ["fast", "sure", "paper"]) assert(RECIPES.includes(name), name);
  assertEquals(ALL.map(({ name }) => name), [...RECIPES, ...RECIPES]);
});

for (
  const { name, batch, gateA, stepsB, peakB, gateB } of [
    { name: "fast", batch: 32, gateA: 0.33, stepsB: 8000, peakB: 0.015, gateB: { loss: 0.06, atStep: 4000 } },
    { name: "sure", batch: 32, gateA: 0.33, stepsB: 8000, peakB: 0.015, gateB: { loss: 0.06, atStep: 4000 } },
  ]
) {
  Deno.test(`recipe ${name} explores for 5,000 steps, from short operands to long ones`, () => {
    const [{ name: _, ...explore }] = trainRecipe(name).stages;
    assertEquals(explore, {
      ...ADAM,
      batch,
      steps: 5000,
      learningRate: 0.04,
      warmupSteps: 250,
      floor: 0.25,
      weightDecay: 0.1,
      curriculum: [
        { fromStep: 0, minDigits: 1, maxDigits: 3 },
        { fromStep: 500, minDigits: 1, maxDigits: 6 },
        { fromStep: 1500, minDigits: 1, maxDigits: 10 },
      ],
      gate: { atStep: 5000, window: 500, loss: gateA },
    });
  });

  Deno.test(`recipe ${name} then anneals without weight decay, on 8 to 10 digits`, () => {
    const { stages } = trainRecipe(name);
    assertEquals(stages.length, 2);
    const { name: _, ...anneal } = stages[1];
    assertEquals(anneal, {
      ...ADAM,
      batch,
      steps: stepsB,
      learningRate: peakB,
      warmupSteps: 0.02 * stepsB,
      floor: 0.01,
      weightDecay: 0,
      curriculum: [{ fromStep: 0, minDigits: 8, maxDigits: 10 }],
      gate: { ...gateB, window: 500 },
    });
  });
}

Deno.test("recipe paper trains as the original's first phase", () => {
  const { stages, maxAttempts } = trainRecipe("paper");
  assertEquals([stages.length, maxAttempts], [1, 1]);
  const { name: _, ...train } = stages[0];
  assertEquals(train, {
    ...ADAM_OF_PAPER,
    batch: 128,
    steps: 400_000,
    learningRate: 0.02,
    warmupSteps: 20_000,
    floor: 0.1,
    weightDecay: 0.1,
    curriculum: [
      { fromStep: 0, minDigits: 1, maxDigits: 3 },
      { fromStep: 20_000, minDigits: 1, maxDigits: 6 },
      { fromStep: 60_000, minDigits: 1, maxDigits: 10 },
    ],
  });
});

Deno.test("recipe jax trains as the 777 model was published: 2,000, 5,000 and 20,000 steps of 3, 6 and 10 digits", () => {
  const { stages, maxAttempts } = trainRecipe("jax");
  const [{ name: _, ...train }] = stages;
  assertEquals([stages.length, maxAttempts], [1, 1]);
  assertEquals(train, {
    ...ADAM_OF_PAPER,
    ...{ batch: 512, steps: 27_000, learningRate: 0.02, warmupSteps: 1350, floor: 0.1, weightDecay: 0.01 },
    curriculum: [
      { fromStep: 0, minDigits: 1, maxDigits: 3 },
      { fromStep: 2000, minDigits: 1, maxDigits: 6 },
      { fromStep: 7000, minDigits: 1, maxDigits: 10 },
    ],
  });
});

Deno.test("only fast and sure differ for narrow models, and those of full width are trained as 763", () => {
  for (const name of RECIPES) {
    for (const model of [763, 777, "7x14", "7x14+norm"] as const) {
      assertEquals(trainRecipe(name, { model }), trainRecipe(name));
    }
    const narrow = trainRecipe(name, { model: "5x8" });
    assertEquals(narrow.name, name);
    const isOwn = JSON.stringify(narrow) !== JSON.stringify(trainRecipe(name));
    assertEquals(isOwn, name === "fast" || name === "sure");
  }
  assertThrows(() => trainRecipe("sure", { model: "8x8" }), RangeError, "Cannot make a model as model must be");
});

Deno.test("narrow models are explored on operands of all lengths, with gates that rise as the model shrinks", () => {
  const gates = (["7x5", "6x14+norm", "6x14", "6x8", "5x14", "5x8", "5x4", "4x14", "2x1"] as const).map((model) => {
    const { stages: [explore, anneal], maxAttempts } = trainRecipe("sure", { model });
    assertEquals(explore.curriculum, [{ fromStep: 0, minDigits: 1, maxDigits: 10 }]);
    assertEquals([explore.batch, explore.weightDecay, anneal.weightDecay, maxAttempts], [32, 0.01, 0, 60]);
    assertEquals(anneal.steps, model.includes("x14") || model.includes("x8") ? 12_000 : 20_000);
    assertEquals(anneal.gate!.atStep, anneal.steps - 1000);
    return [explore.gate!.loss, anneal.gate!.loss];
  });
  assertEquals(gates, [
    ...[[0.114, 0.0002], [0.114, 0.0005], [0.116, 0.0005], [0.126, 0.0005], [0.134, 0.0005], [0.143, 0.0005]],
    ...[[0.149, 0.01], [0.3, 0.01], [0.3, 0.01]],
  ]);
});

Deno.test("recipe paper continues as the original's second phase, up to 99% exact match", () => {
  const { stages, maxAttempts, evaluation } = continueRecipe("paper");
  assertEquals([stages.length, maxAttempts], [1, 1]);
  const { name: _, ...second } = stages[0];
  assertEquals(second, {
    ...ADAM_OF_PAPER,
    batch: 256,
    steps: 200_000,
    learningRate: 0.005,
    warmupSteps: 4000,
    floor: 0.02,
    weightDecay: 0.01,
    curriculum: [{ fromStep: 0, minDigits: 1, maxDigits: 10 }],
  });
  assertEquals([evaluation.every, evaluation.stopAt], [1000, 0.99]);
});

Deno.test("only recipes that start from random weights start again", () => {
  for (const { maxAttempts, stages } of RECIPES.map(continueRecipe)) {
    assertEquals(maxAttempts, 1);
    assert(stages.every(({ gate }) => gate === undefined));
  }
});

for (const recipe of [...ALL, ...NARROW]) {
  const { name, stages, evaluation }: Recipe = recipe;
  Deno.test(`recipe ${name} of ${stages.map(({ name }) => name).join(", ")} is sound, and survives JSON`, () => {
    assertEquals(totalSteps(recipe), stages.map(({ steps }) => steps).reduce((a, b) => a + b));
    assertEquals(JSON.parse(JSON.stringify(recipe)), recipe);
    assert(evaluation.problems > 0);
    for (const { steps, batch, curriculum, gate } of stages) {
      assertEquals(batch % 4, 0);
      assertEquals(curriculum[0].fromStep, 0);
      assert(curriculum.every(({ fromStep }) => Number.isInteger(fromStep) && fromStep < steps));
      if (gate) assert(gate.window <= gate.atStep && gate.atStep <= steps);
    }
  });
}

Deno.test("an unknown recipe is refused with the names that there are", () => {
  for (const lookUp of [trainRecipe, continueRecipe]) {
    for (const name of ["slow", "", "Fast", "toString", "__proto__"]) {
      const message = `Cannot train as the recipe must be one of ${RECIPES.join(", ")}: current value is ${name}`;
      assertThrows(() => lookUp(name), RangeError, message);
    }
  }
});

for (const name of RECIPES) {
  Deno.test(`the recipe ${name} passes its own check, for both passes`, () => {
    checkRecipe(trainRecipe(name), "train");
    checkRecipe(continueRecipe(name), "continue");
  });
}

Deno.test("checkRecipe() says what cannot be run", () => {
  const gated = trainRecipe("fast");
  const [stage] = gated.stages;
  const withStage = (changes: Partial<Stage>) => ({ ...gated, stages: [{ ...stage, ...changes }] });
  const faults: [Recipe, "train" | "continue", string][] = [
    [{ ...gated, stages: [] }, "train", "at least one stage: current number is 0"],
    [{ ...gated, maxAttempts: 0 }, "train", "maxAttempts must be a whole number, 1 or more: current value is 0"],
    [
      withStage({ steps: 0.5 }),
      "train",
      "steps of stage explore must be a whole number, 1 or more: current value is 0.5",
    ],
    [withStage({ curriculum: [] }), "train", "must start at step 0: it starts at undefined"],
    [withStage({ gate: { atStep: 100, window: 200, loss: 1 } }), "train", "it has 200 steps and ends at step 100"],
    [gated, "continue", "a second pass has no gates"],
  ];
  for (const [recipe, kind, message] of faults) assertThrows(() => checkRecipe(recipe, kind), RangeError, message);
});
