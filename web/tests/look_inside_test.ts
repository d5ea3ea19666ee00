/** What the page shows of a model is what the engines compute. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { createEngine } from "../../src/engine/mod.ts";
import { referenceModel } from "../../src/inspection/reference_model.ts";
import { inspectSum } from "../../src/inspection/sum.ts";
import { EQUALS, FIRST_QUERY, POSITIONS_READ, targetTokens } from "../../src/model/vocabulary.ts";
import { shippedParameters } from "../../src/adder/adder.ts";
import { dot } from "../../src/engine/reference/linear.ts";
import { digitEmbeddings } from "../../src/inspection/embeddings.ts";
import { moments, type Plane } from "../../src/inspection/plane.ts";
import { Curve } from "../curve.ts";
import { percent, powerOfTen, short } from "../format.ts";
import { attentionScores, canOccur, carrySentence, measureStep, planeFor, planeOf } from "../look_inside.ts";
import { phasesOf } from "../phases.ts";

const SHIPPED = { model: 763, parameters: shippedParameters() } as const;
const PAIRS: [number, number][] = [[42, 7], [0, 0], [9999999999, 9999999999], [1234567890, 9876543210]];

/** Weights of many kinds: right ones, and ones that write nonsense. */
async function models(): Promise<[name: string, model: 763 | 777, parameters: Float32Array][]> {
  const untrained = await createEngine({ model: 777 });
  untrained.initialize(3);
  const parameters = untrained.parameters();
  await untrained.dispose();
  return [["shipped", 763, shippedParameters()], ["untrained", 777, parameters]];
}

Deno.test("a sum digit by digit is what the engine decodes, with its probabilities", async () => {
  for (const [name, model, parameters] of await models()) {
    const engine = await createEngine({ model });
    engine.setParameters(parameters);
    for (const [a, b] of PAIRS) {
      const trace = inspectSum({ model, parameters }, a, b);
      const written = trace.steps.map(({ token }) => token);
      assertEquals(written, [...await engine.decode([{ a, b }])], `${name}: ${a} + ${b}`);
      for (const [i, { token, probabilities, attention }] of trace.steps.entries()) {
        assertEquals([probabilities.length, attention.length], [14, FIRST_QUERY + 1 + i]);
        assertAlmostEquals(probabilities.reduce((x, y) => x + y), 1, 1e-12);
        assertAlmostEquals(attention.reduce((x, y) => x + y), 1, 1e-12);
        assert(probabilities.every((share) => share <= probabilities[token]));
      }
      if (name !== "shipped") continue;
      assertEquals(trace.sum, a + b);
      // the right answer is written, so the teacher-forced logits are those of decoding
      const logits = await engine.logits([{ a, b }]);
      for (const [i, { probabilities }] of trace.steps.entries()) {
        const row = logits.subarray(14 * i, 14 * i + 14);
        const sum = row.reduce((total, logit) => total + Math.exp(logit - row[targetTokens(a, b)[i]]), 0);
        assertAlmostEquals(probabilities[targetTokens(a, b)[i]], 1 / sum, 1e-4);
      }
    }
    await engine.dispose();
  }
});

Deno.test("the softmax of the attention table is the attention of each sum", async () => {
  for (const [name, model, parameters] of await models()) {
    const reference = referenceModel({ model, parameters });
    for (const [a, b] of PAIRS) {
      const { tokens, steps } = inspectSum({ model, parameters }, a, b);
      for (const [step, { attention }] of steps.entries()) {
        const query = FIRST_QUERY + step;
        const written = tokens.slice(0, query + 1);
        if (written.some((token, position) => position > FIRST_QUERY && token > 9)) continue; // nonsense, of which there is no table
        const table = attentionScores(reference, step, written[query]);
        const scores = written.map((token, position) => table[token][position]);
        const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
        for (const [position, score] of scores.entries()) {
          assertAlmostEquals(Math.exp(score) / total, attention[position], 1e-12, `${name}, ${a} + ${b}, step ${step}`);
        }
      }
    }
  }
});

Deno.test("the attention table has a number for each token where it can stand, and for nothing else", () => {
  const reference = referenceModel(SHIPPED);
  for (const [step, last] of [[0, EQUALS], [4, 7], [11, 1]]) {
    const table = attentionScores(reference, step, last);
    for (const [i, score] of table.flatMap((row) => [...row]).entries()) {
      const [token, position] = [Math.floor(i / POSITIONS_READ), i % POSITIONS_READ];
      const query = FIRST_QUERY + step;
      const isThere = position < query ? canOccur(token, position) : position === query && token === last;
      assertEquals(!Number.isNaN(score), isThere, `step ${step}, token ${token} at ${position}`);
    }
  }
});

