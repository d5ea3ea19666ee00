import { assertEquals, assertThrows } from "@std/assert";
import { TrainingError } from "../../src/training/error.ts";
import { parseRecipes } from "../../src/training/recipe_form.ts";
import { trainRecipe } from "../../src/training/recipes.ts";

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
    [recipe({ maxAttempts: "2" }), 'maxAttempts of recipe 1 must be a number, 0 or more: it is "2"'],
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
    const error = assertThrows(() => parseRecipes(text, "f.json"), TrainingError);
    assertEquals(error.message, `Cannot read f.json as it must hold recipes: ${reason}`);
  }
  assertThrows(() => parseRecipes("{", "f.json"), TrainingError);
  assertThrows(() => parseRecipes(recipe({ maxAttempts: 0 }), "f.json"), RangeError);
});
