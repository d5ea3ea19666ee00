/**
 * A value of unknown origin as short text for an error message: callers without types pass anything, and the message must not fail for it.
 * Text is quoted where it could pass for another value: "1", "null", "a b". A plain word such as gpu stays bare.
 */
export function formatValue(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  if (typeof value === "bigint") return cut(`${value}n`);
  const text = cut(String(value));
  const isPlain = /^[a-z_][-a-z_]*…?$/i.test(text) && !/^(undefined|null|true|false|NaN|Infinity)$/.test(text);
  return typeof value !== "string" || isPlain ? text : JSON.stringify(text);
}

/** A value of a file as JSON, without control characters. */
export function formatJson(value: unknown): string {
  return cut(JSON.stringify(value) ?? "missing");
}

/** The message of an error on one line, cut after 200 characters: parsers quote their input. */
export function formatError(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // deno-lint-ignore no-control-regex
  return message.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").slice(0, 200);
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** A whole number with thousands separators: 13,000. Without `Intl`, whose first use costs a process 5 MiB and a page 10 ms (measured). */
export function formatInteger(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}
