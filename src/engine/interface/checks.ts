import { checkOptions, type OptionKinds } from "../../common/options.ts";
import { check, checkWhole, isWhole } from "../../common/checks.ts";
import { formatValue } from "../../common/format_value.ts";
import type { Stage } from "../../schedule/stage.ts";
import { checkWord } from "../../model/philox.ts";
import { checkDigitRange } from "../../model/sampler.ts";
import { parameterCount, type Variant } from "../../model/variant.ts";
import type { OptimizerState, StepOptions, TrainRun } from "./types.ts";

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
  const { name: tensor, offset } = variant.tensors.find(({ offset, size }) => i < offset + size)!;
  const found = `current value of element ${i - offset} of ${tensor} is ${values[i]}`;
  throw new RangeError(`Cannot ${asked} as every number in ${name} must be finite: ${found}`);
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
  learningRate: "a finite number, 0 or more",
  ...{ weightDecay: "a finite number, 0 or more", clipNorm: "a number, 0 or more", epsilon: "a finite number above 0" },
  ...{ beta1: "a number in [0, 1)", beta2: "a number in [0, 1)", warmupSteps: "a number", floor: "a number" },
  ...{ steps: "a number", batch: "a number", name: "anything" },
  ...{ curriculum: "anything", mix: "anything", gate: "anything" },
};

/** Fills in the defaults. @throws {TypeError | RangeError} If there is another option, or one is out of its range */
export function checkStepOptions(options: StepOptions): Required<StepOptions> {
  const asked = "take a step";
  checkOptions<StepOptions>(asked, options, STEP_OPTIONS);
  const { learningRate, weightDecay = 0, clipNorm = 1, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  check(learningRate !== undefined, asked, "learningRate", STEP_OPTIONS.learningRate, learningRate);
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
  const { batch, warmupSteps, floor } = stage;
  check(isWhole(batch, 4) && batch % 4 === 0, asked, "stage.batch", "a positive multiple of 4", batch);
  const isWarmUp = Number.isFinite(warmupSteps) && warmupSteps >= 0;
  check(isWarmUp, asked, "stage.warmupSteps", "a finite number, 0 or more", warmupSteps);
  check(floor >= 0 && floor <= 1, asked, "stage.floor", "a number in [0, 1]", floor);
  const end = firstStep + steps;
  check(end <= stage.steps, asked, "firstStep + steps", `at most the ${stage.steps} steps of the stage`, end);
  if (steps > 0) checkWord(asked, "firstSample + steps - 1", run.firstSample + steps - 1);
}
