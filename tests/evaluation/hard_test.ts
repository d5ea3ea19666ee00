import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { hardCases } from "../../src/evaluation/hard.ts";
import { packOperands } from "../../src/model/problem.ts";
import { MAX_OPERAND } from "../../src/model/vocabulary.ts";

/** Pairs of the fixed list; all that follow are drawn. */
const FIXED = 554;

function pairs(operands: Float64Array): [a: number, b: number][] {
  return Array.from({ length: operands.length / 2 }, (_, i) => [operands[2 * i], operands[2 * i + 1]]);
}

/** The sums of the digits at each place, ones first. */
function digitSums([a, b]: [number, number]): number[] {
  const digits = (value: number) => Array.from(String(value).padStart(10, "0"), Number).reverse();
  return digits(a).map((digit, place) => digit + digits(b)[place]);
}

/** The runs of places that sum to 9, and whether a carry comes into them. */
function runs(sums: number[]): { start: number; length: number; carryIn: boolean }[] {
  const found = [];
  let carry = false;
  for (let place = 0; place < 10; place++) {
    if (sums[place] === 9) {
      let length = 1;
      while (sums[place + length] === 9) length++;
      found.push({ start: place, length, carryIn: carry });
      place += length - 1;
    } else {
      carry = sums[place] + Number(carry) > 9;
    }
  }
  return found;
}

Deno.test("hardCases() gives as many operands as asked for, all in range, the same ones for the same seed", () => {
  for (const count of [0, 1, 10, FIXED, FIXED + 1, 1000]) {
    const operands = hardCases({ count, seed: 1 });
    assertEquals(operands.length, 2 * count);
    packOperands(operands); // throws where an operand is out of range
    assertEquals(operands, hardCases({ count, seed: 1 }));
    assertEquals(operands, hardCases({ count: 2000, seed: 1 }).slice(0, 2 * count));
  }
});

Deno.test("hardCases() has one fixed list for all seeds, without a pair twice, and its own chains for each", () => {
  const [one, two] = [1, 2].map((seed) => pairs(hardCases({ count: 2000, seed })));
  assertEquals(one.slice(0, FIXED), two.slice(0, FIXED));
  for (let i = FIXED; i < 2000; i++) assertNotEquals(one[i], two[i]);
  const distinct = (list: [number, number][]) => new Set(list.map(String)).size;
  assertEquals(distinct(one.slice(0, FIXED)), FIXED);
  assertEquals(distinct(one), 2000);
});

Deno.test("hardCases() holds the classic traps", () => {
  const fixed = new Set(pairs(hardCases({ count: FIXED, seed: 1 })).map(String));
  const traps = [[0, 0], [MAX_OPERAND, MAX_OPERAND], [MAX_OPERAND, 1], [1, MAX_OPERAND], [5e9, 5e9], [99, 1], [1, 99]];
  for (const trap of [...traps, [999, 1000], [99999, 5e4], [9999, 999], [1e9, 8999999999], [1234567890, 9876543210]]) {
    assert(fixed.has(String(trap)), `${trap} is missing`);
  }
});

Deno.test("hardCases() draws carry chains of every length at every place, every second one with a carry coming in", () => {
  const seen = new Map<string, number>();
  const chains = pairs(hardCases({ count: FIXED + 20_000, seed: 9 })).slice(FIXED);
  for (const [i, chain] of chains.entries()) {
    const found = runs(digitSums(chain)).filter(({ carryIn }) => carryIn === (i % 2 === 0));
    assert(found.length > 0, `${chain} is no chain ${i % 2 === 0 ? "with" : "without"} a carry coming in`);
    for (const { start, length, carryIn } of found) {
      const key = `${length} at ${start} ${carryIn}`;
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }
  }
  for (let length = 1; length <= 10; length++) {
    for (let start = 0; start + length <= 10; start++) {
      const expected = [false, ...(start > 0 ? [true] : [])];
      for (const carryIn of expected) {
        const times = seen.get(`${length} at ${start} ${carryIn}`) ?? 0;
        assert(times >= 10_000 / 55 - 1, `length ${length} at place ${start} with carry ${carryIn}: ${times} times`);
      }
    }
  }
});

Deno.test("hardCases() uses all digits at all places", () => {
  const seen = new Set<string>();
  for (const [a, b] of pairs(hardCases({ count: FIXED + 2000, seed: 3 })).slice(FIXED)) {
    for (const [operand, value] of [["a", a], ["b", b]] as const) {
      Array.from(String(value).padStart(10, "0")).forEach((digit, place) => seen.add(`${operand}${place}${digit}`));
    }
  }
  assertEquals(seen.size, 200);
});

Deno.test("hardCases() refuses a count or a seed that is none", () => {
  assertThrows(
    () => hardCases({ count: -1, seed: 1 }),
    RangeError,
    "Cannot draw hard cases as count must be a whole number",
  );
  assertThrows(
    () => hardCases({ count: 1, seed: 0.5 }),
    RangeError,
    "Cannot draw hard cases as seed must be a whole number",
  );
});
