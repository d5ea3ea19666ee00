/** What the checker refuses: every file that claims more than its bounds prove, with a reason in plain words. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { certify } from "../../src/certify/certify.ts";
import { hashOfWeights, sealCertificate } from "../../src/certify/certificate.ts";
import type { Certificate } from "../../src/certify/types.ts";
import { readCheckpointFile } from "../../src/checkpoint/safetensors/checkpoint.ts";
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
  assert(parts < 210_000);
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

/** The last step with cuts, how its first part is cut, and the first cut there. */
const withCuts = (c: Loose) => c.steps.findLast(({ cuts }: Loose) => Object.keys(cuts).length > 0);
const [AXES, CUTS, HINTS] = [0, 1, 2];
const firstCut = (c: Loose) => (Object.values(withCuts(c).cuts) as Loose[]).find((part) => part[CUTS].length > 0);
const SIX = ALL_STEPS.slice(0, 6);
const [, AXIS, AT] = firstCut(PROOF)[CUTS][0];
const setCuts = (...cuts: unknown[]) => (c: Loose) => void (firstCut(c)[CUTS] = cuts);
const setHints = (hint: unknown) => (c: Loose) => {
  for (const part of Object.values(withCuts(c).cuts) as Loose[]) {
    for (let cell = 0; cell <= part[CUTS].length; cell++) part[HINTS][cell] = hint;
  }
  withCuts(c).margin *= 3;
};

const CHANGES: readonly [what: string, change: (certificate: Loose) => void, reason: RegExp][] = [
  ["a step is left out", ({ steps }) => void steps.pop(), /a step is left out/],
  ["steps change places", ({ steps }) => void steps.reverse(), /promises too little/],
  [
    "a margin is larger than the truth",
    ({ steps }) => void (steps[11].margin = 80),
    /group \d+ \d+ of step 11 is not proved/,
  ],
  [
    "a margin is larger than the bounds",
    ({ steps }) => void (steps[9].margin *= 1.2),
    /group \d+ \d+ of step 9 is not proved/,
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
  ["cuts are null", ({ steps }) => void (steps[11].cuts = null), /step \d+ has not the form/],
  ["a part's cuts are a number", (c) => void (withCuts(c).cuts["0 0"] = 1), /step \d+ has not the form/],
  ["cuts are a text", (c) => void (firstCut(c)[CUTS] = "cuts"), /cuts a cell that is none/],
  ["a cut is null", setCuts(null), /step \d+ has not the form/],
  ["a cut is empty", setCuts([]), /a cell that is none/],
  ["a cut is at a text", setCuts([0, AXIS, `${AT}`]), /outside of it/],
  ["a cut is at null", setCuts([0, AXIS, null]), /outside of it/],
  ["a cell is cut outside", setCuts([0, AXIS, 1000]), /outside of it/],
  ["a cell is cut below", setCuts([0, AXIS, -1000]), /outside of it/],
  ["a second cut is beyond the first", setCuts([0, AXIS, AT], [0, AXIS, AT + 1e-6]), /outside of it/],
  ["a second cut is before the first", setCuts([0, AXIS, AT], [1, AXIS, AT - 1e-6]), /outside of it/],
  ["a cut is along no axis", setCuts([0, 6, AT]), /along no axis/],
  ["a cut is before the axes", setCuts([0, -1, AT]), /along no axis/],
  ["a cut is between axes", setCuts([0, 0.5, AT]), /along no axis/],
  ["a cut is of a cell to come", setCuts([1, AXIS, AT]), /a cell that is none/],
  ["a cut is of a cell before all", setCuts([-1, AXIS, AT]), /a cell that is none/],
  ["a cut is of no cell", setCuts(["length", AXIS, AT]), /a cell that is none/],
  ["there are no axes", (c) => void (firstCut(c)[AXES] = []), /six perpendicular directions/],
  ["an axis is too short", (c) => void firstCut(c)[AXES][2].pop(), /six perpendicular directions/],
  ["an axis is a text", (c) => void (firstCut(c)[AXES][2] = "012345"), /six perpendicular directions/],
  ["an axis is too long", (c) => void (firstCut(c)[AXES][2][0] = 1.1), /six perpendicular directions/],
  ["an axis holds texts", (c) => void (firstCut(c)[AXES][0] = ["1", 0, 0, 0, 0, 0]), /six perpendicular directions/],
  ["an axis holds null", (c) => void (firstCut(c)[AXES][0] = [null, 0, 0, 0, 0, 0]), /six perpendicular directions/],
  [
    "six axes are the same",
    (c) => void (firstCut(c)[AXES] = SIX.map(() => firstCut(c)[AXES][AXIS])),
    /six perpendicular directions/,
  ],
  ["the axes are 0", (c) => void (firstCut(c)[AXES] = SIX.map(() => SIX.map(() => 0))), /six perpendicular directions/],
  ["an axis is turned a little", (c) => void (firstCut(c)[AXES][2][0] += 1e-9), /six perpendicular directions/],
  ["hints are missing", (c) => void firstCut(c).pop(), /step \d+ has not the form/],
  ["a hint is null", (c) => void (firstCut(c)[HINTS][0] = null), /step \d+ has not the form/],
  ["cells are called empty", setHints([1, 0, 0, 0, 0, 0]), /is not proved/],
  ["cells are called empty by no direction", setHints([0, 0, 0, 0, 0, 0]), /is not proved/],
  ["cells are called empty by texts", setHints("012345"), /step \d+ has not the form/],
  ["cells are called empty by large numbers", setHints([1e308, -1e308, 1e308, 1e308, 0, 0]), /is not proved/],
  ["cells are called empty by nothing", setHints([]), /step \d+ has not the form/],
];

for (const [what, change, reason] of CHANGES) {
  Deno.test(`a certificate is refused where ${what}, its digest being right`, async () => {
    assertMatch(await reasonOf(await resealed(change)), reason);
  });
}

Deno.test("a certificate that takes more work than is allowed is refused, however the work is divided", async () => {
  const manyCuts = await resealed((c) => {
    const part = firstCut(c);
    const [, axis, at] = part[CUTS].at(-1);
    const last = part[CUTS].length; // the cell from there on
    for (let i = 0; i < 20_000; i++) part[CUTS].push([last, axis, at]);
  });
  for (const certificate of [JSON.parse(TEXT), manyCuts]) {
    const { accepted, reason, parts } = await checkCertificate(certificate, SHIPPED, 5000);
    assertEquals([accepted, reason], [false, "it takes too long to check"]);
    assert(parts > 10 && parts < 1000, `${parts} parts`);
  }
});

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
    assertEquals(numbers === null, name === "forged", "whether the module gives up its tables");
    if (numbers === null) return;
    const layers = new Layers(numbers);
    const written = new WasmAdder(763, parameters).decode(Float64Array.of(191000, 999000));
    const step = ALL_STEPS.find((step) => questionOf(191000, 999000, step + 1).tokens[22 + step] !== written[step]);
    assert(step !== undefined, "the sum is right");
    const question = questionOf(191000, 999000, step);
    for (const part of partsAround(groupOf(numbers, question), question, randomNumbers(1))) {
      assertEquals(layers.hold(part, 1e-30), false);
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
      assertEquals(layers.hold(single, 1e-30), false);
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
        attention.least(w);
        attention.least(w.map((value) => -value));
      }
      assertEquals(attention.isEmpty, false, name);
    }
  }
});
