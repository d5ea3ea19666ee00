/**
 * Stands in for `jsr:@std/assert@^1` in a checkout that cannot reach JSR: the assertions that our tests use, over
 * `node:assert/strict`. The published package never contains it.
 *
 * One difference is left: like Node, {@linkcode assertEquals} tells 0 from -0, which the real one does not.
 *
 * @module
 */
import { deepStrictEqual, match, notDeepStrictEqual } from "node:assert/strict";

export class AssertionError extends Error {
  override name = "AssertionError";
}

export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

function check(holds: boolean, message: string, msg?: string): void {
  assert(holds, msg ? `${msg}: ${message}` : message);
}

/** An assertion of Node's, after whose message comes its own. */
function fromNode<A, E>(assertion: (actual: A, expected: E) => void) {
  return (actual: A, expected: E, msg?: string): void => {
    try {
      assertion(actual, expected);
    } catch (error) {
      check(false, (error as Error).message, msg);
    }
  };
}

export const assertEquals: <T>(actual: T, expected: T, msg?: string) => void = fromNode(deepStrictEqual);
export const assertNotEquals: <T>(actual: T, expected: T, msg?: string) => void = fromNode(notDeepStrictEqual);
export const assertMatch = fromNode<string, RegExp>(match);

/** @param tolerance By default 1e-7 of the expected value */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void {
  const allowed = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  const delta = Math.abs(expected - actual);
  const message = `Expected ${actual} to be close to ${expected}: delta ${delta} is greater than ${allowed}`;
  check(Object.is(actual, expected) || delta <= allowed, message, msg);
}

export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  check(actual > expected, `Expected ${actual} > ${expected}`, msg);
}

export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  check(actual < expected, `Expected ${actual} < ${expected}`, msg);
}

export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  check(actual.includes(expected), `Expected "${actual}" to contain "${expected}"`, msg);
}

// deno-lint-ignore no-explicit-any
type Class<T> = abstract new (...args: any[]) => T;

export function assertInstanceOf<T>(actual: unknown, expected: Class<T>, msg?: string): asserts actual is T {
  check(actual instanceof expected, `Expected an instance of ${expected.name}: found ${Deno.inspect(actual)}`, msg);
}

export function assertThrows<E = unknown>(fn: () => unknown, kind?: Class<E>, msgIncludes = "", msg?: string): E {
  try {
    fn();
  } catch (error) {
    if (kind === undefined) return error as E;
    assertInstanceOf(error, kind, msg);
    assertStringIncludes((error as Error).message, msgIncludes, msg);
    return error;
  }
  throw new AssertionError(`Expected function to throw${msg ? `: ${msg}` : ""}`);
}

/** A function that throws instead of rejecting is at fault: its error goes on. */
export async function assertRejects<E = unknown>(
  fn: () => PromiseLike<unknown>,
  kind?: Class<E>,
  msgIncludes = "",
  msg?: string,
): Promise<E> {
  const [result] = await Promise.allSettled([fn()]);
  const rethrow = () => {
    if (result.status === "rejected") throw result.reason;
  };
  return assertThrows(rethrow, kind, msgIncludes, msg);
}
