/**
 * How a value of unknown origin stands in a message.
 *
 * @module
 */

/** A value as text that is short, whatever it is: programs without types pass anything, and a message must not fail for it. */
export function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  const text = typeof value === "bigint" ? `${value}n` : String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
