/**
 * Recipes as data: stages, learning-rate schedules, operand lengths and gates. {@linkcode trainRecipe} and {@linkcode continueRecipe} give ours.
 *
 * @module
 */
import { checkOneOf, checkWhole } from "../common/checks.ts";
import { formatValue } from "../common/format_value.ts";
import { type ModelName, paddedVariant, parameterCount, type Variant, variantOf } from "../model/variant.ts";
import type { CurriculumPhase, Gate, MixPart, Stage } from "../schedule/stage.ts";

export type { CurriculumPhase, Gate, MixPart, Stage };

/** Evaluations during a run. */
export interface EvaluationPlan {
  /** Steps between evaluations; 0: only at the end. */
  readonly every: number;
  /** Held-out problems of each evaluation. */
  readonly problems: number;
  /** The share of correct sums, 0 to 1, at which the run stops; the best weights are kept. @default {the run does not stop early} */
  readonly stopAt?: number;
}

/** A training procedure. */
export interface Recipe {
  /** A name for reports. */
  readonly name: string;
  /** One line. */
  readonly description: string;
  /** The stages, in order. They share one optimizer state. */
  readonly stages: readonly Stage[];
  /** Most attempts; the last one passes every gate. */
  readonly maxAttempts: number;
  /** Evaluations before the last step. */
  readonly evaluation: EvaluationPlan;
  /** Most seconds of a proof at the end of the run. @default {30} */
  readonly proofSeconds?: number;
  /** Most rounds of training on the pairs where the proof fails. @default {0} */
  readonly hardeningRounds?: number;
}

/**
 * Most seconds of the proof of a recipe without `proofSeconds`.
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
 * Most rounds of hardening with the option `harden`.
 *
 * @example Usage
 * ```ts
 * import { HARDENING_ROUNDS, trainRecipe } from "@x/tiny-adder/recipes";
 *
 * console.log(Math.max(trainRecipe("fast").hardeningRounds ?? 0, HARDENING_ROUNDS)); // most rounds of train({ harden: true })
 * ```
 */
export const HARDENING_ROUNDS = 6;

/**
 * Held-out problems of the final evaluation, unless the option `finalProblems` is set.
 *
 * @example Usage
 * ```ts
 * import { FINAL_EVALUATION } from "@x/tiny-adder/recipes";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(FINAL_EVALUATION, 100_000);
 * ```
 */
export const FINAL_EVALUATION = 100_000;

const ADAM = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, clipNorm: 1 } as const;

/** Operands of 1 digit up to a number of digits that grows. */
function growing(...phases: readonly (readonly [fromStep: number, maxDigits: number])[]): CurriculumPhase[] {
  return phases.map(([fromStep, maxDigits]) => ({ fromStep, minDigits: 1, maxDigits }));
}

/** Large learning rate, weight decay, operands that grow, and a gate at the end. */
function explore(window: number, loss: number): Stage {
  return {
    ...{ ...ADAM, name: "explore", steps: 5000, batch: 32 },
    ...{ learningRate: 0.04, warmupSteps: 250, floor: 0.25, weightDecay: 0.1 },
    curriculum: growing([0, 3], [500, 6], [1500, 10]),
    gate: { atStep: 5000, window, loss },
  };
}

/**
 * As {@linkcode explore} for narrow models, which short operands and strong weight decay lead into traps. The gate lies between the losses of runs
 * that learn and those of trapped ones. Both are larger in smaller models, and of width 4 most that learn are late (docs/cliff.md).
 */
function exploreNarrow(variant: Variant): Stage {
  const loss = variant.width < 5 ? 0.3 : Math.round(210 - 0.15 * parameterCount(variant)) / 1000;
  return { ...explore(250, loss), weightDecay: 0.01, curriculum: growing([0, 10]) };
}

/** No weight decay, a learning rate that falls to almost 0, long operands. */
function anneal(batch: number, steps: number, learningRate: number, gate?: Gate): Stage {
  return {
    ...{ ...ADAM, name: "anneal", steps, batch },
    ...{ learningRate, warmupSteps: 0.02 * steps, floor: 0.01, weightDecay: 0 },
    curriculum: [{ fromStep: 0, minDigits: 8, maxDigits: 10 }],
    ...(gate && { gate }),
  };
}

/**
 * Small hidden layers need longer, and a stricter gate for as few wrong sums. The smallest models do not get as low: they leave the rest to hardening.
 */
function annealNarrow(variant: Variant): Stage {
  const [steps, least] = variant.hidden < 8 ? [20_000, 0.0002] : [12_000, 0.0005];
  const loss = parameterCount(variant) < 445 ? 0.01 : least;
  return anneal(64, steps, 0.03, { atStep: steps - 1000, window: 1000, loss });
}

/** A recipe without its name, which is its key in the table. */
type Plan = Omit<Recipe, "name">;

const NO_EVALUATION: EvaluationPlan = { every: 0, problems: 10_000 };

/** One attempt, and no evaluation on the way, unless `more` says so. */
function plan(description: string, stages: readonly Stage[], more: Partial<Plan> = {}): Plan {
  return { description, stages, maxAttempts: 1, evaluation: NO_EVALUATION, ...more };
}

/** Another, gentler annealing of trained weights. */
function secondAnnealing(batch: number, steps: number): Plan {
  return plan(`another annealing of ${steps} steps from a checkpoint`, [anneal(batch, steps, 0.005)]);
}

function published(description: string, evaluation: EvaluationPlan, stage: Omit<Stage, keyof typeof ADAM>): Plan {
  return plan(description, [{ ...ADAM, beta2: 0.999, ...stage }], { evaluation });
}

