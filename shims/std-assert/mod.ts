// Stands in for `jsr:@std/assert@^1` in a checkout that cannot reach JSR: the assertions that our tests use. The published package never contains it.
// One difference is left: like Node, `assertEquals` tells 0 from -0, which the real one does not.
import { deepStrictEqual, match, notDeepStrictEqual } from "node:assert/strict";

export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw Object.assign(new Error(msg), { name: "AssertionError" });
}

function check(holds: boolean, message: string, msg?: string): void {
  assert(holds, msg ? `${msg}: ${message}` : message);
}

/** An assertion that has a message of its own, and takes another one before that. */
function withMessage<A, E>(assertion: (actual: A, expected: E) => void) {
  return (actual: A, expected: E, msg?: string): void => {
    try {
      assertion(actual, expected);
    } catch (error) {
      check(false, (error as Error).message, msg);
    }
  };
}

export const assertEquals: <T>(actual: T, expected: T, msg?: string) => void = withMessage(deepStrictEqual);
export const assertNotEquals: <T>(actual: T, expected: T, msg?: string) => void = withMessage(notDeepStrictEqual);
export const assertMatch = withMessage<string, RegExp>(match);
export const assertGreater = withMessage((x: number, y: number) => assert(x > y, `Expected ${x} > ${y}`));
export const assertLess = withMessage((x: number, y: number) => assert(x < y, `Expected ${x} < ${y}`));
export const assertStringIncludes = withMessage((actual: string, expected: string) =>
  assert(actual.includes(expected), `Expected "${actual}" to contain "${expected}"`)
);

/** @param tolerance By default 1e-7 of the expected value */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void {
  const allowed = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  const delta = Math.abs(expected - actual);
  const message = `Expected ${actual} to be close to ${expected}: delta ${delta} is greater than ${allowed}`;
  check(Object.is(actual, expected) || delta <= allowed, message, msg);
}

// deno-lint-ignore no-explicit-any
type Class<T> = abstract new (...args: any[]) => T;

export function assertInstanceOf<T>(actual: unknown, expected: Class<T>, msg?: string): asserts actual is T {
  check(actual instanceof expected, `Expected an instance of ${expected.name}: found ${Deno.inspect(actual)}`, msg);
}

export function assertThrows<E>(fn: () => unknown, kind?: Class<E>, msgIncludes = ""): E {
  try {
    fn();
  } catch (error) {
    if (kind === undefined) return error as E;
    assertInstanceOf(error, kind);
    assertStringIncludes((error as Error).message, msgIncludes);
    return error;
  }
  assert(false, "Expected function to throw");
}

/** A function that throws instead of rejecting is at fault: its error goes on. */
export async function assertRejects<E>(fn: () => PromiseLike<unknown>, kind?: Class<E>, msgIncludes?: string) {
  const [result] = await Promise.allSettled([fn()]);
  const rethrow = () => {
    if (result.status === "rejected") throw result.reason;
  };
  return assertThrows(rethrow, kind, msgIncludes);
}
