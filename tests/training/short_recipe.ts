/**
 * Recipes that are over in a moment.
 *
 * @module
 */
import type { Recipe, Stage } from "../../src/training/recipes.ts";

/** A stage of 300 steps on short operands, with what is given in its place. */
export function shortStage(changes: Partial<Stage> = {}): Stage {
  return {
    name: "short",
    steps: 300,
    batch: 8,
    learningRate: 0.02,
    warmupSteps: 10,
    floor: 0.1,
    weightDecay: 0.1,
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-8,
    clipNorm: 1,
    curriculum: [{ fromStep: 0, minDigits: 1, maxDigits: 3 }],
    ...changes,
  };
}

/** A recipe of one such stage and no evaluations, with what is given in their place. */
export function shortRecipe(changes: Partial<Recipe> = {}): Recipe {
  return {
    name: "short",
    description: "for tests",
    stages: [shortStage()],
    maxAttempts: 1,
    evaluation: { every: 0, problems: 100 },
    ...changes,
  };
}
