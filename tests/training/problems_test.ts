/** Examples of one's own, and mixes. */
import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { createEngine } from "../../src/engine/mod.ts";
import { learningRateAt } from "../../src/schedule/learning_rate.ts";
import { TrainingError } from "../../src/training/error.ts";
import { problemsOf } from "../../src/training/mix.ts";
import type { ProblemRequest, TrainOptions } from "../../src/training/types.ts";
import { parseRecipes } from "../../src/training/recipe_form.ts";
import { checkRecipe, type MixPart } from "../../src/training/recipes.ts";
import { train } from "../../src/training/train.ts";
import { temporaryFolder } from "../cli/tiny_adder.ts";
import { shortRecipe, shortStage } from "./short_recipe.ts";

const RECIPE = shortRecipe({
  stages: [
    shortStage({
      curriculum: [{ fromStep: 0, minDigits: 1, maxDigits: 2 }, { fromStep: 120, minDigits: 3, maxDigits: 10 }],
    }),
    shortStage({ name: "second", batch: 16 }),
  ],
});

/** Pairs that follow from the request alone. */
function problems({ seed, attempt, step, first, count, maxDigits }: ProblemRequest) {
  return Array.from({ length: count }, (_, i) => {
    const number = seed + 17 * attempt + 10_007 * step + 101 * (first + i);
    return { a: number * 7919 % 10 ** maxDigits, b: BigInt(number * 104_729 % 10 ** maxDigits) };
  });
}

const options: TrainOptions = { recipe: RECIPE, seed: 4, finalProblems: 100, problems };

Deno.test("problems get seed, attempt, step, batch and lengths of each step once, in order", async () => {
  const requests: ProblemRequest[] = [];
  await train({ ...options, problems: (request) => (requests.push(request), problems(request)) });
  assertEquals(requests.length, 600);
  for (const [step, request] of requests.entries()) {
    const lengths = step < 120 ? [1, 2] : step < 300 ? [3, 10] : [1, 3];
    assertEquals(request, {
      ...{ seed: 4, attempt: 0, step, first: 0, count: step < 300 ? 8 : 16 },
      ...{ minDigits: lengths[0], maxDigits: lengths[1] },
    });
  }
});

Deno.test("a run on problems equals trainStep() on them, on the reference engine", async () => {
  const { parameters } = await train({ ...options, backend: "reference", steps: 40 });
  const engine = await createEngine({ backend: "reference" });
  engine.initialize(4);
  const [stage] = RECIPE.stages;
  for (let step = 0; step < 40; step++) {
    const request = { seed: 4, attempt: 0, step, first: 0, count: 8, minDigits: 1, maxDigits: 2 };
    await engine.trainStep(problems(request), { ...stage, learningRate: learningRateAt(stage, step) });
  }
  assertEquals(parameters, engine.parameters());
});

Deno.test("what the engine would draw, given as problems, trains the same bytes", async () => {
  const engine = await createEngine({ backend: "wasm" });
  const drawn = ({ seed, attempt, step, count, minDigits, maxDigits }: ProblemRequest) =>
    engine.sample({ seed, stream: "training", attempt, sample: step, count, minDigits, maxDigits });
  assertEquals(
    (await train({ ...options, problems: drawn })).parameters,
    (await train({ ...options, problems: undefined })).parameters,
  );
});

Deno.test("problems give the same bytes on any number of threads and in parts", async () => {
  await using folder = await temporaryFolder();
  const { checkpoint } = await train(options);
  for (const threads of [2, 3]) assertEquals((await train({ ...options, threads })).checkpoint, checkpoint);
  const out = folder.path;
  const stop = new AbortController();
  await assertRejects(
    () =>
      train({
        ...{ ...options, out, signal: stop.signal },
        onProgress: (event) => event.type === "step" && event.step > 50 && stop.abort(new Error("enough")),
      }),
    Error,
    "enough",
  );
  await assertRejects(
    () => train({ out, resume: true }),
    TrainingError,
    "`problems` must be given again: it is missing",
  );
  assertEquals((await train({ out, resume: true, problems, finalProblems: 100 })).checkpoint, checkpoint);
});

