/** Unknown options, misspelled ones and those of another type, as programs without types pass them. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { closest } from "../../src/common/closest.ts";
import {
  decodeCheckpoint,
  decodePyTorchCheckpoint,
  decodeSafetensors,
  encodeCheckpoint,
  importCheckpoint,
  readCheckpointFile,
} from "../../src/checkpoint/mod.ts";
import { createEngine } from "../../src/engine/mod.ts";
import { evaluate } from "../../src/evaluation/evaluate.ts";
import { checkOptions, unknownNames } from "../../src/common/options.ts";
import { parseRecipes } from "../../src/training/recipe_form.ts";
import { type Recipe, trainRecipe } from "../../src/training/recipes.ts";
import { continueTraining, train } from "../../src/training/train.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";

type Loose = (options: unknown) => Promise<unknown>;

const engine = await createEngine({ backend: "reference" });
engine.initialize(1);
const BYTES = encodeCheckpoint(shippedCheckpoint());
const PAIR = [{ a: 1, b: 2 }];

const ENTRIES: Readonly<Record<string, Loose>> = {
  train: (options) => train(options as never),
  continueTraining: (options) => continueTraining(options as never),
  createEngine: (options) => createEngine(options as never),
  evaluate: (options) => evaluate(engine, Float64Array.of(1, 2), options as never),
  trainStep: async (options) => await engine.trainStep(PAIR, options as never),
  ...Object.fromEntries(
    [decodeCheckpoint, decodeSafetensors, importCheckpoint, decodePyTorchCheckpoint]
      .map((decode): [string, Loose] => [decode.name, async (options) => await decode(BYTES, options as never)]),
  ),
  readCheckpointFile: (options) => readCheckpointFile("none.safetensors", options as never),
};

const WRONG: readonly (readonly [entry: keyof typeof ENTRIES, options: unknown, message: string])[] = [
  ["train", { sede: 9 }, "Cannot train as there is no option sede (did you mean seed?)"],
  [
    "train",
    { sede: 9, batchSize: 64 },
    "no option sede (did you mean seed?), batchSize: there are recipe, seed, steps,",
  ],
  ["train", { eval_every: 9 }, "eval_every (did you mean evalEvery?)"],
  ["train", { from: "run" }, "there is no option from"],
  ["train", { __proto__: null, "two words": 1 }, 'there is no option "two words"'],
  ["train", "fast", "its options must be an object: current value is fast"],
  ["train", { seed: "1" }, 'seed must be a whole number from 0 to 4294967295: current value is "1"'],
  ["train", { steps: "100" }, 'steps must be a whole number, 0 or more: current value is "100"'],
  ["train", { steps: -1 }, "steps must be a whole number, 0 or more: current value is -1"],
  ["train", { certify: "yes" }, "certify must be true or false: current value is yes"],
  ["train", { out: 7 }, "out must be a text: current value is 7"],
  ["train", { recipe: 7 }, "recipe must be a name or a recipe: current value is 7"],
  ["train", { signal: new AbortController() }, "signal must be an AbortSignal: current value is an object"],
  ["train", { onProgress: "log" }, "onProgress must be a function: current value is log"],
  ["train", { recipe: { ...trainRecipe("fast"), lr: 1 } }, "the recipe has no setting lr"],
  ["continueTraining", { form: "run" }, "Cannot continue training as there is no option form (did you mean from?)"],
  ["continueTraining", { from: "run", model: 777 }, "there is no option model"],
  [
    "continueTraining",
    { from: "run", seed: "1" },
    'seed must be a whole number from 0 to 4294967295: current value is "1"',
  ],
  ["createEngine", { thread: 2 }, "Cannot create an engine as there is no option thread (did you mean threads?)"],
  ["createEngine", { threads: "2" }, 'threads must be a number: current value is "2"'],
  ["createEngine", { model: "763" }, 'current value is "763"'],
  ["evaluate", { maxError: 2 }, "Cannot evaluate a model as there is no option maxError (did you mean maxErrors?)"],
  ["evaluate", { maxErrors: "2" }, 'maxErrors must be a number: current value is "2"'],
  ["trainStep", { learningRate: 1, lr: 2 }, "Cannot take a step as there is no option lr (did you mean learningRate?)"],
  ["decodeCheckpoint", { modle: 763 }, "Cannot read a checkpoint as there is no option modle (did you mean model?)"],
  ["decodeCheckpoint", { source: 7 }, "source must be a text: current value is 7"],
  ["decodeCheckpoint", { model: "763" }, 'current value is "763"'],
  ["decodeSafetensors", { sources: "a" }, "there is no option sources (did you mean source?)"],
  ["importCheckpoint", { keys: "ema" }, "there is no option keys (did you mean key?)"],
  ["importCheckpoint", { key: 1 }, "key must be a text: current value is 1"],
  ["decodePyTorchCheckpoint", { key: "ema" }, "there is no option key"],
  ["readCheckpointFile", { source: "a" }, "there is no option source"],
  ["trainStep", { learningRate: "1" }, 'learningRate must be a finite number, 0 or more: current value is "1"'],
];

for (const [entry, options, message] of WRONG) {
  Deno.test(`${entry}() says what is wrong: ${message}`, async () => {
    const error = await assertRejects(() => ENTRIES[entry](options), Error, message);
    assertEquals(error.message.startsWith("Cannot "), true, error.message);
  });
}

Deno.test("an option that is undefined is as one that is missing", () => {
  checkOptions<{ a?: number }>("try", { a: undefined }, { a: "a number" });
  const nothing = null as unknown as { a?: number };
  assertThrows(
    () => checkOptions<{ a?: number }>("try", nothing, { a: "a number" }),
    TypeError,
    "current value is null",
  );
});

Deno.test("closest() finds other spellings, initials, beginnings and what is contained", () => {
  const stage = Object.keys(trainRecipe("fast").stages[0]);
  for (
    const [written, meant] of [
      ["lr", "learningRate"],
      ["wd", "weightDecay"],
      ["eps", "epsilon"],
      ["Gate", "gate"],
      ["learning_rate", "learningRate"],
      ["batchSize", "batch"],
      ["warmup", "warmupSteps"],
      ["betas", "beta1"],
      ["momentum", undefined],
      ["constructor", undefined],
      ["x".repeat(10_000_000), undefined],
    ]
  ) assertEquals(closest(written!, stage), meant);
  assertEquals(unknownNames({ lr: 1, seed: 2 }, ["lr", "seed"]), undefined);
});

/** A recipe with some settings more, or fewer. */
function recipeText(change: (recipe: Recipe & Record<string, unknown>) => void): string {
  const recipe = structuredClone(trainRecipe("fast")) as Recipe & Record<string, unknown>;
  change(recipe);
  return JSON.stringify(recipe);
}

