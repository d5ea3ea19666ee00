import { formatError } from "./format_value.ts";

/** First bytes of files that are taken for text, and what they are. */
const FOREIGN: readonly (readonly [first: readonly number[], what: string])[] = [
  [[0x50, 0x4b, 0x03, 0x04], "it is a ZIP archive, as workbooks of Excel and LibreOffice are: save it as CSV or text"],
  [[0xd0, 0xcf, 0x11, 0xe0], "it is a workbook of an old Excel: save it as CSV or text"],
  [[0x1f, 0x8b], "it is compressed by gzip: unpack it"],
  [[0x25, 0x50, 0x44, 0x46], "it is a PDF document"],
];

/** Decodes UTF-8, or UTF-16 as Excel and PowerShell write it, without a byte order mark. @param fail Makes an error of a reason, for what is no text */
export function decodeText(bytes: Uint8Array, fail: (reason: string) => Error): string {
  const foreign = FOREIGN.find(([first]) => first.every((byte, i) => bytes[i] === byte));
  if (foreign !== undefined) throw fail(foreign[1]);
  const text = new TextDecoder(encodingOf(bytes)).decode(bytes);
  if (text.includes("\0")) throw fail("it is not text: it has zero bytes");
  return text;
}

/** By the byte order mark; without one, a zero byte beside the first letter shows UTF-16. */
export function encodingOf([first, second]: Uint8Array): "utf-8" | "utf-16le" | "utf-16be" {
  if ((first === 0xff && second === 0xfe) || (first > 0 && second === 0)) return "utf-16le";
  if ((first === 0xfe && second === 0xff) || (first === 0 && second > 0)) return "utf-16be";
  return "utf-8";
}

/** Parses JSON of unknown origin. @param fail Makes the error of other text @throws The error that `fail` makes */
// deno-lint-ignore no-explicit-any
export function parseJson(text: string, fail: (reason: string) => Error): any {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw fail(formatError(error));
  }
}
