/** One row that is not blank: the line on which it begins, from 1, and its values without quotes and the spaces around them. */
export interface CsvRow {
  line: number;
  fields: string[];
}

/** What may separate values: comma, semicolon (Excel where the comma is the decimal sign), tab, bar. */
export const SEPARATORS: readonly string[] = [",", ";", "\t", "|"];

/** A quoted value, or the text up to the next separator or line end; then its delimiter. */
function fieldPattern(separator: string): RegExp {
  const between = `\\u${separator.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const spaces = separator === "\t" ? " *" : separator === " " ? "\\t*" : "[ \\t]*";
  return new RegExp(
    `${spaces}(?:"([^"]*(?:""[^"]*)*)"${spaces}(?=[${between}\\r\\n]|$)|([^${between}\\r\\n]*))(${between}|\\r\\n|\\n|\\r|$)`,
    "y",
  );
}

/** An upper bound of the number of rows with two values or more. */
export function mostPairs(text: string, separator: string): number {
  const between = separator.charCodeAt(0);
  let [separators, lines] = [0, 1];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === between) separators++;
    else if (code === 0x0a || code === 0x0d) lines++;
  }
  return Math.min(separators, lines);
}

/**
 * Reads comma-separated values, RFC 4180, leniently, row by row.
 *
 * @param text The file, without a byte order mark
 * @param options `separator`: a character; `firstLine`: the number of the first line
 * @param onBadQuote Called with the line of a value that begins with a quote and does not end with one; must throw
 */
export function* readCsv(
  text: string,
  { separator, firstLine = 1 }: { separator: string; firstLine?: number },
  onBadQuote: (line: number) => never,
): Generator<CsvRow, void> {
  const field = fieldPattern(separator);
  let line = firstLine;
  let row: CsvRow = { line, fields: [] };
  while (field.lastIndex < text.length || row.fields.length > 0) {
    const [, quoted, bare, end] = field.exec(text)!;
    if (bare?.startsWith('"')) onBadQuote(line);
    row.fields.push(quoted?.replaceAll('""', '"').trim() ?? bare.trim());
    line += quoted?.match(/\r\n|\n|\r/g)?.length ?? 0;
    if (end === separator) continue;
    if (row.fields.length > 1 || row.fields[0] !== "") yield row;
    row = { line: ++line, fields: [] };
  }
}