for (
  const [change, ...names] of [
    [
      (recipe: Recipe) => {
        Object.assign(recipe, { hardeningRound: 6, seed: 1 });
        Object.assign(recipe.stages[0], { lr: 1, Gate: {} });
      },
      "recipe 1 has no setting hardeningRound (did you mean hardeningRounds?), seed",
      "stage 1 of recipe 1 has no setting lr (did you mean learningRate?), Gate (did you mean gate?)",
    ],
    [
      ({ stages: [stage] }: Recipe) => {
        delete (stage as { learningRate?: number }).learningRate;
        Object.assign(stage, { lr: 1 });
      },
      "no setting lr (did you mean learningRate?)",
      "learningRate of stage 1 of recipe 1 must be a number, 0 or more: it is missing",
    ],
    [({ evaluation }: Recipe) => Object.assign(evaluation, { stop: 1 }), "stop (did you mean stopAt?)"],
    [
      ({ stages }: Recipe) => Object.assign(stages[1].gate!, { step: 1 }),
      "the gate of stage 2",
      "step (did you mean atStep?)",
    ],
    [({ stages }: Recipe) => Object.assign(stages[0].curriculum[2], { digits: 1 }), "a phase of stage 1", "digits"],
  ] as [(recipe: Recipe) => void, ...string[]][]
) {
  Deno.test(`a recipe file says that ${names.join(", and ")}`, () => {
    const { message } = assertThrows(() => parseRecipes(recipeText(change), "f.json"), Error, "Cannot read f.json");
    for (const name of names) assertStringIncludes(message, name);
  });
}
