import { assertEquals, assertNotEquals } from "@std/assert";
import { planRuns, recipeHash } from "../../src/sweep/sweep.ts";
import { trainRecipe } from "../../src/training/recipes.ts";

Deno.test("planRuns() cuts a sweep into shards that together are all of it", () => {
  const recipes = [trainRecipe("fast"), trainRecipe("sure")];
  const plan = { recipes, models: [763, 777], seeds: [0, 1, 2, 3, 4], arithmetic: "exact" } as const;
  const runs = planRuns(plan);
  assertEquals(runs.length, 20);
  for (const count of [1, 3, 4, 50]) {
    const parts = Array.from({ length: count }, (_, index) => planRuns(plan, { index, count }));
    assertEquals(new Set(parts.flat()), new Set(runs));
    assertEquals(parts.flat().length, runs.length);
  }
});

Deno.test("recipeHash() distinguishes recipes of one name", async () => {
  const fast = trainRecipe("fast");
  assertEquals(await recipeHash(fast), await recipeHash(structuredClone(fast)));
  const [explore, anneal] = fast.stages;
  assertNotEquals(await recipeHash(fast), await recipeHash({ ...fast, stages: [explore, { ...anneal, steps: 8001 }] }));
});

Deno.test("planRuns() takes a named recipe as each model needs it", () => {
  const models = [763, "5x8"] as const;
  const runs = planRuns({ recipes: ["sure"], models, seeds: [1], arithmetic: "exact" });
  assertEquals(runs.map(({ recipe }) => recipe), models.map((model) => trainRecipe("sure", { model })));
});
