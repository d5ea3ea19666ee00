import { checkOptions, type OptionKinds } from "../../common/options.ts";
import { check, checkWhole } from "../../common/checks.ts";
import { formatValue } from "../../common/format_value.ts";
import type { Stage } from "../../schedule/stage.ts";
import { checkWord } from "../../model/philox.ts";
import { checkDigitRange } from "../../model/sampler.ts";
import { parameterCount, type Variant } from "../../model/variant.ts";
import type { OptimizerState, StepOptions, TrainRun } from "./types.ts";

const FINITE = "a finite number, 0 or more";
const isFiniteAndNotNegative = (value: number) => Number.isFinite(value) && value >= 0;
const isDecay = (value: number) => value >= 0 && value < 1;

/** Checks one number for each parameter of the variant, and names the first one that is not finite. */
function checkVector(asked: string, name: string, values: Float32Array, variant: Variant): void {
  const expected = parameterCount(variant);
  if (!(values instanceof Float32Array)) {
    throw new TypeError(`Cannot ${asked} as ${name} must be a Float32Array: current value is ${formatValue(values)}`);
  }
  if (values.length !== expected) {
    const rule = `model ${variant.name} needs ${expected} numbers in ${name}`;
    throw new RangeError(`Cannot ${asked} as ${rule}: current length is ${values.length}`);
  }
  const i = values.findIndex((value) => !Number.isFinite(value));
  if (i < 0) return;
  const tensor = variant.tensors.find(({ offset, size }) => i < offset + size)!;
  const element = `element ${i - tensor.offset} of ${tensor.name}`;
  throw new RangeError(
    `Cannot ${asked} as every number in ${name} must be finite: current value of ${element} is ${values[i]}`,
  );
}

/** @throws {RangeError} If a parameter vector has not the length of the variant, or a value is not finite */
export function checkParameters(values: Float32Array, variant: Variant): void {
  checkVector("set the parameters", "the parameters", values, variant);
}

/** @throws {RangeError} If a length is not that of the variant, a value is not finite, or a second moment is negative */
export function checkOptimizerState({ step, firstMoment, secondMoment }: OptimizerState, variant: Variant): void {
  const asked = "set the optimizer's state";
  checkWhole(asked, "step", step, 0);
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
  ...{ name: "anything", curriculum: "anything", mix: "anything", gate: "anything" },
};

/** Fills in the defaults. @throws {TypeError | RangeError} If there is another option, or one is out of its range */
export function checkStepOptions(options: StepOptions): Required<StepOptions> {
  const asked = "take a step";
  checkOptions<StepOptions>(asked, options, STEP_OPTIONS);
  const { learningRate, weightDecay = 0, clipNorm = 1, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  check(isFiniteAndNotNegative(learningRate), asked, "learningRate", FINITE, learningRate);
  check(isFiniteAndNotNegative(weightDecay), asked, "weightDecay", FINITE, weightDecay);
  check(clipNorm >= 0, asked, "clipNorm", "a number, 0 or more", clipNorm);
  check(isDecay(beta1), asked, "beta1", "a number in [0, 1)", beta1);
  check(isDecay(beta2), asked, "beta2", "a number in [0, 1)", beta2);
  check(Number.isFinite(epsilon) && epsilon > 0, asked, "epsilon", "a finite number above 0", epsilon);
  return { learningRate, weightDecay, clipNorm, beta1, beta2, epsilon };
}

/** @throws {RangeError} If a number of a stretch of training is out of its range, or it goes past the end of its stage */
export function checkTrainRun(run: TrainRun): void {
  const { stage, firstStep, steps, minDigits, maxDigits } = run;
  const asked = "train";
  checkStepOptions(stage);
  checkWord(asked, "seed", run.seed);
  checkWord(asked, "attempt", run.attempt);
  checkDigitRange(asked, minDigits, maxDigits);
  for (const name of ["firstSample", "firstStep", "steps"] as const) checkWhole(asked, name, run[name], 0);
  checkWhole(asked, "stage.steps", stage.steps, 0);
  const isTiled = Number.isSafeInteger(stage.batch) && stage.batch > 0 && stage.batch % 4 === 0;
  check(isTiled, asked, "stage.batch", "a positive multiple of 4", stage.batch);
  check(isFiniteAndNotNegative(stage.warmupSteps), asked, "stage.warmupSteps", FINITE, stage.warmupSteps);
  check(stage.floor >= 0 && stage.floor <= 1, asked, "stage.floor", "a number in [0, 1]", stage.floor);
  const end = firstStep + steps;
  check(end <= stage.steps, asked, "firstStep + steps", `at most the ${stage.steps} steps of the stage`, end);
  if (steps > 0) checkWord(asked, "firstSample + steps - 1", run.firstSample + steps - 1);
}
