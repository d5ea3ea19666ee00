/** What the prover answers: a proof of the shipped weights, an input where there is one that fails, and never a proof of a model that fails. */
import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { loadAdder } from "../../src/adder/load_adder.ts";
import { createEngine } from "../../src/engine/create_engine.ts";
import { certify } from "../../src/certify/certify.ts";
import { harden } from "../../src/certify/harden.ts";
import { hashOfWeights } from "../../src/certify/certificate.ts";
import { teacherForcedLogits, tensorsOf } from "../../src/engine/reference/model.ts";
import { variantOf } from "../../src/model/variant.ts";
import { checkCertificate } from "../../src/checker/check.ts";
import type { Certificate, CertifyCheckpoint, CertifyResult } from "../../src/certify/types.ts";
import { targetTokens } from "../../src/model/vocabulary.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { quickModels, randomNumbers, trained } from "./models.ts";
import { failureShare } from "./rarity.ts";

const BESIDE: Certificate = JSON.parse(
  await Deno.readTextFile(new URL("../../src/weights/shipped_763.certificate.json", import.meta.url)),
);
/** The inputs with the least margins at the three narrowest steps. */
const NARROWEST = BESIDE.steps.toSorted((x, y) => x.margin - y.margin).slice(0, 3);

/** A margin by the reference engine. */
function marginOf(values: Float32Array, a: number, b: number, step: number): number {
  const variant = variantOf(763);
  const logits =
    teacherForcedLogits(tensorsOf(Float64Array.from(values), variant), variant, Float64Array.of(a, b))[step];
  const target = targetTokens(a, b)[step];
  return logits[target] - Math.max(...Array.from(logits).toSpliced(target, 1));
}

/** Engine and reference write a wrong token, the engine at the step named. */
async function assertReallyWrong(model: CertifyCheckpoint, { counterexample }: CertifyResult): Promise<void> {
  const { a, b, expected, got, step } = counterexample!;
  assertEquals(expected, a + b);
  assertEquals(loadAdder({ ...model, metadata: {} }).add(a, b), got);
  if (step < 11) assert(got !== a + b);
  const right = targetTokens(a, b);
  for (const backend of ["wasm", "reference"] as const) {
    const engine = await createEngine({ backend, model: model.model });
    engine.setParameters(model.parameters);
    const tokens = await engine.decode([{ a, b }]);
    const wrong = right.findIndex((token, i) => token !== tokens[i]);
    assert(backend === "wasm" ? wrong === step : wrong >= 0, `${backend} is first wrong at ${wrong}, not ${step}`);
    await engine.dispose();
  }
}