const SECOND_PHASE = "the original's second phase: up to 200,000 steps from a checkpoint, ended by 99% exact match";

/** From scratch to 99.99% with few examples. */
const QUICK = [explore(500, 0.33), anneal(32, 8000, 0.015, { atStep: 4000, window: 500, loss: 0.06 })];

/** From random weights, what differs for a narrow model, and further from a checkpoint. */
type Family = { train: Plan; narrow?: (variant: Variant) => Partial<Plan>; continue: Plan };

const TABLE: Readonly<Record<string, Family>> = {
  fast: {
    train: plan("from scratch to 99.9% in a few seconds", QUICK, { maxAttempts: 20, proofSeconds: 5 }),
    narrow: (variant) => ({
      stages: [exploreNarrow(variant), anneal(32, 8000, 0.02, { atStep: 7000, window: 1000, loss: 0.004 })],
      maxAttempts: 60,
    }),
    continue: secondAnnealing(32, 8000),
  },
  sure: {
    train: plan("from scratch to no error at all, proved", QUICK, { maxAttempts: 20, hardeningRounds: 6 }),
    narrow: (variant) => ({ stages: [exploreNarrow(variant), annealNarrow(variant)], maxAttempts: 60 }),
    continue: secondAnnealing(64, 28_000),
  },
  paper: {
    train: published("the original's first phase: 400,000 steps, no restarts", { ...NO_EVALUATION, every: 20_000 }, {
      ...{ name: "train", steps: 400_000, batch: 128 },
      ...{ learningRate: 0.02, warmupSteps: 20_000, floor: 0.1, weightDecay: 0.1 },
      curriculum: growing([0, 3], [20_000, 6], [60_000, 10]),
    }),
    continue: published(SECOND_PHASE, { ...NO_EVALUATION, every: 1000, stopAt: 0.99 }, {
      ...{ name: "continue", steps: 200_000, batch: 256 },
      ...{ learningRate: 0.005, warmupSteps: 4000, floor: 0.02, weightDecay: 0.01 },
      curriculum: growing([0, 10]),
    }),
  },
  jax: {
    train: published("the published recipe of the 777 model: 27,000 steps, no restarts", NO_EVALUATION, {
      ...{ name: "train", steps: 27_000, batch: 512 },
      ...{ learningRate: 0.02, warmupSteps: 1350, floor: 0.1, weightDecay: 0.01 },
      curriculum: growing([0, 3], [2000, 6], [7000, 10]),
    }),
    continue: secondAnnealing(512, 8000),
  },
};

/**
 * The names of the recipes.
 *
 * @example Usage
 * ```ts
 * import { RECIPES } from "@x/tiny-adder/recipes";
 * import { assert } from "@std/assert";
 *
 * assert(RECIPES.includes("sure"));
 * ```
 */
export const RECIPES: readonly string[] = Object.keys(TABLE);

function lookUp(name: string) {
  checkOneOf("train", "the recipe", name, RECIPES);
  return TABLE[name];
}

/**
 * A recipe for training from scratch: `fast`, `sure`, `paper` or `jax`.
 *
 * @example Usage
 * ```ts
 * import { trainRecipe } from "@x/tiny-adder/recipes";
 *
 * const { stages } = trainRecipe("fast");
 * console.log(stages.map(({ name, steps, batch, learningRate }) => ({ name, steps, batch, learningRate })));
 * ```
 *
 * @param options `model`: the model to train, 763 unless set; `fast` and `sure` train narrow ones in another way
 * @throws {RangeError} If there is no such recipe or model
 */
export function trainRecipe(name: string, { model = 763 }: { model?: ModelName } = {}): Recipe {
  const { train, narrow } = lookUp(name);
  const variant = variantOf(model);
  return { name, ...train, ...(variant !== paddedVariant(variant) && narrow?.(variant)) };
}

/**
 * A recipe for training a checkpoint further: `fast`, `sure`, `paper` or `jax`.
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
  return { name, ...lookUp(name).continue };
}

/**
 * Checks that a recipe of your own can be run: `train` and `continueTraining` do so before they start.
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
 * @param kind The function that is to run it; a second pass has no gates
 * @throws {RangeError} If it cannot be run; the message says why
 */
export function checkRecipe({ name, stages, maxAttempts }: Recipe, kind: "train" | "continue"): void {
  const asked = `train by the recipe ${formatValue(name)}`;
  const must = (holds: boolean, reason: string) => {
    if (!holds) throw new RangeError(`Cannot ${asked} as ${reason}`);
  };
  must(stages.length > 0, "it must have at least one stage: current number is 0");
  checkWhole(asked, "maxAttempts", maxAttempts, 1);
  for (const { name: full, steps, curriculum, gate, mix } of stages) {
    const stage = `stage ${formatValue(full)}`;
    checkWhole(asked, `the steps of ${stage}`, steps, 1);
    const first = curriculum.at(0)?.fromStep;
    must(first === 0, `the curriculum of ${stage} must start at step 0: it starts at ${first}`);
    const shares = mix?.reduce((sum, { share }) => sum + share, 0) ?? 1;
    must(Math.abs(shares - 1) <= 1e-9, `the shares of the mix of ${stage} must add up to 1: their sum is ${shares}`);
    if (gate === undefined) continue;
    must(kind === "train", `a second pass has no gates, which would start it again from new weights: ${stage} has one`);
    const { window, atStep } = gate;
    const found = `it has ${window} steps and ends at step ${atStep}`;
    const isWithin = window >= 1 && window <= atStep && atStep <= steps;
    must(isWithin, `the window of the gate of ${stage} must lie within its ${steps} steps: ${found}`);
  }
}

/**
 * The number of steps of all stages.
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
