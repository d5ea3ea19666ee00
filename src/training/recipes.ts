/**
 * Recipes as data: stages, schedules, curricula, gates. Nothing here runs anything.
 *
 * @module
 */
import { shown } from "../shown.ts";
import type { StageHyperparameters } from "./stage.ts";

/** From which step of a stage on operands have how many random digits. */
export interface CurriculumPhase {
  /** The first step of the stage to which this applies. */
  readonly fromStep: number;
  /** Fewest digits. */
  readonly minDigits: number;
  /** Most digits. */
  readonly maxDigits: number;
}

/** A run that will fail shows it in its training loss: above `loss`, it starts again with new weights. */
export interface Gate {
  /** The step of the stage before which the loss is averaged. */
  readonly atStep: number;
  /** How many steps are averaged. */
  readonly window: number;
  /** The largest mean loss that goes on. */
  readonly loss: number;
}

/** One stage of a recipe. */
export interface Stage extends StageHyperparameters {
  /** What it is for, one word. */
  readonly name: string;
  /** Operand lengths over time; the first entry starts at step 0. */
  readonly curriculum: readonly CurriculumPhase[];
  /** Where a failing run is given up. */
  readonly gate?: Gate;
}

/** How often to evaluate, and what accuracy ends the run. */
export interface EvaluationPlan {
  /** Steps between evaluations; 0: only at the end. */
  readonly every: number;
  /** Problems each time. */
  readonly problems: number;
  /** Stops the run once this share is right; the best checkpoint is kept. */
  readonly stopAt?: number;
}

/** A way to train, from first weights to last. */
export interface Recipe {
  /** Its name. */
  readonly name: string;
  /** One line for people. */
  readonly description: string;
  /** The stages, in order, under one optimizer state. */
  readonly stages: readonly Stage[];
  /** Most attempts before the last one is kept as it is. */
  readonly maxAttempts: number;
  /** Evaluations during the run. */
  readonly evaluation: EvaluationPlan;
  /** Seconds that the proof at the end of a run may take, where one is asked for. @default {30} */
  readonly proofSeconds?: number;
  /** Most rounds of training on what the proof finds, where one is asked for and does not go through. @default {0} */
  readonly hardeningRounds?: number;
}

/**
 * Seconds for a proof where the recipe does not say.
 *
 * @example Usage
 * ```ts
 * import { PROOF_SECONDS, trainRecipe } from "@x/tiny-adder/recipes";
 *
 * console.log(trainRecipe("fast").proofSeconds ?? PROOF_SECONDS);
 * ```
 */
export const PROOF_SECONDS = 30;

/**
 * Rounds of hardening where they are asked for.
 *
 * @example Usage
 * ```ts
 * import { HARDENING_ROUNDS, trainRecipe } from "@x/tiny-adder/recipes";
 *
 * console.log(Math.max(trainRecipe("fast").hardeningRounds ?? 0, HARDENING_ROUNDS)); // what train({ harden: true }) takes
 * ```
 */
export const HARDENING_ROUNDS = 6;

/**
 * Problems of the evaluation that ends a run.
 *
 * @example Usage
 * ```ts
 * import { FINAL_EVALUATION } from "@x/tiny-adder/recipes";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(FINAL_EVALUATION, 100_000); // train({ finalProblems }) asks for others
 * ```
 */
export const FINAL_EVALUATION = 100_000;

const ADAM = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, clipNorm: 1 } as const;
const ADAM_OF_PAPER = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clipNorm: 1 } as const;
const ALL_LENGTHS: readonly CurriculumPhase[] = [{ fromStep: 0, minDigits: 1, maxDigits: 10 }];

