/**
 * A value of unknown origin as short text for an error message: callers without types pass anything, and the message must not fail for it.
 * Text is quoted where it could pass for another value: "1", "null", "a b". A plain word such as gpu stays bare.
 */
export function formatValue(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  if (typeof value === "bigint") return cut(`${value}n`);
  const text = cut(String(value));
  return typeof value !== "string" || isPlainWord(text) ? text : JSON.stringify(text);
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function isPlainWord(text: string): boolean {
  return /^[a-z_][-a-z_]*…?$/i.test(text) && !/^(undefined|null|true|false|NaN|Infinity)$/.test(text);
}
