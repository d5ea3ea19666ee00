import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { SweepFileError } from "../../src/sweep/error.ts";
import { parseRecipes } from "../../src/sweep/recipe_file.ts";
import { planRuns, recipeHash, runsOf } from "../../src/sweep/runs.ts";
import { trainRecipe } from "../../src/training/recipes.ts";

Deno.test("runsOf() cuts a sweep into shards that together are all of it", () => {
  const runs = planRuns({
    recipes: [trainRecipe("fast"), trainRecipe("sure")],
    models: [763, 777],
    seeds: [0, 1, 2, 3, 4],
    arithmetic: "exact",
  });
  assertEquals(runs.length, 20);
  for (const count of [1, 3, 4, 50]) {
    const parts = Array.from({ length: count }, (_, index) => runsOf(runs, { index, count }));
    assertEquals(new Set(parts.flat()), new Set(runs));
    assertEquals(parts.flat().length, runs.length);
  }
});

Deno.test("recipeHash() tells recipes of one name apart", async () => {
  const fast = trainRecipe("fast");
  assertEquals(await recipeHash(fast), await recipeHash(structuredClone(fast)));
  const [explore, anneal] = fast.stages;
  assertNotEquals(await recipeHash(fast), await recipeHash({ ...fast, stages: [explore, { ...anneal, steps: 8001 }] }));
});

Deno.test("parseRecipes() reads one recipe or several", () => {
  const fast = trainRecipe("fast");
  assertEquals(parseRecipes(JSON.stringify(fast), "f"), [fast]);
  assertEquals(parseRecipes(JSON.stringify([fast, trainRecipe("sure")]), "f"), [fast, trainRecipe("sure")]);
});

Deno.test("parseRecipes() says what is wrong, and where", () => {
  const [explore, anneal] = trainRecipe("fast").stages;
  const recipe = (fields: Record<string, unknown>) => JSON.stringify({ ...trainRecipe("fast"), ...fields });
  const cases: [string, string][] = [
    ["[]", "the list is empty"],
    ["3", "recipe 1 must be an object"],
    [recipe({ name: "" }), 'name of recipe 1 must be a text: it is ""'],
    [recipe({ stages: {} }), "stages of recipe 1 must be a list: it is {}"],
    [recipe({ maxAttempts: "2" }), 'maxAttempts of recipe 1 must be a number: it is "2"'],
    [recipe({ evaluation: null }), "evaluation of recipe 1 must be an object"],
    [
      recipe({ stages: [explore, { ...anneal, learningRate: -1 }] }),
      "learningRate of stage 2 of recipe 1 must be a number, 0 or more: it is -1",
    ],
    [
      recipe({ stages: [{ ...explore, batch: 30 }] }),
      "batch of stage 1 of recipe 1 must be a multiple of four: it is 30",
    ],
    [
      recipe({ stages: [{ ...explore, curriculum: [{ fromStep: 0, minDigits: 1, maxDigits: 11 }] }] }),
      "maxDigits of a phase of stage 1 of recipe 1 must be a whole number from 1 to 10: it is 11",
    ],
  ];
  for (const [text, reason] of cases) {
    const error = assertThrows(() => parseRecipes(text, "f.json"), SweepFileError);
    assertEquals(error.message, `Cannot read f.json as it must hold recipes: ${reason}`);
  }
  assertThrows(() => parseRecipes("{", "f.json"), SweepFileError);
  assertThrows(() => parseRecipes(recipe({ maxAttempts: 0 }), "f.json"), RangeError);
});
