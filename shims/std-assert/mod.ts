/**
 * Stands in for `jsr:@std/assert@^1` in a checkout that cannot reach JSR: the assertions that our tests use, over
 * `node:assert/strict`. The published package never contains it.
 *
 * One difference is left: like Node, {@linkcode assertEquals} tells 0 from -0, which the real one does not.
 *
 * @module
 */
import { deepStrictEqual } from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";

export class AssertionError extends Error {
  override name = "AssertionError";
}

function check(holds: boolean, message: string, msg?: string): void {
  if (!holds) throw new AssertionError(msg ? `${msg}: ${message}` : message);
}

export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  try {
    deepStrictEqual(actual, expected);
  } catch (error) {
    check(false, `Values are not equal.\n${(error as Error).message}`, msg);
  }
}

export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  check(!isDeepStrictEqual(actual, expected), `Expected another value than ${Deno.inspect(expected)}`, msg);
}

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

export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  check(expected.test(actual), `Expected "${actual}" to match ${expected}`, msg);
}

export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  check(actual.includes(expected), `Expected "${actual}" to contain "${expected}"`, msg);
}

// deno-lint-ignore no-explicit-any
type Class<T> = abstract new (...args: any[]) => T;

export function assertInstanceOf<T>(actual: unknown, expected: Class<T>, msg?: string): asserts actual is T {
  check(actual instanceof expected, `Expected an instance of ${expected.name}: found ${Deno.inspect(actual)}`, msg);
}

/** Asserts that an error is of a class and its message contains a text, if these are given. */
function checkError<E>(error: unknown, kind: Class<E> | undefined, part: string, msg?: string): E {
  if (kind !== undefined) {
    assertInstanceOf(error, kind, msg);
    assertStringIncludes((error as Error).message, part, msg);
  }
  return error as E;
}

export function assertThrows<E = unknown>(fn: () => unknown, kind?: Class<E>, msgIncludes = "", msg?: string): E {
  try {
    fn();
  } catch (error) {
    return checkError(error, kind, msgIncludes, msg);
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
  if (result.status === "rejected") return checkError(result.reason, kind, msgIncludes, msg);
  throw new AssertionError(`Expected function to reject${msg ? `: ${msg}` : ""}`);
}