/** Explore at a large learning rate with real weight decay, from short operands to long ones. */
function explore(batch: number, steps: number, gateLoss: number): Stage {
  return {
    ...ADAM,
    name: "explore",
    steps,
    batch,
    learningRate: 0.04,
    warmupSteps: 0.05 * steps,
    floor: 0.25,
    weightDecay: 0.1,
    curriculum: [
      { fromStep: 0, minDigits: 1, maxDigits: 3 },
      { fromStep: 0.1 * steps, minDigits: 1, maxDigits: 6 },
      { fromStep: 0.3 * steps, minDigits: 1, maxDigits: 10 },
    ],
    gate: { atStep: steps, window: 500, loss: gateLoss },
  };
}

/** Anneal: no weight decay, the learning rate down to almost nothing, long operands. */
function anneal(batch: number, steps: number, learningRate: number, gate: Gate): Stage {
  return {
    ...ADAM,
    name: "anneal",
    steps,
    batch,
    learningRate,
    warmupSteps: 0.02 * steps,
    floor: 0.01,
    weightDecay: 0,
    curriculum: [{ fromStep: 0, minDigits: 8, maxDigits: 10 }],
    gate,
  };
}

const NO_EVALUATION: EvaluationPlan = { every: 0, problems: 10_000 };

const TRAIN_RECIPES: Readonly<Record<string, Recipe>> = {
  fast: {
    name: "fast",
    description: "from scratch to 99.9% in a few seconds",
    stages: [explore(32, 5000, 0.33), anneal(32, 8000, 0.015, { atStep: 4000, window: 500, loss: 0.06 })],
    maxAttempts: 20,
    evaluation: NO_EVALUATION,
    proofSeconds: 5,
  },
  sure: {
    name: "sure",
    description: "from scratch to no error at all, proved",
    stages: [explore(64, 5000, 0.30), anneal(64, 20_000, 0.01, { atStep: 6000, window: 500, loss: 0.035 })],
    maxAttempts: 20,
    evaluation: NO_EVALUATION,
    hardeningRounds: HARDENING_ROUNDS,
  },
  paper: {
    name: "paper",
    description: "the original's first phase: 400,000 steps, no restarts",
    stages: [{
      ...ADAM_OF_PAPER,
      name: "train",
      steps: 400_000,
      batch: 128,
      learningRate: 0.02,
      warmupSteps: 20_000,
      floor: 0.1,
      weightDecay: 0.1,
      curriculum: [
        { fromStep: 0, minDigits: 1, maxDigits: 3 },
        { fromStep: 20_000, minDigits: 1, maxDigits: 6 },
        { fromStep: 60_000, minDigits: 1, maxDigits: 10 },
      ],
    }],
    maxAttempts: 1,
    evaluation: { every: 20_000, problems: 10_000 },
  },
};

const CONTINUE_RECIPES: Readonly<Record<string, Recipe>> = {
  fast: secondAnnealing("fast", 32, 8000, 0.005),
  sure: secondAnnealing("sure", 64, 28_000, 0.005),
  paper: {
    name: "paper",
    description: "the original's second phase: up to 200,000 steps from a checkpoint, ended by 99% exact match",
    stages: [{
      ...ADAM_OF_PAPER,
      name: "continue",
      steps: 200_000,
      batch: 256,
      learningRate: 0.005,
      warmupSteps: 4000,
      floor: 0.02,
      weightDecay: 0.01,
      curriculum: ALL_LENGTHS,
    }],
    maxAttempts: 1,
    evaluation: { every: 1000, problems: 10_000, stopAt: 0.99 },
  },
};

/** A second, gentler annealing of weights that have learned already. */
function secondAnnealing(name: string, batch: number, steps: number, learningRate: number): Recipe {
  const { gate: _, ...stage } = anneal(batch, steps, learningRate, { atStep: 0, window: 0, loss: 0 });
  return {
    name,
    description: `another annealing of ${steps} steps from a checkpoint`,
    stages: [stage],
    maxAttempts: 1,
    evaluation: NO_EVALUATION,
  };
}

/**
 * The names of the recipes.
 *
 * @example Usage
 * ```ts
 * import { RECIPES } from "@x/tiny-adder/recipes";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(RECIPES, ["fast", "sure", "paper"]);
 * ```
 */
