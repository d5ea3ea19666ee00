import { formatValue } from "./format_value.ts";

/** @throws {RangeError} `Cannot <asked> as <name> must be <rule>: current value is <value>`, unless it holds */
export function check(holds: boolean, asked: string, name: string, rule: string, value: unknown): void {
  if (holds) return;
  throw new RangeError(`Cannot ${asked} as ${name} must be ${rule}: current value is ${formatValue(value)}`);
}

/** Whether a value is an object with names, as in JSON. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isWhole(value: unknown, least: number, most = Infinity): boolean {
  return Number.isSafeInteger(value) && value as number >= least && value as number <= most;
}

export function checkWhole(asked: string, name: string, value: number, least: number, most = Infinity): void {
  const range = most === Infinity ? `, ${least} or more` : ` from ${least} to ${most}`;
  check(isWhole(value, least, most), asked, name, `a whole number${range}`, value);
}

export function checkOneOf(asked: string, name: string, value: unknown, choices: readonly unknown[]): void {
  check(choices.includes(value), asked, name, `one of ${choices.join(", ")}`, value);
}