Deno.test("in their plane the digits lie on an arc in their order", () => {
  const [x, y] = planeFor(SHIPPED);
  for (const [value, expected] of [[dot(x, x), 1], [dot(y, y), 1], [dot(x, y), 0]]) {
    assertAlmostEquals(value, expected, 1e-9);
  }
  const points = digitEmbeddings(SHIPPED).map((embedding) => [dot(embedding, x), dot(embedding, y)]);
  // from each digit to the next the arc turns the same way
  const turns = points.slice(2).map(([x2, y2], i) => {
    const [[x0, y0], [x1, y1]] = [points[i], points[i + 1]];
    return Math.sign((x1 - x0) * (y2 - y1) - (y1 - y0) * (x2 - x1));
  });
  assertEquals(new Set(turns).size, 1, String(turns));
});

Deno.test("planeOf() finds the plane of the largest variance, and turns axes no further than it must", () => {
  const vectors = [[3, 0, 0], [0, 2, 0], [0, 0, 1]].map((row) => Float64Array.from(row));
  const turned = (angle: number): Plane => [
    Float64Array.of(Math.cos(angle), Math.sin(angle), 0),
    Float64Array.of(-Math.sin(angle), Math.cos(angle), 0),
  ];
  for (const angle of [0, 0.3, 1.5, 3]) {
    const [earlier, plane] = [turned(angle), planeOf(moments(vectors), turned(angle))];
    for (const [i, axis] of plane.entries()) {
      for (const [k, value] of axis.entries()) assertAlmostEquals(value, earlier[i][k], 1e-6, `${angle}, axis ${i}`);
    }
  }
  // a mirrored plane stays mirrored, and one that lies elsewhere moves into it
  const [x, y] = planeOf(moments(vectors), [Float64Array.of(0, 1, 0), Float64Array.of(1, 0, 0.2)]);
  assertAlmostEquals(x[1], 1, 1e-6);
  assertAlmostEquals(y[0], 1, 1e-6);
});

Deno.test("a step of the shipped model reads a decimal number, and its last digit decides the carry", () => {
  const reference = referenceModel(SHIPPED);
  const plane = planeFor(SHIPPED);
  const trace = inspectSum(SHIPPED, 3728, 5917);
  const at = (step: number) => measureStep(reference, trace, step, plane);
  // 2 + 1 tens and 0.11 of 8 + 7, which carries
  const tens = at(1);
  assertEquals(tens.reads.slice(0, 2).map(({ digit }) => digit).sort(), [1, 2]);
  assertAlmostEquals(tens.total, 2 + 1 + 0.11 * (8 + 7), 0.15);
  // the staircase of docs/how-it-adds.md, also after digits that no sum has there
  const carry = (last: number) => Math.round((8 + 7 - last) / 10 + 0.05);
  assertEquals(tens.afterEach, Array.from({ length: 10 }, (_, last) => 2 + 1 + carry(last)));
  assert(carrySentence(trace, 1).includes("8 + 7 = 15, and 5 was written there: 15 − 5 = 10, ten is missing"));
  assert(carrySentence(trace, 2).includes("2 + 1 = 3, and 4 was written there: 3 − 4 = -1, nothing is missing"));
  assertEquals(at(0).afterEach, []);
  for (let step = 0; step < 11; step++) {
    const { pointer, inPlane, reads } = at(step);
    assert(inPlane > 0 && inPlane <= 1 && pointer.every(Number.isFinite), `step ${step}`);
    assert(reads.every(({ position }) => position !== 10 && position < FIRST_QUERY));
  }
});

Deno.test("phasesOf() names each stage and each change of the numbers' length", () => {
  assertEquals(phasesOf({ recipe: "sure", model: 763 }), [
    { from: 0, to: 500, stage: "explore", digits: "1–3" },
    { from: 500, to: 1500, stage: "explore", digits: "1–6" },
    { from: 1500, to: 5000, stage: "explore", digits: "1–10" },
    { from: 5000, to: 13000, stage: "anneal", digits: "8–10" },
  ]);
});

Deno.test("a curve keeps the mean, and no more points than a logarithmic axis has room for", () => {
  const curve = new Curve();
  for (let step = 1; step <= 400_000; step++) curve.add(step, step % 2);
  assert(curve.steps.length > 300 && curve.steps.length < 900, `points ${curve.steps.length}`);
  assertEquals([curve.steps[0], curve.values[0], curve.steps.at(-1)], [1, 1, 400_000]);
  assertAlmostEquals(curve.values.at(-2)!, 0.5, 0.01);
  for (const [i, step] of curve.steps.slice(1).entries()) assert(step > curve.steps[i]);
});

Deno.test("shares are never rounded to certainty", () => {
  assertEquals([0, 1, 0.5, 0.99999, 0.000001, 1 - 1e-9].map(percent), [
    "0%",
    "100%",
    "50.0%",
    "99.999%",
    "0.0001%",
    "> 99.9999%",
  ]);
  assertEquals([0.01234, 12.345, 0.00001].map(short), ["0.0123", "12.3", "1.0e-5"]);
  assertEquals([0, 4, 10, -5].map(powerOfTen), ["10⁰", "10⁴", "10¹⁰", "10⁻⁵"]);
});
