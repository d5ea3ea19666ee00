import { assert, assertEquals, assertThrows } from "@std/assert";
import { checkOperand, packOperands } from "../../src/model/problem.ts";

Deno.test("packOperands() takes numbers and bigints", () => {
  const problems = [{ a: 42, b: 7n }, { a: 9999999999n, b: 9999999999 }, { a: 0n, b: 0 }];
  assertEquals(packOperands(problems), Float64Array.of(42, 7, 9999999999, 9999999999, 0, 0));
  assertEquals(packOperands([]), new Float64Array(0));
});

Deno.test("packOperands() hands packed operands through", () => {
  const operands = Float64Array.of(1, 2, 3, 4);
  assert(packOperands(operands) === operands);
});

Deno.test("packOperands() checks packed operands too", () => {
  assertThrows(() => packOperands(Float64Array.of(1, 2, 3)), RangeError, "current length is 3");
  assertThrows(() => packOperands(Float64Array.of(1, 2.5)), RangeError, "current value is 2.5");
  assertThrows(() => packOperands(Float64Array.of(NaN, 2)), RangeError, "current value is NaN");
});

Deno.test("checkOperand() makes 0 of -0", () => {
  assert(Object.is(checkOperand(-0, "a", { a: -0, b: 1 }), 0));
});

Deno.test("checkOperand() names what was asked and what was found", () => {
  const rule = "must be a whole number from 0 to 9999999999: current value is";
  const outOfRange: readonly [unknown, string][] = [
    [-1, `Cannot add -1 and 5 as a ${rule} -1`],
    [10_000_000_000, `Cannot add 10000000000 and 5 as a ${rule} 10000000000`],
    [0.5, `Cannot add 0.5 and 5 as a ${rule} 0.5`],
    [NaN, `Cannot add NaN and 5 as a ${rule} NaN`],
    [Infinity, `Cannot add Infinity and 5 as a ${rule} Infinity`],
    [-1n, `Cannot add -1n and 5 as a ${rule} -1n`],
    [10_000_000_000n, `Cannot add 10000000000n and 5 as a ${rule} 10000000000n`],
  ];
  for (const [a, message] of outOfRange) assertThrows(() => checkOperand(a, "a", { a, b: 5 }), RangeError, message);

  const notNumbers: readonly [unknown, string][] = [
    ["7", 'Cannot add 5 and "7" as b must be a number or a bigint: current value is "7"'],
    [undefined, "Cannot add 5 and undefined as b must be a number or a bigint: current value is undefined"],
    [null, "Cannot add 5 and null as b must be a number or a bigint: current value is null"],
  ];
  for (const [b, message] of notNumbers) assertThrows(() => checkOperand(b, "b", { a: 5, b }), TypeError, message);
});