Deno.test("problems that cannot be trained on are refused by step and value", async () => {
  const refused = (own: TrainOptions["problems"]) => train({ ...options, problems: own });
  await assertRejects(
    () => refused(() => [{ a: 1, b: 2 }]),
    TrainingError,
    "at step 0 as `problems` must return 8 pairs: current number is 1",
  );
  await assertRejects(() => refused(({ count }) => new Float64Array(2 * count).fill(-1)), RangeError, "-1");
  await assertRejects(() => train({ ...options, attempts: 2 }), TrainingError, "`problems` is given");
});

const PARTS: MixPart[] = [
  { share: 0.25, kind: "random", digits: [10, 10] },
  { share: 0.5, kind: "carries" },
  { share: 0.25, kind: "repeated", digits: [2, 9] },
];
const MIXED = shortRecipe({ stages: [shortStage({ mix: PARTS }), shortStage({ name: "second" })] });

Deno.test("a mix has its shares of long carries and repeated digits, in its lengths", async () => {
  const engine = await createEngine({ backend: "wasm" });
  const make = problemsOf(shortStage({ mix: PARTS }), engine)!;
  const request = { seed: 1, attempt: 0, step: 5, first: 0, count: 400, minDigits: 6, maxDigits: 10 };
  const operands = make(request) as Float64Array;
  assertEquals(make(request), operands);
  assertNotEquals(make({ ...request, step: 6 }), operands);
  const pairs = Array.from({ length: 400 }, (_, i) => [operands[2 * i], operands[2 * i + 1]]);
  assert(pairs.flat().every((value) => Number.isInteger(value) && value >= 0 && value < 1e10));
  /** The longest run of columns into which a carry comes. */
  const carries = ([a, b]: number[]) => {
    let [longest, run] = [0, 0];
    for (let place = 1; place <= 10; place++) {
      const isCarry = a % 10 ** place + b % 10 ** place >= 10 ** place;
      run = isCarry ? run + 1 : 0;
      longest = Math.max(longest, run);
    }
    return longest;
  };
  const mean = (some: number[][]) => some.map(carries).reduce((sum, each) => sum + each) / some.length;
  assert(mean(pairs.slice(100, 300)) > mean(pairs.slice(0, 100)) + 1, `${mean(pairs.slice(100, 300))}`);
  for (const value of pairs.slice(300).flat()) {
    assertEquals(new Set(String(value)).size, 1, String(value));
    assert(value < 1e9);
  }
  assert(new Set(pairs.slice(300).flat()).size > 30);
  assertEquals(new Set(pairs.map(String)).size > 380, true);
});

Deno.test("a recipe with a mix trains from JSON, the same bytes on any threads, side by side and in memory", async () => {
  const [recipe] = parseRecipes(JSON.stringify(MIXED), "mix.json");
  const run = async (more: TrainOptions) => (await train({ recipe, seed: 4, finalProblems: 100, ...more })).checkpoint;
  const checkpoint = await run({});
  assertEquals(await run({ threads: 2 }), checkpoint);
  assertEquals(await run({ attempts: 2 }), checkpoint);
  assertNotEquals(
    await run({ recipe: shortRecipe({ stages: [shortStage(), shortStage({ name: "second" })] }) }),
    checkpoint,
  );
});

for (
  const [mix, error, reason] of [
    [{}, TrainingError, "mix of stage 1 of recipe 1 must be a list: it is {}"],
    [
      [{ share: 0, kind: "random" }],
      TrainingError,
      "share of a part of the mix of stage 1 of recipe 1 must be a number above 0, at most 1: it is 0",
    ],
    [[{ share: 1, kind: "hard" }], TrainingError, 'must be random, carries or repeated: it is "hard"'],
    [[{ share: 1, kind: "random", digits: [0, 3] }], TrainingError, "the smaller one first: it is [0,3]"],
    [[{ share: 1, kind: "random", digits: [4, 3] }], TrainingError, "the smaller one first: it is [4,3]"],
    [
      [{ share: 1, kind: "random", digits: 4 }],
      TrainingError,
      "two whole numbers from 1 to 10, the smaller one first: it is 4",
    ],
    [[{ share: 0.5, kind: "random" }], RangeError, "must add up to 1: their sum is 0.5"],
  ] as const
) {
  Deno.test(`a mix is refused where ${reason}`, () => {
    const recipe = { ...MIXED, stages: [{ ...shortStage(), mix }] };
    assertThrows(() => parseRecipes(JSON.stringify(recipe), "mix.json"), error, reason);
    // deno-lint-ignore no-explicit-any
    if (error === RangeError) assertThrows(() => checkRecipe(recipe as any, "train"), RangeError, reason);
  });
}
