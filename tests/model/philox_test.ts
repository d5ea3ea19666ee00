import { assertEquals, assertThrows } from "@std/assert";
import { checkWord, philox4x32 } from "../../src/model/philox.ts";

type Words<N extends number> = N extends 4 ? [number, number, number, number] : [number, number];

/** Random123, examples/kat_vectors, the lines `philox4x32 10`. */
const PUBLISHED: readonly [counter: Words<4>, key: Words<2>, expected: Words<4>][] = [
  [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

for (const [counter, key, expected] of PUBLISHED) {
  Deno.test(`philox4x32() equals Random123 on the counter ${counter.map((word) => word.toString(16)).join(" ")}`, () => {
    assertEquals(philox4x32(counter, key), Uint32Array.from(expected));
  });
}

Deno.test("philox4x32() gives other words for every other counter and key", () => {
  const first = new Set<number>();
  for (let bit = 0; bit < 32; bit++) {
    const word = 2 ** bit;
    first.add(philox4x32([word, 0, 0, 0], [0, 0])[0]);
    first.add(philox4x32([0, word, 0, 0], [0, 0])[0]);
    first.add(philox4x32([0, 0, word, 0], [0, 0])[0]);
    first.add(philox4x32([0, 0, 0, word], [0, 0])[0]);
    first.add(philox4x32([0, 0, 0, 0], [word, 0])[0]);
    first.add(philox4x32([0, 0, 0, 0], [0, word])[0]);
  }
  assertEquals(first.size, 6 * 32);
});

Deno.test("checkWord() takes what fits into 32 bits and nothing else", () => {
  checkWord("draw", "seed", 0);
  checkWord("draw", "seed", 2 ** 32 - 1);
  for (const value of [-1, 0.5, 2 ** 32, NaN, Infinity]) {
    assertThrows(
      () => checkWord("draw", "seed", value),
      RangeError,
      `Cannot draw as seed must be a whole number from 0 to 4294967295: current value is ${value}`,
    );
  }
});
