/** What the checker refuses: every file that claims more than its bounds prove, with a reason in plain words. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { certify } from "../../src/certify/certify.ts";
import { hashOfWeights, sealCertificate } from "../../src/certify/certificate.ts";
import type { Certificate } from "../../src/certify/types.ts";
import { readCheckpointFile } from "../../src/checkpoint/safetensors/store.ts";
import { checkCertificate } from "../../src/checker/check.ts";
import { Layers } from "../../src/checker/margin.ts";
import { Attention } from "../../src/checker/attention.ts";
import { readDecodingNumbers } from "../../src/engine/wasm/read_decoding.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { WasmAdder } from "../../src/adder/adder.ts";
import { fromFileUrl } from "@std/path";
import { marginOf } from "./float32.ts";
import { ALL_STEPS, groupOf, hostileWeights, partsAround, questionOf, randomNumbers, randomPair } from "./models.ts";

const SHIPPED = shippedCheckpoint();
const { certificate: PROOF } = await certify(SHIPPED, { threads: 1, seconds: 300 });
assert(PROOF !== null);
const TEXT = JSON.stringify(PROOF);
const goldenPath = (name: string) => fromFileUrl(new URL(`../golden/${name}`, import.meta.url));

async function reasonOf(certificate: unknown, checkpoint: Parameters<typeof checkCertificate>[1] = SHIPPED) {
  const { accepted, reason, parts } = await checkCertificate(certificate, checkpoint);
  assertEquals(accepted, reason === null);
  assert(parts < 60_000);
  // the checker's own sentences, not the runtime's
  if (reason !== null) assert(!/undefined|not iterable|Cannot read|Maximum call|Invalid|NaN/.test(reason), reason);
  return reason ?? "accepted";
}

// deno-lint-ignore no-explicit-any
type Loose = any;

/** The proof of the shipped weights with a change, and a digest that fits. */
async function resealed(change: (certificate: Loose) => void): Promise<Certificate> {
  const certificate: Loose = JSON.parse(TEXT);
  change(certificate);
  certificate.worstMargin = Math.min(...certificate.steps.map(({ margin }: Loose) => margin));
  const { digest: _, ...content } = certificate;
  return await sealCertificate(content);
}

Deno.test("the proof of the shipped weights is accepted", async () => {
  assertEquals(await reasonOf(JSON.parse(TEXT)), "accepted");
});

/** The first step with cuts, its first cut, and how that begins. */
const withCuts = (c: Loose) => c.steps.findLast(({ cuts }: Loose) => cuts.length > 0);
const firstCut = (c: Loose) => withCuts(c).cuts[0];
const AXES = 4;
const SPLIT = 5;
const SIX = ALL_STEPS.slice(0, 6);
const [AXIS, AT] = firstCut(PROOF)[SPLIT];
const nested = (depth: number) => {
  let split: unknown = 0;
  for (let i = 0; i < depth; i++) split = [AXIS, AT, split, 0];
  return split;
};
const bushy = (depth: number): unknown => {
  const half = depth === 0 ? 0 : bushy(depth - 1);
  return depth === 0 ? 0 : [AXIS, AT, half, half];
};
const setSplit = (split: unknown) => (c: Loose) => void (firstCut(c)[SPLIT] = split);