export const RECIPES: readonly string[] = Object.keys(TRAIN_RECIPES);

function lookUp(recipes: Readonly<Record<string, Recipe>>, name: string): Recipe {
  if (!Object.hasOwn(recipes, name)) {
    throw new RangeError(
      `Cannot train as the recipe must be one of ${RECIPES.join(", ")}: current value is ${shown(name)}`,
    );
  }
  return recipes[name];
}

/**
 * The recipe of that name for training from scratch.
 *
 * @example Usage
 * ```ts
 * import { trainRecipe } from "@x/tiny-adder/recipes";
 *
 * const { stages } = trainRecipe("fast");
 * console.log(stages.map(({ name, steps, batch, learningRate }) => ({ name, steps, batch, learningRate })));
 * ```
 *
 * @throws {RangeError} If there is none
 */
export function trainRecipe(name: string): Recipe {
  return lookUp(TRAIN_RECIPES, name);
}

/**
 * The recipe of that name for a second pass from a checkpoint.
 *
 * @example Usage
 * ```ts
 * import { continueRecipe } from "@x/tiny-adder/recipes";
 *
 * console.log(continueRecipe("paper").evaluation); // checked every 1,000 steps, stopped at 99%
 * ```
 *
 * @throws {RangeError} If there is none
 */
export function continueRecipe(name: string): Recipe {
  return lookUp(CONTINUE_RECIPES, name);
}

/**
 * Checks a recipe that somebody wrote.
 *
 * @example Usage
 * ```ts
 * import { checkRecipe, trainRecipe } from "@x/tiny-adder/recipes";
 * import { assertThrows } from "@std/assert";
 *
 * const gentle = { ...trainRecipe("fast"), name: "gentle" };
 * checkRecipe(gentle, "train"); // train({ recipe: gentle }) would take it
 * assertThrows(() => checkRecipe({ ...gentle, stages: [] }, "train"), RangeError);
 * ```
 *
 * @throws {RangeError} If it cannot be run; the message says why
 */
export function checkRecipe({ name, stages, maxAttempts }: Recipe, kind: "train" | "continue"): void {
  const asked = `Cannot train by the recipe ${shown(name)} as`;
  if (stages.length === 0) throw new RangeError(`${asked} it must have at least one stage: current number is 0`);
  if (!Number.isInteger(maxAttempts) || maxAttempts < 1) {
    throw new RangeError(
      `${asked} maxAttempts must be a whole number, 1 or more: current value is ${shown(maxAttempts)}`,
    );
  }
  for (const { name: full, steps, curriculum, gate } of stages) {
    const name = shown(full);
    if (!Number.isInteger(steps) || steps < 1) {
      throw new RangeError(
        `${asked} the steps of stage ${name} must be a whole number, 1 or more: current value is ${shown(steps)}`,
      );
    }
    const first = curriculum.at(0)?.fromStep;
    if (first !== 0) {
      throw new RangeError(`${asked} the curriculum of stage ${name} must start at step 0: it starts at ${first}`);
    }
    if (gate === undefined) continue;
    if (kind === "continue") {
      throw new RangeError(
        `${asked} a second pass has no gates, which would start it again from new weights: stage ${name} has one`,
      );
    }
    if (!(gate.window >= 1 && gate.window <= gate.atStep && gate.atStep <= steps)) {
      throw new RangeError(
        `${asked} the window of the gate of stage ${name} must lie within its ${steps} steps: ` +
          `it has ${gate.window} steps and ends at step ${gate.atStep}`,
      );
    }
  }
}

/**
 * Steps of all stages.
 *
 * @example Usage
 * ```ts
 * import { totalSteps, trainRecipe } from "@x/tiny-adder/recipes";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(totalSteps(trainRecipe("paper")), 400_000);
 * ```
 */
export function totalSteps(recipe: Recipe): number {
  return recipe.stages.reduce((sum, { steps }) => sum + steps, 0);
}
