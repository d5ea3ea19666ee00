import { assertEquals } from "@std/assert";
import { MersenneTwister } from "../../src/evaluation/mersenne_twister.ts";

Deno.test("MersenneTwister equals the published output of mt19937ar.c", () => {
  const random = new MersenneTwister([0x123, 0x234, 0x345, 0x456]);
  const words = Array.from({ length: 1000 }, () => random.word());
  assertEquals(words.slice(0, 5), [1067595299, 955945823, 477289528, 4107218783, 4228976476]);
  assertEquals(words.slice(995), [2643151863, 3896204135, 2416995901, 1397735321, 3460025646]);
});

// the expected values below are CPython 3.11's

Deno.test("MersenneTwister is seeded as Python's random.Random", () => {
  const firstWords = (key: number[]) => {
    const random = new MersenneTwister(key);
    return [random.word(), random.word()];
  };
  assertEquals(firstWords([0]), [3626764237, 1654615998]); // Random(0)
  assertEquals(firstWords([5, 0, 64]), [2004888747, 1674612923]); // Random(2**70 + 5)
  // Random(sum((i + 1) << (32 * i) for i in range(700))): a key longer than the state
  assertEquals(firstWords(Array.from({ length: 700 }, (_, i) => i + 1)), [1434167400, 83764642]);
});

Deno.test("MersenneTwister.bits() equals Python's getrandbits()", () => {
  const random = new MersenneTwister([2025]);
  const values = [1, 8, 31, 32, 33, 34, 53, 53, 1].map((count) => random.bits(count));
  assertEquals(values, [1, 21, 1386941377, 3597174691, 6346270350, 9334186774, 3344014293946921, 3383579416046225, 1]);
});

Deno.test("MersenneTwister.below() equals Python's randrange()", () => {
  const random = new MersenneTwister([7]);
  const limits = [1, 2, 10, 1000, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 10 ** 10, 2 ** 53 - 1];
  const expected = [0, 0, 6, 666, 207388624, 2301595691, 2179419893, 161042648, 3766559332067162];
  assertEquals(limits.map((limit) => random.below(limit)), expected);
});