const CHANGES: readonly [what: string, change: (certificate: Loose) => void, reason: RegExp][] = [
  ["a step is left out", ({ steps }) => void steps.pop(), /a step is left out/],
  ["steps change places", ({ steps }) => void steps.reverse(), /promises too little/],
  [
    "a margin is larger than the truth",
    ({ steps }) => void (steps[11].margin = 80),
    /group \d+ of step 11 .* not proved/,
  ],
  [
    "a margin is larger than the bounds",
    ({ steps }) => void (steps[9].margin *= 1.2),
    /group \d+ of step 9 .* not proved/,
  ],
  ["a margin is 0", ({ steps }) => void (steps[11].margin = 0), /step 11 promises too little/],
  ["a margin is negative", ({ steps }) => void (steps[11].margin = -1), /step 11 promises too little/],
  ["a margin is no number", ({ steps }) => void (steps[11].margin = "1"), /step 11 promises too little/],
  ["a margin is null", ({ steps }) => void (steps[11].margin = null), /step 11 promises too little/],
  ["steps are no list", (c) => void (c.steps = [...ALL_STEPS].map(() => 0)), /step 0 promises too little/],
  ["its modules are others", (c) => void (c.modules.core = c.modules.adder), /other WASM modules/],
  ["its modules are missing", (c) => void delete c.modules, /its head has not the form/],
  ["it is about other weights", (c) => void (c.weights = c.weights.replace(/./, "x")), /other weights/],
  ["it is about another model", (c) => void (c.model = 777), /another model/],
  ["it covers less", (c) => void (c.inputs = "1"), /does not cover all inputs/],
  ["cuts are missing", ({ steps }) => void delete steps[11].cuts, /step 11 has not the form/],
  ["a part is cut twice", (c) => void withCuts(c).cuts.push(firstCut(c)), /cuts a part twice/],
  ["a half is missing", (c) => void firstCut(c)[SPLIT].pop(), /two halves/],
  ["a half is null", setSplit([AXIS, AT, null, 0]), /a cut is no list/],
  ["a cut is missing", (c) => void firstCut(c).pop(), /a cut is no list/],
  ["a cut is at a text", setSplit([AXIS, `${AT}`, 0, 0]), /outside of it/],
  ["a cut is at null", setSplit([AXIS, null, 0, 0]), /outside of it/],
  ["a cell is cut outside", setSplit([AXIS, 1000, 0, 0]), /outside of it/],
  ["a cell is cut below", setSplit([AXIS, -1000, 0, 0]), /outside of it/],
  ["a second cut is beyond the first", setSplit([AXIS, AT, [AXIS, AT + 1e-6, 0, 0], 0]), /outside of it/],
  ["a cut is along no axis", setSplit([6, AT, 0, 0]), /along no axis/],
  ["a cut is before the axes", setSplit([-1, AT, 0, 0]), /along no axis/],
  ["a cut is between axes", setSplit([0.5, AT, 0, 0]), /along no axis/],
  ["a cut is along a text", setSplit(["0", AT, 0, 0]), /along no axis/],
  ["there are no axes", (c) => void (firstCut(c)[AXES] = []), /six directions/],
  ["an axis is too short", (c) => void firstCut(c)[AXES][2].pop(), /six directions/],
  ["an axis is not of length 1", (c) => void (firstCut(c)[AXES][2][0] += 0.1), /six directions/],
  ["an axis holds texts", (c) => void (firstCut(c)[AXES][0] = ["1", 0, 0, 0, 0, 0]), /six directions/],
  ["six axes are the same", (c) => {
    firstCut(c)[AXES] = SIX.map(() => firstCut(c)[AXES][AXIS]);
    withCuts(c).margin *= 3;
  }, /is not proved/],
  ["a part is called empty", setSplit([1, 0, 0, 0, 0, 0]), /hold no input without proof/],
  ["a part is called empty by texts", setSplit(["1", 0, 0, 0, 0, 0]), /hold no input without proof/],
  ["cuts are nested deeply", setSplit(nested(100_000)), /into more than 30000/],
  ["2 MB of cuts are given", setSplit(bushy(16)), /into more than|not proved/],
];

for (const [what, change, reason] of CHANGES) {
  Deno.test(`a certificate is refused where ${what}, its digest being right`, async () => {
    assertMatch(await reasonOf(await resealed(change)), reason);
  });
}

Deno.test("what is no certificate is refused", async () => {
  const others: unknown[] = [undefined, null, 1, "certificate", [], {}, () => 0, { format: "tiny-adder certificate" }];
  for (const other of others) assert(await reasonOf(other) !== "accepted");
  assertStringIncludes(await reasonOf({ ...JSON.parse(TEXT), version: 2 }), "certify the weights again");
  assertStringIncludes(await reasonOf({ ...JSON.parse(TEXT), worstMargin: 1 }), "digest");
});

