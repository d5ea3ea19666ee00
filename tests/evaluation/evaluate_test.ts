import { assertEquals, assertRejects } from "@std/assert";
import { evaluate, type EvaluationProgress } from "../../src/evaluation/evaluate.ts";
import { packOperands, type Problems } from "../../src/model/problem.ts";
import { createEngine } from "../../src/engine/mod.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { EOS, PAD, QUERIES, targetTokens } from "../../src/model/vocabulary.ts";

/** Stands in for an engine: adds, but for the changes that `spoil` makes to the tokens of a problem. */
function fakeEngine(spoil: (tokens: number[], a: number, b: number) => void = () => {}) {
  const calls: number[] = [];
  return {
    calls,
    decode(problems: Problems): Promise<Uint8Array> {
      const operands = packOperands(problems);
      calls.push(operands.length / 2);
      const tokens = new Uint8Array(operands.length / 2 * QUERIES);
      for (let i = 0; i < operands.length / 2; i++) {
        const answer = targetTokens(operands[2 * i], operands[2 * i + 1]);
        spoil(answer, operands[2 * i], operands[2 * i + 1]);
        tokens.set(answer, i * QUERIES);
      }
      return Promise.resolve(tokens);
    },
  };
}

/** 0 + 1, 1 + 1, 2 + 1 … */
function counting(count: number): Float64Array {
  return Float64Array.from({ length: 2 * count }, (_, i) => i % 2 === 0 ? i / 2 : 1);
}

Deno.test("evaluate() counts the right sums", async () => {
  const operands = Float64Array.of(42, 7, 9999999999, 9999999999, 0, 0);
  const digitAccuracy = new Array(11).fill(1);
  assertEquals(await evaluate(fakeEngine(), operands), {
    total: 3,
    correct: 3,
    exactMatch: 1,
    digitAccuracy,
    errors: [],
  });
});

Deno.test("evaluate() lists the wrong sums, and null where there is no number", async () => {
  const engine = fakeEngine((tokens, a) => {
    if (a === 1) tokens[0] = 9;
    if (a === 2) tokens[10] = PAD;
    if (a === 3) tokens[11] = 0; // where EOS should be: the sum is right nevertheless
    if (a === 4) tokens[1] = EOS;
  });
  assertEquals(await evaluate(engine, counting(8)), {
    total: 8,
    correct: 5,
    exactMatch: 5 / 8,
    digitAccuracy: [7 / 8, 7 / 8, 1, 1, 1, 1, 1, 1, 1, 1, 7 / 8],
    errors: [
      { a: 1, b: 1, expected: 2, got: 9 },
      { a: 2, b: 1, expected: 3, got: null },
      { a: 4, b: 1, expected: 5, got: null },
    ],
  });
});

Deno.test("evaluate() lists no more errors than asked for, and counts all", async () => {
  const wrong = fakeEngine((tokens) => tokens[9] = 9);
  const { errors: standard, correct } = await evaluate(wrong, counting(200));
  assertEquals([standard.length, standard[99].a, correct], [100, 99, 0]);
  assertEquals((await evaluate(wrong, counting(200), { maxErrors: 0 })).errors, []);
  assertEquals((await evaluate(wrong, counting(200), { maxErrors: 150 })).errors.length, 150);
});

Deno.test("evaluate() of problems that the engine draws equals evaluate() of the same problems", async () => {
  const { model, parameters } = shippedCheckpoint();
  const spoiled = parameters.map((weight, i) => i === 100 ? weight + 1 : weight);
  const engine = await createEngine({ model });
  for (const weights of [parameters, spoiled]) {
    engine.setParameters(weights);
    const request = { seed: 4, stream: "evaluation", count: 20_001 } as const;
    const drawn = await evaluate(engine, request);
    assertEquals(drawn, await evaluate(engine, engine.sample(request)));
    assertEquals(drawn.correct === drawn.total, weights === parameters);
    assertEquals(await evaluate({ model, parameters: weights }, request), drawn);
  }
  await assertRejects(() => evaluate(engine, { seed: 1, stream: "evaluation", count: 0 }), RangeError, "at least one");
  await assertRejects(() => evaluate(engine, { seed: -1, stream: "evaluation", count: 1 }), RangeError, "seed");
  await engine.dispose();
});

Deno.test("evaluate() asks in parts and tells how far it is", async () => {
  const engine = fakeEngine((tokens, a) => {
    if (a === 20_000) tokens[0] = 5;
  });
  const told: EvaluationProgress[] = [];
  const { errors } = await evaluate(engine, counting(40_000), { onProgress: (progress) => told.push(progress) });
  assertEquals(errors, [{ a: 20_000, b: 1, expected: 20_001, got: 20_005 }]);
  assertEquals(engine.calls, [...Array(4).fill(8192), 7232]);
  assertEquals(told.map(({ done }) => done), [8192, 16_384, 24_576, 32_768, 40_000]);
  assertEquals(told.map(({ total }) => total), Array(5).fill(40_000));
});

Deno.test("evaluate() ends with the signal's reason, also where a timer gives it", async () => {
  const reason = new Error("enough");
  const asked = fakeEngine();
  await assertRejects(() => evaluate(asked, counting(1), { signal: AbortSignal.abort(reason) }), Error, "enough");
  assertEquals(asked.calls, []);

  const controller = new AbortController();
  const timed = fakeEngine();
  const evaluation = evaluate(timed, counting(160_000), {
    signal: controller.signal,
    onProgress: ({ done }) => {
      if (done === 16_384) setTimeout(() => controller.abort(reason), 0);
    },
  });
  await assertRejects(() => evaluation, Error, "enough");
  assertEquals(timed.calls.length < 9, true);
});

Deno.test("evaluate() refuses an empty set, half a problem, and operands out of range", async () => {
  const ask = (...operands: number[]) => evaluate(fakeEngine(), Float64Array.from(operands));
  await assertRejects(() => ask(), RangeError, "Cannot evaluate a model as there must be at least one problem");
  await assertRejects(() => ask(1, 2, 3), RangeError, "an even number");
  await assertRejects(() => ask(1, 10_000_000_000), RangeError, "current value is 10000000000");
});
