/**
 * What every engine has to keep of its interface, and how it compares with the reference on batches of every shape: the golden sets have few.
 *
 * @module
 */
import { assert, assertAlmostEquals, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { ReferenceEngine } from "../../src/engine/reference/engine.ts";
import type { Engine, SampleRequest } from "../../src/engine/interface/types.ts";
import { initialParameters } from "../../src/model/initialization.ts";
import type { Operands } from "../../src/model/problem.ts";
import { drawOperands } from "../../src/model/sampler.ts";
import { type ModelName, variantOf } from "../../src/model/variant.ts";
import { QUERIES, readSum } from "../../src/model/vocabulary.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { assertClose, assertTensorsClose, LOGITS_PER_PROBLEM } from "../golden.ts";
import { FLOAT32_TOLERANCES } from "./engines.ts";
import { livelyParameters, mixedProblems, TESTED_MODELS } from "./lively.ts";

/** The engine under test, and how its tests are registered. */
export interface Suite {
  /** For the names of the tests. */
  name: string;
  /** Makes a new engine. */
  createNew: (model: ModelName) => Promise<Engine>;
  /** Sizes of batches. */
  batches?: readonly number[];
  /** Registers a test. */
  test?: (name: string, fn: () => Promise<void>) => void;
}

const BATCHES = [1, 2, 3, 5, 7, 31, 33, 130];
const LAST_WORD = 2 ** 32 - 1;

/** What the reference gives for each batch; it is slow, so once for both arithmetics. */
const expectations = new Map<string, Promise<{ loss: number; gradient: Float32Array; logits: Float32Array }>>();
function expected(model: ModelName, count: number): ReturnType<typeof computeExpected> {
  const key = `${model}/${count}`;
  if (!expectations.has(key)) expectations.set(key, computeExpected(model, count));
  return expectations.get(key)!;
}
async function computeExpected(model: ModelName, count: number) {
  const engine = new ReferenceEngine(model);
  engine.setParameters(livelyParameters(model));
  const problems = mixedProblems(count, count);
  return { ...await engine.lossAndGradient(problems), logits: await engine.logits(problems) };
}

const REQUESTS: readonly Omit<SampleRequest, "count">[] = [
  { seed: 0, stream: "training" },
  { seed: 1, stream: "evaluation", minDigits: 1, maxDigits: 10 },
  { seed: 77, stream: "training", attempt: 3, sample: 123_456, minDigits: 1, maxDigits: 3 },
  { seed: 2 ** 31, stream: "evaluation", attempt: 2 ** 31, sample: 2 ** 31, minDigits: 8, maxDigits: 10 },
  { seed: LAST_WORD, stream: "training", attempt: LAST_WORD, sample: LAST_WORD, minDigits: 1, maxDigits: 6 },
  { seed: LAST_WORD, stream: "evaluation", sample: LAST_WORD, minDigits: 4, maxDigits: 4 },
];

/** An engine whose weights make every part of the model matter. */
async function lively(createNew: Suite["createNew"], model: ModelName): Promise<Engine> {
  const engine = await createNew(model);
  engine.setParameters(livelyParameters(model));
  return engine;
}

/** Registers the tests that compare with the reference. */
export function testAgainstReference({ name, createNew, batches = BATCHES, test = Deno.test }: Suite): void {
  const create = (model: ModelName) => lively(createNew, model);

  for (const model of TESTED_MODELS) {
    for (const count of batches) {
      test(`${name} equals the reference on ${model}, batch ${count}`, async () => {
        const engine = await create(model);
        const problems = mixedProblems(count, count);
        const reference = await expected(model, count);
        const { loss, gradient } = await engine.lossAndGradient(problems);
        assertAlmostEquals(loss, reference.loss, FLOAT32_TOLERANCES.loss);
        assertTensorsClose(gradient, Float64Array.from(reference.gradient), variantOf(model), {
          relative: FLOAT32_TOLERANCES.gradient,
          of: "gradient",
        });
        const logits = await engine.logits(problems);
        assertEquals(logits.length, count * LOGITS_PER_PROBLEM);
        assertClose(logits, reference.logits, { absolute: FLOAT32_TOLERANCES.logits, of: "logits" });
      });
    }
  }

  for (const model of TESTED_MODELS) {
    test(`what an earlier batch left in the lanes does not count: ${model}: ${name}`, async () => {
      const problems = mixedProblems(5);
      const fresh = await create(model);
      const used = await create(model);
      await used.lossAndGradient(mixedProblems(130, 2));
      await used.decode(mixedProblems(130, 3));
      await used.logits(mixedProblems(130, 4));
      assertEquals(await used.lossAndGradient(problems), await fresh.lossAndGradient(problems));
      assertEquals(await used.logits(problems), await fresh.logits(problems));
      assertEquals(await used.decode(problems), await fresh.decode(problems));
    });
  }

  test(`a problem alone has the loss and gradient of four times the same one: ${name}`, async () => {
    const engine = await create(763);
    const alone = await engine.lossAndGradient([{ a: 1234567890, b: 9876543210 }]);
    const four = await engine.lossAndGradient(Array(4).fill({ a: 1234567890, b: 9876543210 }));
    assertAlmostEquals(alone.loss, four.loss, 1e-6);
    assertTensorsClose(alone.gradient, Float64Array.from(four.gradient), variantOf(763), {
      relative: 2e-6,
      of: "gradient",
    });
  });

  test(`decode() gives each problem the same tokens alone and in company: ${name}`, async () => {
    const engine = await create(763);
    const problems = mixedProblems(37);
    const together = await engine.decode(problems);
    assert(new Set(together).size > 3, "the tokens must differ for this test to show anything");
    for (let i = 0; i < 37; i++) {
      const alone = await engine.decode(problems.slice(2 * i, 2 * i + 2));
      assertEquals(alone, together.slice(i * QUERIES, (i + 1) * QUERIES), `problem ${i}`);
    }
  });
}

/** Registers the tests of an engine that has no weights of its own yet. */
export function testNewEngine({ name, createNew, test = Deno.test }: Suite): void {
  test(`a new engine has the weights of seed 0, and initialize() forgets the optimizer: ${name}`, async () => {
    const engine = await createNew(763);
    const fresh = engine.parameters();
    assertClose(fresh, initialParameters(variantOf(763), 0), { absolute: 1e-6, of: "weights of a new engine" });
    const { firstMoment, secondMoment } = engine.optimizerState();
    await engine.trainStep(mixedProblems(4), { learningRate: 0.1 });
    assert(engine.optimizerState().firstMoment.some((value) => value !== 0));
    engine.initialize(0);
    assertEquals(engine.parameters(), fresh);
    assertEquals(engine.optimizerState(), { step: 0, firstMoment, secondMoment });
    assert(firstMoment.every((value) => value === 0) && secondMoment.every((value) => value === 0));
  });

  test(`decode() and predict() of a new engine are refused until it has weights: ${name}`, async () => {
    const problems = [{ a: 1, b: 2 }];
    const fresh = await createNew(763);
    for (const answer of ["decode", "predict"] as const) {
      await assertRejects(() => fresh[answer](problems), Error, "new engine as its weights must be set first");
    }
    for (
      const choose of [
        (engine: Engine) => engine.setParameters(new Float32Array(763)),
        (engine: Engine) => engine.initialize(0),
        (engine: Engine) => engine.trainStep(problems, { learningRate: 0.01 }),
      ]
    ) {
      const engine = await createNew(763);
      await choose(engine);
      assertEquals((await engine.predict(problems)).length, 1);
      await engine.dispose();
    }
    await fresh.dispose();
    await assertRejects(() => fresh.predict(problems), Error, "disposed of");
  });
}

/** Registers the tests of the interface. */
export function testInterface(suite: Suite): void {
  testNewEngine(suite);
  const { name, createNew, test = Deno.test } = suite;
  const create = (model: ModelName) => lively(createNew, model);

  for (const request of REQUESTS) {
    const { seed, stream, attempt = 0, sample = 0 } = request;
    test(`sample() equals drawOperands(): ${stream}, seed ${seed}, attempt ${attempt}, sample ${sample}: ${name}`, async () => {
      const engine = await create(763);
      for (const count of [0, 1, 2, 3, 4, 5, 1001]) {
        assertEquals(engine.sample({ ...request, count }), drawOperands({ ...request, count }), `${count} problems`);
      }
      const all = engine.sample({ ...request, count: 30 });
      assertEquals(engine.sample({ ...request, first: 7, count: 9 }), all.subarray(2 * 7, 2 * 16));
    });
  }

  test(`decodeSample() gives the tokens of decode() and counts the wrong sums: ${name}`, async () => {
    const engine = await create(763);
    const { model, parameters } = shippedCheckpoint();
    const spoiled = parameters.map((weight, i) => i === 100 ? weight + 1 : weight); // adds some pairs wrongly
    for (const weights of [engine.parameters(), parameters, spoiled]) {
      engine.setParameters(weights);
      for (const [first, count] of [[0, 0], [0, 1], [3, 6], [1, 301]]) {
        const request = { seed: 5, stream: "evaluation", sample: 2, first, count } as const;
        const operands = engine.sample(request);
        const tokens = count === 0 ? new Uint8Array() : await engine.decode(operands);
        const isWrong = (_: number, i: number) =>
          readSum(tokens, i * QUERIES) !== operands[2 * i] + operands[2 * i + 1];
        const wrong = Array.from({ length: count }, isWrong).filter(Boolean).length;
        assertEquals(await engine.decodeSample(request), { tokens, wrong }, `${model}, ${count} from ${first}`);
      }
    }
  });

  for (const model of TESTED_MODELS) {
    test(`initialize() draws the weights of initialParameters(): ${model}: ${name}`, async () => {
      const engine = await create(model);
      for (const [seed, attempt] of [[0, 0], [1, 0], [1, 5], [2 ** 31, 1], [LAST_WORD, LAST_WORD]]) {
        engine.initialize(seed, attempt);
        const drawn = initialParameters(variantOf(model), seed, attempt);
        assertClose(engine.parameters(), drawn, { absolute: 1e-6, of: `weights of seed ${seed}, attempt ${attempt}` });
      }
    });
  }

  test(`a clipNorm of 0 or Infinity never clips: ${name}`, async () => {
    const moments = async (clipNorm: number) => {
      const engine = await create(763);
      const { gradientNorm } = await engine.trainStep(mixedProblems(8), { learningRate: 0.01, clipNorm });
      return { gradientNorm, moment: engine.optimizerState().firstMoment };
    };
    const unclipped = await moments(1e9);
    assertEquals(await moments(0), unclipped);
    assertEquals(await moments(Infinity), unclipped);
    const { gradientNorm, moment } = await moments(unclipped.gradientNorm / 2);
    assertEquals(gradientNorm, unclipped.gradientNorm);
    assertClose(moment, unclipped.moment.map((value) => value / 2), { absolute: 1e-6, of: "moments" });
  });

  test(`an epsilon that float32 does not hold leaves weights without a gradient finite: ${name}`, async () => {
    const engine = await create("5x10");
    await engine.trainStep(mixedProblems(4), { learningRate: 0.01, epsilon: 1e-60 });
    await engine.trainStep(mixedProblems(4), { learningRate: 0.01, epsilon: 1e-60 });
    assert(engine.parameters().every(Number.isFinite));
  });

  test(`decode() of 100,000 problems at once equals that in small pieces: ${name}`, async () => {
    const engine = await create(763);
    const problems = mixedProblems(100_000);
    const together = await engine.decode(problems);
    assertEquals(together.length, 100_000 * QUERIES);
    for (let first = 0; first < 100_000; first += 9999) {
      const piece = await engine.decode(problems.subarray(2 * first, 2 * (first + 999)));
      const same = together.subarray(first * QUERIES, first * QUERIES + piece.length);
      assert(piece.every((token, i) => token === same[i]), `from problem ${first} on`);
    }
  });

  test(`logits() of more problems than fit into one call equal those in pieces: ${name}`, async () => {
    const engine = await create(763);
    const problems = mixedProblems(4099);
    const together = await engine.logits(problems);
    for (const [first, last] of [[0, 5], [4090, 4099]]) {
      const piece = await engine.logits(problems.subarray(2 * first, 2 * last));
      assertEquals(piece, together.slice(first * LOGITS_PER_PROBLEM, last * LOGITS_PER_PROBLEM));
    }
  });

  test(`decode() and logits() follow the weights that are set: ${name}`, async () => {
    const engine = await create(763);
    const problems = mixedProblems(20);
    const first = { tokens: await engine.decode(problems), logits: await engine.logits(problems) };
    engine.setParameters(livelyParameters(763).map((value) => -value));
    const second = { tokens: await engine.decode(problems), logits: await engine.logits(problems) };
    engine.setParameters(livelyParameters(763));
    assertEquals({ tokens: await engine.decode(problems), logits: await engine.logits(problems) }, first);
    assertNotEquals(second.tokens, first.tokens);
    assertNotEquals(second.logits, first.logits);
  });

  test(`decode() follows the weights that a step left: ${name}`, async () => {
    const [stepped, set] = [await create(763), await create(763)];
    const problems = mixedProblems(20);
    const before = await stepped.decode(problems);
    await stepped.trainStep(problems, { learningRate: 0.3 });
    set.setParameters(stepped.parameters());
    assertEquals(await stepped.decode(problems), await set.decode(problems));
    assertNotEquals(await stepped.decode(problems), before);
  });

  test(`only a step changes the weights and the optimizer's state: ${name}`, async () => {
    const engine = await create(763);
    await engine.trainStep(mixedProblems(8), { learningRate: 0.01 });
    const [parameters, state] = [engine.parameters(), engine.optimizerState()];
    const problems = mixedProblems(33);
    await engine.lossAndGradient(problems);
    await engine.logits(problems);
    await engine.decode(problems);
    await engine.predict(problems);
    engine.sample({ seed: 1, stream: "training", count: 33 });
    await engine.decodeSample({ seed: 1, stream: "training", count: 33 });
    assertEquals(engine.parameters(), parameters);
    assertEquals(engine.optimizerState(), state);
  });

  test(`an engine can be used after errors as before: ${name}`, async () => {
    const engine = await create(763);
    const problems = mixedProblems(6);
    const before = { parameters: engine.parameters(), ...await engine.lossAndGradient(problems) };

    const weights = engine.parameters();
    weights[98] = NaN;
    assertThrows(() => engine.setParameters(weights), RangeError, "element 0 of pos_emb.weight is NaN");
    assertThrows(() => engine.setParameters(new Float32Array(777)), RangeError, "current length is 777");
    assertThrows(() => engine.initialize(-1), RangeError, "seed must be a whole number");
    const words = "from 0 to 4294967295: current value is";
    assertThrows(
      () => engine.initialize(1.5),
      RangeError,
      `Cannot draw weights as seed must be a whole number ${words} 1.5`,
    );
    assertThrows(() => engine.initialize(1, -1), RangeError, `attempt must be a whole number ${words} -1`);
    assertThrows(() => engine.sample({ seed: 1, stream: "training", count: -1 }), RangeError, "count");
    assertThrows(() => engine.setOptimizerState({ ...engine.optimizerState(), step: 0.5 }), RangeError, "step");
    await assertRejects(() => engine.decode([]), RangeError, "at least one problem");
    await assertRejects(() => engine.lossAndGradient(new Float64Array(0)), RangeError, "at least one problem");
    await assertRejects(() => engine.logits([{ a: 1, b: 10 ** 10 }]), RangeError, "Cannot add 1 and 10000000000");
    await assertRejects(() => engine.trainStep([{ a: 0.5, b: 1 }], { learningRate: 1 }), RangeError, "Cannot add 0.5");
    await assertRejects(() => engine.trainStep(problems, { learningRate: NaN }), RangeError, "learningRate");

    assertEquals({ parameters: engine.parameters(), ...await engine.lossAndGradient(problems) }, before);
  });

  test(`two engines at once do not disturb each other: ${name}`, async () => {
    const steps = async (engine: Engine, problems: Operands, other: () => Promise<unknown>) => {
      for (let step = 0; step < 5; step++) {
        await engine.trainStep(problems, { learningRate: 0.01 });
        await other();
      }
      return { parameters: engine.parameters(), tokens: await engine.decode(problems) };
    };
    const problems = mixedProblems(9);
    const [alone, together, other] = [await create(763), await create(763), await create(777)];
    const undisturbed = await steps(alone, problems, () => Promise.resolve());
    const disturbed = steps(together, problems, async () => {
      await other.trainStep(mixedProblems(12, 3), { learningRate: 0.05 });
      await other.decode(mixedProblems(50, 4));
    });
    assertEquals(await disturbed, undisturbed);
  });

  test(`a disposed engine says so, and can be disposed of again: ${name}`, async () => {
    const engine = await create(763);
    const run = { learningRate: 0.01 };
    await engine.dispose();
    await engine.dispose();
    const message = "Cannot use this engine as it was disposed of: create another one";
    assertThrows(() => engine.parameters(), Error, message);
    assertThrows(() => engine.setParameters(livelyParameters(763)), Error, message);
    assertThrows(() => engine.initialize(1), Error, message);
    assertThrows(() => engine.optimizerState(), Error, message);
    assertThrows(() => engine.sample({ seed: 1, stream: "training", count: 1 }), Error, message);
    await assertRejects(() => engine.lossAndGradient(mixedProblems(1)), Error, message);
    await assertRejects(() => engine.logits(mixedProblems(1)), Error, message);
    await assertRejects(() => engine.decode(mixedProblems(1)), Error, message);
    await assertRejects(() => engine.predict(mixedProblems(1)), Error, message);
    await assertRejects(() => engine.decodeSample({ seed: 1, stream: "training", count: 1 }), Error, message);
    await assertRejects(() => engine.trainStep(mixedProblems(1), run), Error, message);
  });
}
