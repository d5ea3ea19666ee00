/** Adding for people: on the shipped weights, and on any others, whose answers are theirs alone. */
import { assert, assertEquals, assertGreater, assertNotEquals, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { add, addMany } from "../../src/adder/add.ts";
import type { Adder, Pair } from "../../src/adder/adder.ts";
import { loadAdder } from "../../src/adder/load_adder.ts";
import { encodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { adderBoardCases, EDGE_CASES } from "../../src/evaluation/adderboard.ts";
import { tensorView, variantOf, WIDTH } from "../../src/model/variant.ts";
import { QUERIES, readSum } from "../../src/model/vocabulary.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { type GoldenSet, goldenSet, goldenSets } from "../golden.ts";

/** Rows on whose way two logits were closer than the error of float32 may differ. */
const DECIDED_MARGIN = 1e-4;

function goldenAdder({ model, weights }: GoldenSet): Adder {
  return loadAdder({ model, parameters: weights, metadata: {} });
}

/** The pairs of a golden set, and what PyTorch's greedy decoding says is their sum; null where it wrote no number. */
function goldenAnswers({ batches }: GoldenSet): { pair: readonly [a: number, b: number]; sum: number | null }[] {
  return batches.flatMap(({ operands, greedy }) => {
    if (greedy === undefined) return [];
    return greedy.minMargin.flatMap((margin, row) => {
      if (margin < DECIDED_MARGIN) return [];
      const sum = readSum(greedy.tokens, row * QUERIES);
      return [{ pair: [operands[2 * row], operands[2 * row + 1]] as const, sum: Number.isNaN(sum) ? null : sum }];
    });
  });
}

for (const golden of await goldenSets()) {
  Deno.test(`an adder on the untrained weights ${golden.name} gives PyTorch's greedy digits, not sums`, () => {
    const answers = goldenAnswers(golden);
    assertGreater(answers.length, 5);
    assert(answers.some(({ pair: [a, b], sum }) => sum !== a + b));
    const adder = goldenAdder(golden);
    assertEquals(adder.addMany(answers.map(({ pair }) => pair)), answers.map(({ sum }) => sum));
    for (const { pair: [a, b], sum } of answers.slice(0, 5)) assertEquals(adder.add(a, b), sum);
  });
}

Deno.test("exchanged weights give another answer to the same question", async () => {
  const [{ pair: [a, b], sum }] = goldenAnswers(await goldenSet("w0"));
  const [first, second, third] = await Promise.all(
    ["w0", "w3", "w1"].map(async (name) => goldenAdder(await goldenSet(name))),
  );
  assertEquals(first.add(a, b), sum);
  const other = second.add(a, b);
  assert(sum !== null && other !== null && other !== sum, `${sum}, then ${other}`);
  assertEquals(third.add(a, b), null);
});

/** Weights that say the same token everywhere: every position reads 1 in the first place, in which only that token stands out. */
function stubbornAdder(token: number): Adder {
  const parameters = new Float32Array(763);
  const positions = tensorView(parameters, variantOf(763), "pos_emb.weight");
  for (let i = 0; i < positions.length; i += WIDTH) positions[i] = 1;
  tensorView(parameters, variantOf(763), "tok_emb.weight")[token * WIDTH] = 2;
  return loadAdder({ model: 763, parameters, metadata: {} });
}

Deno.test("the answer is null where the model writes no number", () => {
  for (const token of [10, 11, 12, 13]) {
    assertEquals(stubbornAdder(token).add(1, 2), null);
    assertEquals(stubbornAdder(token).addMany([[1n, 2n], [3n, 4n]]), [null, null]);
  }
});

Deno.test("the answer is the number that the model writes, whatever was asked", () => {
  assertEquals(stubbornAdder(3).add(1, 2), 33333333333);
  assertEquals(stubbornAdder(9).addMany([{ a: 0n, b: 0n }]), [99999999999n]);
});

Deno.test("loadAdder() takes a checkpoint, its bytes and the path of its file", async () => {
  const golden = await goldenSet("w3");
  const { model, weights, files } = golden;
  const pairs = goldenAnswers(golden).map(({ pair }) => pair);
  const answers = goldenAdder(golden).addMany(pairs);
  const bytes = encodeCheckpoint({ model, parameters: weights, metadata: {} });
  assertEquals(loadAdder(bytes).addMany(pairs), answers);
  assertEquals(loadAdder(fromFileUrl(files.safetensors)).addMany(pairs), answers);
  assertThrows(() => loadAdder(bytes.subarray(0, 100)), Error, "Cannot read the checkpoint as");
  assertThrows(() => loadAdder("missing.safetensors"), Error, "Cannot read missing.safetensors: there is no such file");
});

Deno.test("an adder keeps its weights, whatever becomes of the array it was made from", async () => {
  const golden = await goldenSet("w3");
  const parameters = golden.weights.slice();
  const adder = loadAdder({ model: golden.model, parameters, metadata: {} });
  const [{ pair: [a, b] }] = goldenAnswers(golden);
  const before = adder.add(a, b);
  parameters.fill(0);
  assertEquals(adder.add(a, b), before);
  assertNotEquals(before, 0); // what weights of 0 would say
});

Deno.test("a checkpoint that is not one of the model is refused", () => {
  const wrong = { model: 763 as const, parameters: new Float32Array(762), metadata: {} };
  assertThrows(() => loadAdder(wrong), RangeError, "needs 763 numbers in the parameters: current length is 762");
});

Deno.test("addMany() of no pairs is no sums", () => {
  assertEquals(stubbornAdder(1).addMany([]), []);
});

Deno.test("addMany() takes tuples and objects, numbers and bigints, side by side", () => {
  const pairs: Pair<number | bigint>[] = [[1, 2], { a: 3n, b: 4n }, { a: 5, b: 6 }, [7n, 8n]];
  assertEquals(stubbornAdder(1).addMany(pairs), [11111111111, 11111111111n, 11111111111, 11111111111n]);
});

const WRONG: readonly [a: unknown, b: unknown, type: typeof TypeError | typeof RangeError, message: string][] = [
  [-1, 5, RangeError, "Cannot add -1 and 5 as a must be a whole number from 0 to 9999999999: current value is -1"],
  [5, 10_000_000_000, RangeError, "as b must be a whole number from 0 to 9999999999: current value is 10000000000"],
  [5n, 10_000_000_000n, RangeError, "Cannot add 5n and 10000000000n as b must be"],
  [-1n, 5n, RangeError, "as a must be a whole number from 0 to 9999999999: current value is -1n"],
  [1.5, 2, RangeError, "current value is 1.5"],
  [NaN, 2, RangeError, "current value is NaN"],
  [2, Infinity, RangeError, "current value is Infinity"],
  ["42", 7, TypeError, 'Cannot add "42" and 7 as a must be a number or a bigint: current value is "42"'],
  [42, undefined, TypeError, "as b must be a number or a bigint: current value is undefined"],
  [null, 7, TypeError, "current value is null"],
  [
    42,
    7n,
    TypeError,
    "Cannot add 42 and 7n as both must be numbers or both bigints: current types are number and bigint",
  ],
];

for (const [a, b, type, message] of WRONG) {
  const [first, second] = [a, b].map((value) => Deno.inspect(value));
  Deno.test(`adding ${first} and ${second} is a ${type.name} that says why`, () => {
    const adder = stubbornAdder(1);
    assertThrows(() => adder.add(a as number, b as number), type, message);
    assertThrows(() => adder.addMany([[1, 2], [a as number, b as number]]), type, message);
    assertEquals(adder.add(1, 2), 11111111111);
  });
}

Deno.test("-0 is 0", async () => {
  const adder = goldenAdder(await goldenSet("w3"));
  assertEquals(adder.add(-0, -0), adder.add(0, 0));
});

Deno.test("the shipped weights are a checkpoint of 763 finite numbers that says how it was trained", () => {
  const { model, parameters, metadata } = shippedCheckpoint();
  assertEquals([model, parameters.length], [763, 763]);
  assert(parameters.every(Number.isFinite));
  assertEquals(metadata.recipe, "sure");
});

Deno.test("add() on the shipped weights adds: a number for numbers, a bigint for bigints", () => {
  assertEquals(add(42, 7), 49);
  assertEquals(add(42n, 7n), 49n);
});

Deno.test("add() on the shipped weights is right at the edges", () => {
  for (const [a, b] of EDGE_CASES) assertEquals(add(a, b), a + b, `${a} + ${b}`);
  for (let digits = 1; digits <= 10; digits++) {
    const nines = 10 ** digits - 1;
    for (const [a, b] of [[nines, 1], [1, nines], [nines, nines], [nines, 0], [10 ** (digits - 1), nines]]) {
      assertEquals(add(a, b), a + b, `${a} + ${b}`);
    }
  }
});

Deno.test("addMany() on the shipped weights is right on all AdderBoard cases", () => {
  const operands = adderBoardCases();
  const pairs = Array.from({ length: operands.length / 2 }, (_, i) => [operands[2 * i], operands[2 * i + 1]] as const);
  const wrong = addMany(pairs).flatMap((sum, i) => sum === pairs[i][0] + pairs[i][1] ? [] : [[...pairs[i], sum]]);
  assertEquals(wrong, []);
  assertEquals(pairs.length, 10_010);
});

Deno.test("add() checks its operands", () => {
  assertThrows(() => add(-1, 5), RangeError, "Cannot add -1 and 5 as a must be");
  assertThrows(() => addMany([[1n, 10_000_000_000n]]), RangeError, "current value is 10000000000n");
  assertEquals(addMany([]), []);
});

Deno.test("adding needs no permission", async () => {
  const module = new URL("../../mod.ts", import.meta.url).href;
  const code = `import { add } from ${JSON.stringify(module)}; console.log(add(42, 7), add(42n, 7n));`;
  const { stdout, stderr, code: exit } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--no-check", `data:text/typescript,${encodeURIComponent(code)}`],
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  assertEquals([text(stdout), exit], ["49 49n\n", 0], text(stderr));
});
