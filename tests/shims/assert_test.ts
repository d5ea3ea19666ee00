// What our tests ask of @std/assert: has to hold for the stand-in and for the real one alike.
import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertExists,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
} from "@std/assert";

const rangeError = () => {
  throw new RangeError("Cannot do this");
};
const same = { a: 1 };

const PASSES: Readonly<Record<string, () => unknown>> = {
  "assert of true": () => assert(1 < 2),
  "assertEquals of equal structures": () =>
    assertEquals({ a: [1, NaN, new Map([["b", 2n]])] }, { a: [1, NaN, new Map([["b", 2n]])] }),
  "assertEquals of typed arrays": () => assertEquals(Float32Array.of(1, NaN), Float32Array.of(1, NaN)),
  "assertNotEquals": () => assertNotEquals([1], [2]),
  "assertStrictEquals of one object": () => assertStrictEquals(same, same),
  "assertAlmostEquals within the tolerance": () => assertAlmostEquals(1, 1.05, 0.1),
  "assertAlmostEquals within 1e-7 of what is expected": () => assertAlmostEquals(1e9 + 50, 1e9),
  "assertExists of 0": () => assertExists(0),
  "assertMatch": () => assertMatch("abc", /b/),
  "assertStringIncludes": () => assertStringIncludes("abc", "bc"),
  "assertInstanceOf": () => assertInstanceOf(new RangeError(), Error),
  "assertGreater": () => assertGreater(2, 1),
  "assertGreaterOrEqual": () => assertGreaterOrEqual(2n, 2n),
  "assertLess": () => assertLess(1, 2),
  "assertLessOrEqual": () => assertLessOrEqual(2, 2),
  "assertThrows of anything": () => assertThrows(rangeError),
  "assertThrows of a class and a part of the message": () => assertThrows(rangeError, Error, "do this"),
};

const FAILS: Readonly<Record<string, () => unknown>> = {
  "assert of 0": () => assert(0),
  "assertEquals of another value": () => assertEquals([1, 2], [1, 3]),
  "assertEquals of a missing property": () => assertEquals<{ a?: number }>({ a: undefined }, {}),
  "assertEquals of another class": () => assertEquals<ArrayLike<number>>(Float32Array.of(1), Float64Array.of(1)),
  "assertNotEquals of equal structures": () => assertNotEquals([1], [1]),
  "assertStrictEquals of a copy": () => assertStrictEquals({ a: 1 }, same),
  "assertAlmostEquals outside the tolerance": () => assertAlmostEquals(1, 1.2, 0.1),
  "assertAlmostEquals of NaN": () => assertAlmostEquals(NaN, 1),
  "assertExists of null": () => assertExists(null),
  "assertMatch": () => assertMatch("abc", /d/),
  "assertStringIncludes": () => assertStringIncludes("abc", "d"),
  "assertInstanceOf": () => assertInstanceOf(new Error(), RangeError),
  "assertGreater": () => assertGreater(1, 1),
  "assertGreaterOrEqual": () => assertGreaterOrEqual(1, 2),
  "assertLess": () => assertLess(1, NaN),
  "assertLessOrEqual": () => assertLessOrEqual(2, 1),
  "assertThrows of what returns": () => assertThrows(() => 1),
  "assertThrows of another class": () => assertThrows(rangeError, SyntaxError),
  "assertThrows of another message": () => assertThrows(rangeError, RangeError, "do that"),
  "fail": () => fail("told to"),
};

for (const [name, run] of Object.entries(PASSES)) Deno.test(`${name} passes`, () => void run());

for (const [name, run] of Object.entries(FAILS)) {
  Deno.test(`${name} fails`, () => {
    let thrown: unknown;
    try {
      run();
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof AssertionError)) throw new Error(`it threw ${thrown}`);
  });
}

Deno.test("assertThrows() and assertRejects() give the error", async () => {
  assertEquals(assertThrows(rangeError, RangeError).message, "Cannot do this");
  assertEquals((await assertRejects(() => Promise.reject(new Error("no")), Error, "no")).message, "no");
});

Deno.test("assertRejects() fails on what resolves, throws at once, or rejects otherwise", async () => {
  await assertRejects(() => assertRejects(() => Promise.resolve(1)), AssertionError, "Expected function to reject");
  await assertRejects(() => assertRejects(rangeError), AssertionError, "Function throws when expected to reject");
  await assertRejects(() => assertRejects(() => Promise.reject(new Error()), RangeError), AssertionError);
});