Deno.test("weights out of range or not finite are refused", async () => {
  for (const value of [1001, -1e30, Infinity, NaN]) {
    const parameters = SHIPPED.parameters.slice();
    parameters[700] = value;
    const weights = await hashOfWeights(parameters);
    const certificate = await resealed((c) => c.weights = weights);
    assertStringIncludes(await reasonOf(certificate, { model: 763, parameters }), "not between -1000 and 1000");
  }
});

for (const name of ["accepted-but-wrong", "forged"]) {
  Deno.test(`the pair "${name}" is refused: its version, its range and its bounds`, async () => {
    const { parameters, model } = await readCheckpointFile(goldenPath(`${name}.safetensors`)) as Loose;
    const checkpoint = { model: Number(model) as 763, parameters };
    const old = JSON.parse(await Deno.readTextFile(goldenPath(`${name}.json`)));
    assertStringIncludes(await reasonOf(old, checkpoint), "certify the weights again");
    const weights = await hashOfWeights(parameters);
    assertStringIncludes(await reasonOf(await resealed((c) => c.weights = weights), checkpoint), "not between");
    // without that rule the bounds refuse it
    const numbers = readDecodingNumbers(763, parameters);
    if (numbers === null) return;
    const layers = new Layers(numbers);
    const written = new WasmAdder(763, parameters).decode(Float64Array.of(191000, 999000));
    const step = ALL_STEPS.find((step) => questionOf(191000, 999000, step + 1).tokens[22 + step] !== written[step]);
    assert(step !== undefined, "the sum is right");
    const question = questionOf(191000, 999000, step);
    for (const part of partsAround(groupOf(numbers, question), question, randomNumbers(1))) {
      assertEquals(layers.hold(part, 1e-30, true), false);
    }
  });
}

Deno.test("a hidden unit in GELU's tail with output weights of 1000 does not fool the bounds", async () => {
  const [a, b] = [191000, 999000];
  let wrong = 0;
  for (let unit = 0; unit < 14; unit++) {
    const parameters = SHIPPED.parameters.slice();
    for (let i = 0; i < 7; i++) parameters[665 + 14 * i + unit] = i % 2 === 0 ? 1000 : -1000;
    const numbers = readDecodingNumbers(763, parameters)!;
    const layers = new Layers(numbers);
    for (const step of ALL_STEPS) {
      const question = questionOf(a, b, step);
      if (marginOf(numbers, step, question.tokens, question.target) > 0) continue;
      wrong++;
      const [single] = partsAround(groupOf(numbers, question), question, randomNumbers(1));
      assertEquals(layers.hold(single, 1e-30, true), false);
    }
    const weights = await hashOfWeights(parameters);
    assertMatch(
      await reasonOf(await resealed((c) => c.weights = weights), { model: 763, parameters }),
      /is not proved/,
    );
  }
  assert(wrong > 20, `${wrong}`);
});

Deno.test("no part that holds an input counts as empty", () => {
  for (let i = 0; i < 36; i++) {
    const { model, parameters, name } = hostileWeights(i);
    const numbers = readDecodingNumbers(model, parameters);
    if (numbers === null) continue;
    const random = randomNumbers(i);
    const question = questionOf(...randomPair(random), ALL_STEPS[i % ALL_STEPS.length]);
    for (const part of partsAround(groupOf(numbers, question), question, random)) {
      const attention = new Attention(part);
      for (const size of [1e-3, 1, 1e3, 1e8]) {
        const w = Array.from({ length: 6 }, () => size * (random() - 0.5));
        for (const reach of [attention.boxed, attention.apart, attention.tied]) reach(w);
      }
      assertEquals(attention.isEmpty, false, name);
    }
  }
});
