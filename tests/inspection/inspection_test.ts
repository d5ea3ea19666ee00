import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { createEngine } from "../../src/engine/mod.ts";
import { POSITION_NAMES, TOKEN_NAMES } from "../../src/inspection/names.ts";
import { inspectSum, sumSvg, sumText } from "../../src/inspection/sum.ts";
import { surveyModel, surveySvg, surveyText } from "../../src/inspection/survey.ts";
import { drawOperands } from "../../src/model/sampler.ts";
import { TOKENS } from "../../src/model/variant.ts";
import { POSITIONS_READ, promptTokens, targetTokens } from "../../src/model/vocabulary.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { goldenSet } from "../golden.ts";
import { outputOf, testIn } from "../runtimes/program.ts";

const plain = (text: string) => text;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

Deno.test("inspectSum() tells what an engine's logits tell", async () => {
  const { model, parameters } = shippedCheckpoint();
  const engine = await createEngine({ backend: "reference", model });
  engine.setParameters(parameters);
  for (const [a, b] of [[42, 7], [9999999999, 1], [1234567890, 987654321]]) {
    const inspection = inspectSum(shippedCheckpoint(), a, b);
    assertEquals([inspection.sum, inspection.steps.length], [a + b, 12]);
    assertEquals(inspection.tokens, [...promptTokens(a, b), ...targetTokens(a, b)].slice(0, POSITIONS_READ));
    // the digits are right, so the sequence is the one with which logits() is taught
    const logits = await engine.logits([{ a, b }]);
    for (const { step, token, margin, probability, probabilities, attention } of inspection.steps) {
      const row = [...logits.subarray(TOKENS * step, TOKENS * (step + 1))];
      const others = row.filter((_, other) => other !== token);
      assertAlmostEquals(margin, row[token] - Math.max(...others), 1e-3);
      assertAlmostEquals(probability, 1 / sum(row.map((logit) => Math.exp(logit - row[token]))), 1e-6);
      assertEquals(probabilities[token], probability);
      assertAlmostEquals(sum(probabilities), 1, 1e-12);
      assertEquals(attention.length, 22 + step);
      assertAlmostEquals(sum(attention), 1, 1e-12);
    }
  }
});

Deno.test("inspectSum() shows what wrong weights write, whatever it is", async () => {
  const engine = await createEngine({ backend: "reference" });
  const { weights, model } = await goldenSet("w1");
  engine.setParameters(weights);
  const { tokens, steps } = inspectSum({ model, parameters: weights }, 12, 34);
  assertEquals(steps.map(({ token }) => token), [...await engine.decode([{ a: 12, b: 34 }])]);
  assertEquals(tokens.slice(22), steps.slice(0, 11).map(({ token }) => token));
  for (const { margin } of steps) assert(margin >= 0); // the best token is the one that is written
});

Deno.test("surveyModel() is the mean of what single sums show", async () => {
  const checkpoint = shippedCheckpoint();
  const survey = await surveyModel(checkpoint, 20);
  const { steps, tokenEmbedding, positionEmbedding, digitCosines } = survey;
  assertEquals([tokenEmbedding.length, positionEmbedding.length], [14, 35]);
  assertEquals([...tokenEmbedding, ...positionEmbedding].flat(), [...checkpoint.parameters.subarray(0, 49 * 7)]);
  for (const { step, attention, smallestMargin } of steps) {
    assertEquals(attention.length, 22 + step);
    assertAlmostEquals(sum(attention), 1, 1e-9);
    assert(smallestMargin > 8.76, "the proof says that no margin is smaller");
  }
  for (let digit = 0; digit < 10; digit++) assertAlmostEquals(digitCosines[digit][digit], 1, 1e-12);
  // a page can respond in between, which changes nothing
  let pauses = 0;
  assertEquals(await surveyModel(checkpoint, 20, () => Promise.resolve(void pauses++)), survey);
  assert(pauses >= 3, `${pauses} pauses`);
  // one sum alone is its own mean
  const [a, b] = drawOperands({ seed: 1, stream: "evaluation", count: 1 });
  const alone = inspectSum(checkpoint, a, b).steps;
  assertEquals(
    (await surveyModel(checkpoint, 1)).steps.map(({ attention, smallestMargin }) => [attention, smallestMargin]),
    alone.map(({ attention, margin }) => [attention, margin]),
  );
});

Deno.test("positions and tokens have names", () => {
  const named = [0, 9, 10, 11, 20, 21, 22, 32].map((position) => POSITION_NAMES[position]);
  assertEquals([POSITION_NAMES.length, ...named], [33, "a9", "a0", "+", "b9", "b0", "=", "s0", "s10"]);
  assertEquals([0, 9, 10, 11, 12, 13].map((token) => TOKEN_NAMES[token]), ["0", "9", "+", "=", "pad", "end"]);
});

Deno.test("texts have at most 80 columns, also of weights that write anything", async () => {
  const { weights, model } = await goldenSet("w1");
  for (const checkpoint of [shippedCheckpoint(), { model, parameters: weights, metadata: {} }]) {
    const texts = [
      sumText(inspectSum(checkpoint, 9999999999, 9999999999), plain),
      surveyText(await surveyModel(checkpoint, 5)),
    ];
    for (const line of texts.join("\n").split("\n")) assert(line.length <= 80, line);
  }
});

testIn("python", "SVGs are well-formed XML, with a cell for each number", async () => {
  const script = "import sys, xml.etree.ElementTree as t; r = t.fromstring(sys.argv[1]); " +
    "print(r.tag, len(r.findall('{http://www.w3.org/2000/svg}rect')))";
  const count = async (svg: string) => (await outputOf("python", ["-c", script, svg])).trim();
  const attention = 12 * 22 + 66; // step i sees i positions of the sum
  const svg = sumSvg(inspectSum(shippedCheckpoint(), 42, 7));
  assertEquals(await count(svg), `{http://www.w3.org/2000/svg}svg ${1 + attention}`);
  const survey = surveySvg(await surveyModel(shippedCheckpoint(), 5));
  assertEquals(await count(survey), `{http://www.w3.org/2000/svg}svg ${1 + attention + 14 * 7 + 35 * 7}`);
});
