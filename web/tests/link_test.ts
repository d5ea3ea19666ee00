/** A link says a run and a sum. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { linkText, readLink } from "../link.ts";

Deno.test("readLink() reads what linkText() writes", () => {
  const run = { recipe: "sure", seed: 4294967295, model: 777, certify: true } as const;
  for (
    const link of [
      { run, sum: [0, 9999999999] as const },
      { run: { ...run, model: "5x10+norm" as const, certify: false } },
      { run, step: 0 },
      { run, step: 13000, sum: [1, 2] as const },
      { sum: [42, 7] as const },
      {},
    ]
  ) assertEquals(readLink(linkText(link)), link);
  assertEquals(linkText({ run, sum: [42, 7] }), "recipe=sure&seed=4294967295&model=777&a=42&b=7");
});

Deno.test("readLink() fills in what a person leaves out, and passes over what it does not know", () => {
  assertEquals(readLink("recipe=fast"), { run: { recipe: "fast", seed: 1, model: 763, certify: true } });
  for (const text of ["", "train", "seed=7", "a=1", "step=7&more=1"]) assertEquals(readLink(text), {}, text);
});

Deno.test("readLink() names a value that cannot be", () => {
  for (
    const [text, name, value] of [
      ["recipe=none", "recipe", "none"],
      ["recipe=fast&seed=-1", "seed", "-1"],
      ["recipe=fast&seed=4294967296", "seed", "4294967296"],
      ["recipe=fast&seed=1e3", "seed", "1e3"],
      ["recipe=fast&model=764", "model", "764"],
      ["recipe=fast&step=13001", "step", "13001"],
      ["recipe=fast&step=x", "step", "x"],
      ["a=12345678901&b=1", "a", "12345678901"],
      ["a=1&b=x", "b", "x"],
    ]
  ) {
    const { message } = assertThrows(() => readLink(text), RangeError, `${name} must be`);
    assert(message.includes(value), message);
  }
});
