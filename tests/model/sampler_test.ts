import { assert, assertEquals, assertThrows } from "@std/assert";
import type { SampleRequest } from "../../src/engine/interface/types.ts";
import { drawOperands } from "../../src/model/sampler.ts";

const OPERAND_DIGITS = 10;
const COUNT = 20_000;

// From a second implementation, in Python with its own big integers. A change here changes every training run.
const FIXED: readonly [request: SampleRequest, operands: number[]][] = [
  [
    { seed: 1, stream: "training", count: 6, minDigits: 1, maxDigits: 10 },
    [8, 1, 6574478176, 6216656065, 42, 12, 341630757, 8230048835, 742, 233, 2061, 5006],
  ],
  [
    { seed: 7, stream: "evaluation", count: 4 },
    [3709869853, 6139090466, 311831079, 2992687572, 5693045357, 8656378901, 7593312744, 2049949980],
  ],
  [
    { seed: 4294967295, stream: "training", attempt: 3, sample: 123456, count: 6, minDigits: 1, maxDigits: 3 },
    [806, 990, 6, 7, 3, 1, 30, 69, 534, 736, 158, 360],
  ],
];

for (const [request, expected] of FIXED) {
  Deno.test(`drawOperands() gives the fixed problems of seed ${request.seed}`, () => {
    assertEquals([...drawOperands(request)], expected);
  });
}

Deno.test("drawOperands() gives each example whatever the number of examples", () => {
  const request: SampleRequest = { seed: 5, stream: "training", sample: 2, count: 9, minDigits: 1, maxDigits: 10 };
  const all = drawOperands(request);
  assertEquals(drawOperands({ ...request, count: 4 }), all.slice(0, 8));
  assertEquals(drawOperands({ ...request, count: 0 }), new Float64Array(0));
});

Deno.test("drawOperands() gives other problems for every other seed, stream, attempt and sample", () => {
  const request: SampleRequest = { seed: 5, stream: "training", attempt: 0, sample: 0, count: 100 };
  const requests: SampleRequest[] = [
    request,
    { ...request, seed: 6 },
    { ...request, stream: "evaluation" },
    { ...request, attempt: 1 },
    { ...request, sample: 1 },
  ];
  const operands = requests.flatMap((other) => [...drawOperands(other)]);
  assertEquals(new Set(operands).size, operands.length);
});

/** Pearson's statistic: the sum of (observed - expected)^2 / expected. */
function chiSquare(observed: readonly number[], expected: (bucket: number) => number): number {
  return observed.reduce((sum, count, bucket) => sum + (count - expected(bucket)) ** 2 / expected(bucket), 0);
}

function tally(buckets: number, values: Iterable<number>): number[] {
  const counts = Array<number>(buckets).fill(0);
  for (const value of values) counts[value]++;
  return counts;
}

function digitAt(value: number, position: number): number {
  return Math.floor(value / 10 ** position) % 10;
}

Deno.test("drawOperands() draws every digit of full-length operands uniformly", () => {
  const operands = drawOperands({ seed: 11, stream: "evaluation", count: COUNT });
  for (const operand of [0, 1]) {
    for (let position = 0; position < OPERAND_DIGITS; position++) {
      const digits = operands.filter((_, i) => i % 2 === operand).map((value) => digitAt(value, position));
      const statistic = chiSquare(tally(10, digits), () => COUNT / 10);
      assert(statistic < 33.7, `operand ${operand}, position ${position}: ${statistic}`); // 9 degrees of freedom, p = 1e-4
    }
  }
});

Deno.test("drawOperands() draws the digits of a position, and neighbouring positions, independently", () => {
  const operands = drawOperands({ seed: 12, stream: "evaluation", count: COUNT });
  const pairs = (second: (i: number, position: number) => number, position: number) =>
    Array.from({ length: COUNT }, (_, i) => 10 * digitAt(operands[2 * i], position) + second(i, position));
  for (let position = 0; position + 1 < OPERAND_DIGITS; position++) {
    const across = pairs((i) => digitAt(operands[2 * i + 1], position), position);
    const along = pairs((i) => digitAt(operands[2 * i], position + 1), position);
    for (const both of [across, along]) {
      const statistic = chiSquare(tally(100, both), () => COUNT / 100);
      assert(statistic < 160.1, `position ${position}: ${statistic}`); // 99 degrees of freedom, p = 1e-4
    }
  }
});

Deno.test("drawOperands() draws every length equally often, and below it uniformly", () => {
  const operands = drawOperands({ seed: 13, stream: "training", count: COUNT, minDigits: 1, maxDigits: 10 });
  // The digits of the longer operand: with length n both are below 10^k with probability 10^(2 (k - n)) for k < n.
  const below = (k: number) => {
    let sum = 0;
    for (let n = 1; n <= 10; n++) sum += Math.min(1, 10 ** (2 * (k - n))) / 10;
    return k === 0 ? 0 : sum;
  };
  const digits = Array.from(
    { length: COUNT },
    (_, i) => String(Math.max(operands[2 * i], operands[2 * i + 1])).length - 1,
  );
  const statistic = chiSquare(tally(10, digits), (bucket) => COUNT * (below(bucket + 1) - below(bucket)));
  assert(statistic < 33.7, `${statistic}`); // 9 degrees of freedom, p = 1e-4
});

for (const [minDigits, maxDigits] of [[1, 1], [1, 3], [4, 4], [8, 10], [10, 10]]) {
  Deno.test(`drawOperands() keeps to ${minDigits} to ${maxDigits} digits`, () => {
    const operands = drawOperands({ seed: 14, stream: "training", count: 2000, minDigits, maxDigits });
    assert(operands.every((value) => Number.isInteger(value) && value >= 0 && value < 10 ** maxDigits));
    assert(operands.some((value) => value >= 10 ** (maxDigits - 1)));
    const shortest = Math.min(...operands.map((value) => String(value).length));
    assert(shortest >= minDigits - 4, `an operand of ${shortest} digits in 4000`); // leading zeros, each one in ten
  });
}

Deno.test("drawOperands() says what is wrong with a request", () => {
  const request: SampleRequest = { seed: 1, stream: "training", count: 1 };
  const wrong: readonly [Partial<SampleRequest>, string][] = [
    [{ seed: -1 }, "Cannot draw problems as seed must be a whole number from 0 to 4294967295: current value is -1"],
    [{ attempt: 0.5 }, "as attempt must be a whole number from 0 to 4294967295: current value is 0.5"],
    [{ sample: 2 ** 32 }, "as sample must be a whole number from 0 to 4294967295: current value is 4294967296"],
    [{ count: -4 }, "as count must be a whole number from 0 to 134217728: current value is -4"],
    [{ minDigits: 0 }, "as minDigits must be a whole number from 1 to 10: current value is 0"],
    [{ maxDigits: 11 }, "as maxDigits must be a whole number from 1 to 10: current value is 11"],
    [{ minDigits: 4, maxDigits: 3 }, "as minDigits must be at most maxDigits, which is 3: current value is 4"],
  ];
  for (const [part, message] of wrong) assertThrows(() => drawOperands({ ...request, ...part }), RangeError, message);
});
