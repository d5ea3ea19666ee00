/**
 * Comma-separated values, RFC 4180, read leniently.
 *
 * @module
 */

/** One row that is not blank. */
export interface CsvRow {
  /** The line on which it begins, from 1. */
  line: number;
  /** Its values, without quotes and without the spaces around them. */
  fields: string[];
}

/** A quoted value, or the text up to the next comma or line end; then its delimiter. */
const FIELD = /[ \t]*(?:"([^"]*(?:""[^"]*)*)"[ \t]*(?=[,\r\n]|$)|([^,\r\n]*))(,|\r\n|\n|\r|$)/y;

/** At least as many as there are rows of two values or more: for who must know before they are read. */
export function mostPairs(text: string): number {
  let [commas, lines] = [0, 1];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2c) commas++;
    else if (code === 0x0a || code === 0x0d) lines++;
  }
  return Math.min(commas, lines);
}

/**
 * Reads rows one by one.
 *
 * @param text The file; a byte order mark is skipped
 * @param onBadQuote Is told the line of a value that begins with a quote and does not end with one; must throw
 */
export function* readCsv(text: string, onBadQuote: (line: number) => never): Generator<CsvRow, void> {
  const field = new RegExp(FIELD);
  field.lastIndex = text.startsWith("\uFEFF") ? 1 : 0;
  let line = 1;
  let row: CsvRow = { line, fields: [] };
  while (field.lastIndex < text.length || row.fields.length > 0) {
    const [, quoted, bare, end] = field.exec(text)!;
    if (bare?.startsWith('"')) onBadQuote(line);
    row.fields.push(quoted?.replaceAll('""', '"').trim() ?? bare.trim());
    line += quoted?.match(/\r\n|\n|\r/g)?.length ?? 0;
    if (end === ",") continue;
    if (row.fields.length > 1 || row.fields[0] !== "") yield row;
    row = { line: ++line, fields: [] };
  }
}