Deno.test("the shipped weights are proved right, closely, by the proof that lies beside them", async () => {
  const checkpoint = shippedCheckpoint();
  const progress: number[] = [];
  const steps: number[] = [];
  const result = await certify(checkpoint, {
    seconds: 300,
    onProgress({ proved, provedSteps }) {
      progress.push(proved);
      steps.push(provedSteps);
    },
  });
  assertEquals([result.verdict, result.certified, result.inputs], ["certified", true, String(10n ** 20n)]);
  assertGreater(result.worstMargin!, 1);
  assertEquals(result.steps.map(({ step }) => step), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  for (const { step, margin, worst } of result.steps) {
    assert(margin <= worst.margin && margin > 0.85 * worst.margin, `step ${step}: ${margin} of ${worst.margin}`);
  }
  assert(
    steps[0] < 12 && steps.at(-1) === 12 && steps.every((count, i) => count >= (steps[i - 1] ?? 0)),
    String(steps),
  );
  assert(progress.length > 5 && progress.every((share, i) => share >= (progress[i - 1] ?? 0) && share <= 1));

  assertEquals(result.certificate, BESIDE, "the proof beside the weights is another: certify them again");
});

Deno.test("a proof is the same with any number of threads", async () => {
  for (const threads of [1, 3]) {
    const result = await certify(shippedCheckpoint(), { seconds: 300, threads });
    assertEquals(result.threads, threads);
    assertEquals(result.certificate, BESIDE);
  }
});

for (const model of quickModels().slice(2)) {
  Deno.test(`${model.name} are refuted at once by a sum that is really wrong`, async () => {
    const result = await certify(model);
    assertEquals([result.verdict, result.certified, result.worstMargin], ["counterexample", false, null]);
    assert(result.seconds < 10);
    await assertReallyWrong(model, result);
  });
}

Deno.test("a half-trained model is refuted by a sum that is really wrong", async () => {
  const model = await trained(3000, 4, 763);
  const result = await certify(model);
  assertEquals(result.verdict, "counterexample");
  await assertReallyWrong(model, result);
});

/** How far below 0 the margin of a planted failure is: more than float32's error, and so little that few other pairs fail. */
const PLANTED = -0.01;

/** The least change, to first order, that takes the margin of one pair below 0, and hardly moves any other's: along that margin's gradient. */
function plantedFailure(a: number, b: number, step: number): Float32Array {
  const { parameters } = shippedCheckpoint();
  const start = marginOf(parameters, a, b, step);
  const gradient = parameters.map((value, i) => {
    const moved = parameters.slice();
    moved[i] = value + 1e-3;
    return (marginOf(moved, a, b, step) - start) / (moved[i] - value);
  });
  const square = gradient.reduce((sum, g) => sum + g * g, 0);
  const moved = (steps: number) => parameters.map((value, i) => value - steps * start / square * gradient[i]);
  const wrong = (steps: number) => marginOf(moved(steps), a, b, step) < PLANTED;
  let [right, failing] = [0, 8];
  assert(wrong(failing));
  for (let i = 0; i < 30; i++) {
    const middle = (right + failing) / 2;
    if (wrong(middle)) failing = middle;
    else right = middle;
  }
  return moved(failing);
}

/** The share of all pairs on which each of the planted models fails. */
const shares: number[] = [];

for (const { step, worst: { a, b } } of NARROWEST) {
  Deno.test(`a model that was made to fail on ${a} + ${b}, and hardly anywhere else, is not proved right`, async () => {
    const checkpoint = { model: 763, parameters: plantedFailure(a, b, step) } as const;
    shares.push(await failureShare(checkpoint));
    const result = await certify(checkpoint, { seconds: 100 });
    assertEquals(result.verdict, "counterexample");
    await assertReallyWrong(checkpoint, result);
  });
}

Deno.test("of the models that were made to fail one fails on less than one pair in 10^9, and none on more than one in 10^5", () => {
  assert(shares.every((share) => share > 0 && share < 1e-5), `the shares are ${shares}`);
  assert(Math.min(...shares) < 1e-9, `the shares are ${shares}`);
});

Deno.test("weights that overflow prove nothing", async () => {
  const { model, parameters } = shippedCheckpoint();
  for (const factor of [1e3, 1e10, 1e35]) {
    const { certified } = await certify({ model, parameters: parameters.map((value) => value * factor) }, {
      seconds: 5,
    });
    assertEquals(certified, false);
  }
});

Deno.test("certify() gives up when its time is over, and says what is left", async () => {
  const { verdict, certified, undecided } = await certify(shippedCheckpoint(), { seconds: 1e-3 });
  assertEquals([verdict, certified], ["undecided", false]);
  assertEquals(undecided!.a.length, 10);
});

Deno.test("certify() can be aborted", async () => {
  const reason = new Error("enough");
  await assertRejects(() => certify(shippedCheckpoint(), { signal: AbortSignal.abort(reason) }), Error, "enough");
  const controller = new AbortController();
  const running = certify(shippedCheckpoint(), { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 100);
  await assertRejects(() => running, Error, "enough");
  // by the listener that hears of the last task
  const late = new AbortController();
  const onProgress = ({ proved }: { proved: number }) => proved === 1 && late.abort(reason);
  await assertRejects(() => certify(shippedCheckpoint("4x4"), { signal: late.signal, onProgress }), Error, "enough");
});

Deno.test("certify() refuses what it cannot read", async () => {
  const short = { model: 763, parameters: new Float32Array(762) } as const;
  await assertRejects(() => certify(short), RangeError, "needs 763 numbers in the parameters");
  await assertRejects(
    () => certify(shippedCheckpoint(), { seconds: 0 }),
    RangeError,
    "seconds must be a positive number",
  );
});

Deno.test("harden() trains on what was found, and leaves alone what it was given", async () => {
  const model = await trained(6000, 4, 763);
  const before = model.parameters.slice();
  const rounds: number[] = [];
  const { parameters, result, ...hardened } = await harden(model, {
    ...{ rounds: 2, cuts: 200 },
    onRound: ({ round, pool }) => {
      rounds.push(round);
      assert(pool > 0);
    },
  });
  assertEquals(model.parameters, before);
  assertEquals(rounds, [1, 2].slice(0, hardened.rounds));
  assert(hardened.rounds > 0, "a half-trained model needs no hardening");
  assertEquals(result.weights, await hashOfWeights(parameters));
  assert(parameters.some((value, i) => value !== before[i]));
});

Deno.test("harden() takes a model that is almost right to a proof, to the same bytes with any number of threads", async () => {
  const model = {
    model: 763,
    parameters: plantedFailure(NARROWEST[0].worst.a, NARROWEST[0].worst.b, NARROWEST[0].step),
  } as const;
  assertEquals((await certify(model, { cuts: 1000 })).certified, false);
  const one = await harden(model, { threads: 1 });
  assertEquals([one.result.certified, one.rounds > 0], [true, true]);
  const two = await harden(model, { threads: 2 });
  assertEquals(two.parameters, one.parameters);
  assertEquals(two.result.certificate, one.result.certificate);
});

Deno.test("the checker refuses a proof of other weights", async () => {
  const { model, parameters } = shippedCheckpoint();
  const random = randomNumbers(1);
  for (let i = 0; i < 10; i++) {
    const other = parameters.slice();
    other[Math.floor(random() * 763)] *= 1.0000002;
    assertEquals(
      (await checkCertificate(BESIDE, { model, parameters: other })).reason,
      "it is about other weights",
    );
  }
  const large = { model: 777, parameters: new Float32Array(777) } as const;
  assertEquals((await checkCertificate(BESIDE, large)).reason, "it is about another model than 777");
});
