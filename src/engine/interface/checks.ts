import { checkOptions, type OptionKinds } from "../../common/options.ts";
import { formatValue } from "../../common/format_value.ts";
import type { Stage } from "../../schedule/stage.ts";
import { checkWord } from "../../model/philox.ts";
import { checkDigitRange } from "../../model/sampler.ts";
import { parameterCount, type Variant } from "../../model/variant.ts";
import type { OptimizerState, StepOptions, TrainRun } from "./types.ts";

/** {@linkcode StepOptions} with every default filled in. */
export type FilledStepOptions = Required<StepOptions>;

type Rule = readonly [name: string, value: number, holds: (value: number) => boolean, rule: string];

function checkRules(asked: string, rules: readonly Rule[]): void {
  for (const [name, value, holds, rule] of rules) {
    if (typeof value !== "number" || !holds(value)) {
      throw new RangeError(`Cannot ${asked} as ${name} must be ${rule}: current value is ${formatValue(value)}`);
    }
  }
}

const isNatural = (value: number) => Number.isSafeInteger(value) && value >= 0;
const isFiniteAndNotNegative = (value: number) => Number.isFinite(value) && value >= 0;
const isDecay = (value: number) => value >= 0 && value < 1;

/** Checks one number for each parameter of the variant, and names the first one that is not finite. */
function checkVector(asked: string, name: string, values: Float32Array, variant: Variant): void {
  const expected = parameterCount(variant);
  if (!(values instanceof Float32Array)) {
    throw new TypeError(`Cannot ${asked} as ${name} must be a Float32Array: current value is ${formatValue(values)}`);
  }
  if (values.length !== expected) {
    throw new RangeError(
      `Cannot ${asked} as model ${variant.name} needs ${expected} numbers in ${name}: current length is ${values.length}`,
    );
  }
  const i = values.findIndex((value) => !Number.isFinite(value));
  if (i >= 0) {
    const tensor = variant.tensors.find(({ offset, size }) => i < offset + size)!;
    throw new RangeError(
      `Cannot ${asked} as every number in ${name} must be finite: ` +
        `current value of element ${i - tensor.offset} of ${tensor.name} is ${values[i]}`,
    );
  }
}

/**
 * Checks a flat parameter vector.
 *
 * @throws {RangeError} If its length is not that of the variant, or a value is not finite
 */
export function checkParameters(values: Float32Array, variant: Variant): void {
  checkVector("set the parameters", "the parameters", values, variant);
}

/**
 * Checks the state of an optimizer.
 *
 * @throws {RangeError} If a length is not that of the variant, a value is not finite, or a second moment is negative
 */
export function checkOptimizerState({ step, firstMoment, secondMoment }: OptimizerState, variant: Variant): void {
  const asked = "set the optimizer's state";
  checkRules(asked, [["step", step, isNatural, "a whole number, 0 or more"]]);
  checkVector(asked, "firstMoment", firstMoment, variant);
  checkVector(asked, "secondMoment", secondMoment, variant);
  const negative = secondMoment.find((value) => value < 0);
  if (negative !== undefined) {
    throw new RangeError(`Cannot ${asked} as secondMoment must not be negative: current value is ${negative}`);
  }
}

/** @throws {RangeError} If a batch does not fit into the memory of an engine */
export function checkBatch(count: number, most: number, where = ""): void {
  if (count <= most) return;
  throw new RangeError(
    `Cannot compute a gradient as a batch must have at most ${most} problems${where}: current number is ${count}`,
  );
}

/** A stage is accepted as well: what else it sets does not concern a single step. */
const STEP_OPTIONS: OptionKinds<StepOptions & Stage> = {
  ...{ learningRate: "a number", weightDecay: "a number", clipNorm: "a number" },
  ...{ beta1: "a number", beta2: "a number", epsilon: "a number" },
  ...{ steps: "a number", batch: "a number", warmupSteps: "a number", floor: "a number" },
  ...{ name: "anything", curriculum: "anything", gate: "anything" },
};

/**
 * Checks the hyperparameters of a step and fills in the defaults.
 *
 * @throws {TypeError} If there is another option
 * @throws {RangeError} If one is out of its range
 */
export function checkStepOptions(options: StepOptions): FilledStepOptions {
  checkOptions<StepOptions>("take a step", options, STEP_OPTIONS);
  const { learningRate, weightDecay = 0, clipNorm = 1, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  checkRules("take a step", [
    ["learningRate", learningRate, isFiniteAndNotNegative, "a finite number, 0 or more"],
    ["weightDecay", weightDecay, isFiniteAndNotNegative, "a finite number, 0 or more"],
    ["clipNorm", clipNorm, (value) => value >= 0, "a number, 0 or more"],
    ["beta1", beta1, isDecay, "a number in [0, 1)"],
    ["beta2", beta2, isDecay, "a number in [0, 1)"],
    ["epsilon", epsilon, (value) => Number.isFinite(value) && value > 0, "a finite number above 0"],
  ]);
  return { learningRate, weightDecay, clipNorm, beta1, beta2, epsilon };
}

/**
 * Checks a stretch of training, the stage's hyperparameters included.
 *
 * @throws {RangeError} If a number is out of its range, or the stretch goes past the end of its stage
 */
export function checkTrainRun(run: TrainRun): void {
  const { seed, attempt, firstSample, stage, firstStep, steps, minDigits, maxDigits } = run;
  const asked = "train";
  checkStepOptions(stage);
  checkWord(asked, "seed", seed);
  checkWord(asked, "attempt", attempt);
  checkDigitRange(asked, minDigits, maxDigits);
  checkRules(asked, [
    ["firstSample", firstSample, isNatural, "a whole number, 0 or more"],
    ["firstStep", firstStep, isNatural, "a whole number, 0 or more"],
    ["steps", steps, isNatural, "a whole number, 0 or more"],
    ["stage.steps", stage.steps, isNatural, "a whole number, 0 or more"],
    [
      "stage.batch",
      stage.batch,
      (value) => Number.isSafeInteger(value) && value > 0 && value % 4 === 0,
      "a positive multiple of 4",
    ],
    ["stage.warmupSteps", stage.warmupSteps, isFiniteAndNotNegative, "a finite number, 0 or more"],
    ["stage.floor", stage.floor, (value) => value >= 0 && value <= 1, "a number in [0, 1]"],
  ]);
  if (firstStep + steps > stage.steps) {
    throw new RangeError(
      `Cannot ${asked} as firstStep + steps must be at most the ${stage.steps} steps of the stage: ` +
        `current value is ${firstStep + steps}`,
    );
  }
  if (steps > 0) checkWord(asked, "firstSample + steps - 1", firstSample + steps - 1);
}
