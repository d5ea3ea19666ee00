/** What makes the reference fit to be the oracle: its gradient against differences of its loss, and float64 all the way. */
import { assert, assertAlmostEquals, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { adamW, clipGradientNorm } from "../../src/engine/reference/adamw.ts";
import { ReferenceEngine } from "../../src/engine/reference/engine.ts";
import { distribution, GELU } from "../../src/engine/reference/gelu.ts";
import { lossAndGradient, teacherForcedLogits, tensorsOf } from "../../src/engine/reference/model.ts";
import type { StepOptions, TrainRun } from "../../src/engine/interface/types.ts";
import { initialParameters } from "../../src/model/initialization.ts";
import { drawOperands } from "../../src/model/sampler.ts";
import { type ModelName, TOKENS, variantOf } from "../../src/model/variant.ts";
import { PAD } from "../../src/model/vocabulary.ts";
import { learningRateAt } from "../../src/schedule/learning_rate.ts";
import { livelyParameters, STAGE, TESTED_MODELS } from "./lively.ts";
import { assertClose, assertTensorsClose, goldenElementary, goldenSet, goldenSets } from "../golden.ts";
import { testNewEngine } from "./engine_suite.ts";

const FLOAT64_ERROR = 1e-13;

for (const golden of await goldenSets()) {
  const variant = variantOf(golden.model);
  for (const { size, operands, float64: expected } of golden.batches) {
    Deno.test(`the reference equals PyTorch to float64 on ${golden.name}, batch ${size}`, () => {
      const parameters = Float64Array.from(golden.weights);
      const tensors = tensorsOf(parameters, variant);
      const logits = teacherForcedLogits(tensors, variant, operands).flatMap((row) => [...row]);
      assertClose(logits.slice(0, expected.logits!.length), expected.logits!, {
        absolute: FLOAT64_ERROR,
        of: "logits",
      });
      const { gradient } = lossAndGradient(tensors, variant, operands);
      assertTensorsClose(gradient, expected.gradient, variant, { relative: FLOAT64_ERROR, of: "gradient" });

      if (size > 8) return; // ten steps of one small batch say enough
      const [firstMoment, secondMoment] = [0, 1].map(() => new Float64Array(parameters.length));
      for (let step = 1; step <= 10; step++) {
        const { loss, gradient } = lossAndGradient(tensors, variant, operands);
        const norm = clipGradientNorm(gradient, golden.hyperparameters.clipNorm);
        adamW(parameters, gradient, { firstMoment, secondMoment }, step, golden.hyperparameters);
        // From untrained weights ten steps magnify the last bit to 7.5e-13.
        assertAlmostEquals(loss, expected.lossSteps[step - 1], 1e-11, `loss of step ${step}`);
        assertAlmostEquals(norm, expected.gradientNorms[step - 1], 1e-11, `norm of step ${step}`);
        const after = expected.parametersAfter.get(step);
        if (after) assertTensorsClose(parameters, after, variant, { absolute: 1e-11, of: `after step ${step}` });
      }
    });
  }
}

for (const model of [...TESTED_MODELS, "3x5+norm"] as ModelName[]) {
  Deno.test(`the gradient of the reference equals differences of its loss on ${model}`, () => {
    const variant = variantOf(model);
    const operands = drawOperands({ seed: 3, stream: "evaluation", count: 1 });
    const parameters = Float64Array.from(livelyParameters(model));
    const tensors = tensorsOf(parameters, variant);
    const { gradient } = lossAndGradient(tensors, variant, operands);

    const step = 1e-6;
    const differences = parameters.map((value, i) => {
      parameters[i] = value + step;
      const above = lossAndGradient(tensors, variant, operands).loss;
      parameters[i] = value - step;
      const below = lossAndGradient(tensors, variant, operands).loss;
      parameters[i] = value;
      return (above - below) / (2 * step);
    });
    assertTensorsClose(gradient, differences, variant, { absolute: 2e-9, of: "gradient" });
    assert(gradient.some((value) => Math.abs(value) > 0.1));
  });

  Deno.test(`the gradient of the reference is 0 for positions 33 and 34 of ${model}, and only there`, () => {
    const variant = variantOf(model);
    const operands = drawOperands({ seed: 4, stream: "evaluation", count: 8 });
    const { gradient } = lossAndGradient(
      tensorsOf(Float64Array.from(livelyParameters(model)), variant),
      variant,
      operands,
    );
    const { positionEmbedding, tokenEmbedding } = tensorsOf(gradient, variant);
    const { width } = variant;
    const isRead = Array.from(
      { length: 35 },
      (_, position) =>
        positionEmbedding.subarray(position * width, (position + 1) * width).some((value) => value !== 0),
    );
    assertEquals(isRead, Array.from({ length: 35 }, (_, position) => position < 33));
    // PAD is never read, but as a row of the output projection it must learn not to be written.
    assert(tokenEmbedding.subarray(PAD * width, (PAD + 1) * width).some((value) => value !== 0));
  });
}

Deno.test("erf(), by distribution(), equals published values", () => {
  const erf = (x: number) => 2 * distribution(Math.SQRT2 * x) - 1;
  // Abramowitz and Stegun 1964, table 7.1, carried on to 16 digits.
  const table = [
    [0, 0],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [1.5, 0.9661051464753108],
    [2, 0.9953222650189527],
    [3, 0.9999779095030014],
    [5, 0.9999999999984626],
    [6, 1],
    [Infinity, 1],
  ];
  for (const [x, value] of table) {
    assertAlmostEquals(erf(x), value, 3e-15, `erf(${x})`);
    assertAlmostEquals(erf(-x), -value, 3e-15, `erf(-${x})`);
  }
});

/** The relative error that src/engine/reference/gelu.ts states for each form. */
const GELU_ERROR = {
  erf: () => 1e-15,
  tanh: (x: number) => 1e-15 * (1 + Math.sqrt(2 / Math.PI) * Math.abs(x + 0.044715 * x ** 3)),
};

for (const form of ["erf", "tanh"] as const) {
  Deno.test(`GELU by ${form} and its derivative have the stated relative error, in the tails too`, async () => {
    for (const { x, [form]: [value, derivative] } of await goldenElementary()) {
      const relative = GELU_ERROR[form](x);
      // a number below 2^-1022 has fewer digits
      const close = (found: number, expected: number, size: number, of: string) => {
        const error = Math.abs(found - expected);
        assert(error <= relative * size + 2 ** -1060, `${of} at ${x}: ${found} is not ${expected}`);
      };
      close(GELU[form].value(x), value, Math.abs(value), "the value");
      // the derivative is gelu(x) / x + x s for some s >= 0; where it is 0 these two cancel
      const distribution = x === 0 ? 0.5 : value / x;
      close(GELU[form].derivative(x), derivative, distribution + Math.abs(derivative - distribution), "the derivative");
    }
  });
}

Deno.test("clipGradientNorm() shortens long gradients only", () => {
  const gradient = Float64Array.of(3, 4);
  assertEquals(clipGradientNorm(gradient, 10), 5);
  assertEquals(clipGradientNorm(gradient, 0), 5);
  assertEquals(clipGradientNorm(gradient, Infinity), 5);
  assertEquals([...gradient], [3, 4]);
  assertEquals(clipGradientNorm(gradient, 1), 5);
  assertAlmostEquals(Math.hypot(...gradient), 1, 1e-6);
  assertEquals(clipGradientNorm(new Float64Array(2), 1), 0);
});

const RUN: TrainRun = {
  seed: 9,
  attempt: 2,
  firstSample: 17,
  firstStep: 3,
  steps: 4,
  minDigits: 1,
  maxDigits: 3,
  stage: { ...STAGE, steps: 20 },
};

testNewEngine({ name: "reference", createNew: (model) => Promise.resolve(new ReferenceEngine(model)) });

Deno.test("trainRun() is so many trainStep() on what sample() gives, at the schedule's learning rate", async () => {
  const run = new ReferenceEngine();
  run.initialize(1);
  const { losses, gradientNorms } = await run.trainRun(RUN);

  const steps = new ReferenceEngine();
  steps.initialize(1);
  for (let k = 0; k < RUN.steps; k++) {
    const { seed, attempt, minDigits, maxDigits, stage } = RUN;
    const sample = RUN.firstSample + k;
    const problems = steps.sample({ seed, stream: "training", attempt, sample, count: 4, minDigits, maxDigits });
    const learningRate = learningRateAt(stage, RUN.firstStep + k);
    const report = await steps.trainStep(problems, { ...stage, learningRate });
    assertEquals([losses[k], gradientNorms[k]], [report.loss, report.gradientNorm].map(Math.fround));
  }
  assertEquals(run.parameters(), steps.parameters());
  assertEquals(run.optimizerState(), steps.optimizerState());
  assertEquals(run.optimizerState().step, RUN.steps);
});

Deno.test("trainRun() of no steps changes nothing", async () => {
  const engine = new ReferenceEngine();
  engine.initialize(1);
  const before = engine.parameters();
  assertEquals((await engine.trainRun({ ...RUN, steps: 0 })).losses.length, 0);
  assertEquals(engine.parameters(), before);
});

Deno.test("setParameters() and initialize() start the optimizer anew, and copies are copies", async () => {
  const engine = new ReferenceEngine(777);
  assertEquals([engine.backend, engine.model, engine.threads, engine.arithmetic], ["reference", 777, 1, "exact"]);
  engine.initialize(5, 1);
  assertEquals(engine.parameters(), initialParameters(variantOf(777), 5, 1));
  await engine.trainStep([{ a: 1, b: 2 }], { learningRate: 0.01 });
  assertEquals(engine.optimizerState().step, 1);
  assert(engine.optimizerState().firstMoment.some((value) => value !== 0));

  const parameters = engine.parameters();
  engine.parameters().fill(0);
  engine.optimizerState().firstMoment.fill(0);
  assertEquals(engine.parameters(), parameters);
  assert(engine.optimizerState().firstMoment.some((value) => value !== 0));

  engine.setParameters(parameters);
  parameters.fill(0);
  assert(engine.parameters().some((value) => value !== 0));
  const zeros = new Float32Array(777);
  assertEquals(engine.optimizerState(), { step: 0, firstMoment: zeros, secondMoment: zeros });
});

Deno.test("setOptimizerState() goes on where optimizerState() was taken", async () => {
  const { model, weights, batches: [{ operands }], hyperparameters } = await goldenSet("w0");
  const first = new ReferenceEngine(model);
  first.setParameters(weights);
  for (let step = 0; step < 3; step++) await first.trainStep(operands, hyperparameters);

  const second = new ReferenceEngine(model);
  second.setParameters(first.parameters());
  second.setOptimizerState(first.optimizerState());
  for (const engine of [first, second]) await engine.trainStep(operands, hyperparameters);
  assertClose(second.parameters(), first.parameters(), { absolute: 1e-6, of: "parameters" });
});

Deno.test("trainStep() fills in PyTorch's defaults", async () => {
  const parameters = [{}, { weightDecay: 0, clipNorm: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }];
  const [defaults, written] = await Promise.all(parameters.map(async (options) => {
    const engine = new ReferenceEngine();
    engine.initialize(1);
    await engine.trainStep([{ a: 5, b: 6n }], { learningRate: 0.01, ...options });
    return engine.parameters();
  }));
  assertEquals(defaults, written);
});

Deno.test("an engine of weights 0 writes only zeros, and predicts 0", async () => {
  const engine = new ReferenceEngine();
  engine.setParameters(new Float32Array(763));
  assertEquals(await engine.decode([{ a: 12, b: 34 }]), new Uint8Array(12));
  assertEquals(await engine.predict([{ a: 12, b: 34 }]), [0n]);
  assertEquals(await engine.logits([{ a: 12, b: 34 }]), new Float32Array(12 * TOKENS));
});

Deno.test("setParameters() says what is wrong with the weights", () => {
  const engine = new ReferenceEngine();
  assertThrows(
    () => engine.setParameters(new Float32Array(762)),
    RangeError,
    "Cannot set the parameters as model 763 needs 763 numbers in the parameters: current length is 762",
  );
  const weights = new Float32Array(763);
  weights[345] = NaN;
  assertThrows(
    () => engine.setParameters(weights),
    RangeError,
    "Cannot set the parameters as every number in the parameters must be finite: " +
      "current value of element 2 of blocks.0.ln1.weight is NaN",
  );
});

Deno.test("setOptimizerState() says what is wrong with the state", () => {
  const engine = new ReferenceEngine();
  const state = engine.optimizerState();
  assertThrows(() => engine.setOptimizerState({ ...state, step: -1 }), RangeError, "step must be a whole number");
  assertThrows(
    () => engine.setOptimizerState({ ...state, firstMoment: new Float32Array(3) }),
    RangeError,
    "firstMoment",
  );
  const secondMoment = new Float32Array(763).fill(-1);
  assertThrows(() => engine.setOptimizerState({ ...state, secondMoment }), RangeError, "must not be negative");
});

Deno.test("no problem is a RangeError everywhere", async () => {
  const engine = new ReferenceEngine();
  const message = "Cannot run the model as there must be at least one problem: current number is 0";
  await assertRejects(() => engine.lossAndGradient([]), RangeError, message);
  await assertRejects(() => engine.logits([]), RangeError, message);
  await assertRejects(() => engine.trainStep([], { learningRate: 0 }), RangeError, message);
  await assertRejects(() => engine.decode(new Float64Array(0)), RangeError, message);
  await assertRejects(() => engine.predict([]), RangeError, message);
  await assertRejects(() => engine.predict([{ a: -1, b: 5 }]), RangeError, "Cannot add -1 and 5");
});

Deno.test("trainStep() says what is wrong with the hyperparameters, and changes nothing", async () => {
  const engine = new ReferenceEngine();
  engine.initialize(1);
  const before = engine.parameters();
  const wrong: readonly [Partial<StepOptions>, string][] = [
    [
      { learningRate: -1 },
      "Cannot take a step as learningRate must be a finite number, 0 or more: current value is -1",
    ],
    [{ learningRate: Infinity }, "learningRate"],
    [{ learningRate: undefined }, "learningRate"],
    [{ weightDecay: -0.1 }, "weightDecay"],
    [{ clipNorm: -1 }, "clipNorm"],
    [{ clipNorm: NaN }, "clipNorm"],
    [{ beta1: 1 }, "beta1 must be a number in [0, 1): current value is 1"],
    [{ beta2: -0.5 }, "beta2"],
    [{ epsilon: 0 }, "epsilon must be a finite number above 0: current value is 0"],
  ];
  for (const [part, message] of wrong) {
    const options = { learningRate: 0.01, ...part } as StepOptions;
    await assertRejects(() => engine.trainStep([{ a: 1, b: 2 }], options), RangeError, message);
  }
  assertEquals(engine.parameters(), before);
});

Deno.test("trainRun() says what is wrong with the run", async () => {
  const engine = new ReferenceEngine();
  const { stage } = RUN;
  const wrong: readonly [Partial<TrainRun>, string][] = [
    [{ seed: -1 }, "Cannot train as seed must be a whole number from 0 to 4294967295: current value is -1"],
    [{ attempt: 2 ** 32 }, "attempt"],
    [{ firstSample: 0.5 }, "firstSample must be a whole number, 0 or more: current value is 0.5"],
    [{ firstSample: 2 ** 32 }, "firstSample + steps - 1"],
    [{ firstStep: -1 }, "firstStep"],
    [{ steps: -1 }, "steps must be a whole number, 0 or more: current value is -1"],
    [{ steps: 18 }, "firstStep + steps must be at most the 20 steps of the stage: current value is 21"],
    [{ minDigits: 4 }, "minDigits must be at most maxDigits, which is 3: current value is 4"],
    [{ maxDigits: 11 }, "maxDigits"],
    [{ stage: { ...stage, batch: 0 } }, "stage.batch must be a positive multiple of 4: current value is 0"],
    [{ stage: { ...stage, batch: 6 } }, "stage.batch"],
    [{ stage: { ...stage, warmupSteps: -1 } }, "stage.warmupSteps"],
    [{ stage: { ...stage, floor: 1.5 } }, "stage.floor must be a number in [0, 1]: current value is 1.5"],
    [{ stage: { ...stage, beta2: 1 } }, "beta2"],
  ];
  for (const [part, message] of wrong) {
    await assertRejects(() => engine.trainRun({ ...RUN, ...part }), RangeError, message);
  }
});

Deno.test("a disposed engine says so, and can be disposed of again", async () => {
  const engine = new ReferenceEngine();
  await engine.dispose();
  await engine.dispose();
  const message = "Cannot use this engine as it was disposed of: create another one";
  assertThrows(() => engine.parameters(), Error, message);
  assertThrows(() => engine.setParameters(new Float32Array(763)), Error, message);
  assertThrows(() => engine.initialize(1), Error, message);
  assertThrows(() => engine.optimizerState(), Error, message);
  assertThrows(() => engine.setOptimizerState({} as never), Error, message);
  assertThrows(() => engine.sample({ seed: 1, stream: "training", count: 1 }), Error, message);
  await assertRejects(() => engine.predict([{ a: 1, b: 2 }]), Error, message);
  await assertRejects(() => engine.trainRun(RUN), Error, message);
});
