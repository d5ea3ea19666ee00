import type { Operands } from "../model/problem.ts";
import { MAX_OPERAND } from "../model/vocabulary.ts";

/** A case file is not what it should be. The message names the file, the line and the value. */
export class CaseFileError extends Error {
  override readonly name = "CaseFileError";
}

/**
 * Reads problems from CSV: a header that names the columns a, b and maybe sum in any order, then one problem a line. Quotes, spaces
 * around values, empty lines, a byte order mark and every kind of line end are fine; other columns do not count. Commas, semicolons, tabs or
 * bars may separate values; Excel's line `sep=;` names the separator.
 *
 * @throws {CaseFileError} If a column or a value is missing, an operand is not a whole number in [0, 9999999999], a sum is not that
 * of its line, or there are no problems
 */
export function parseCases(text: string, source = "the cases"): Operands {
  const fail = (message: string): never => {
    throw new CaseFileError(`Cannot read ${source} as ${message}`);
  };
  const [named, separatorNamed] = /^\uFEFF?"?sep=([^"\w\r\n])"?(?:\r\n|\n|\r|$)/i.exec(text) ?? [];
  const content = text.slice(named?.length ?? (text.startsWith("\uFEFF") ? 1 : 0));
  const separator = separatorNamed ?? separatorOf(content);
  const rows = readCsv(content, separator, named === undefined ? 1 : 2, fail);
  const header = rows.next();
  if (header.done) return fail("its first line must name the columns a and b: it is empty");

  const names = header.value.fields.map((name) => name.toLowerCase());
  const times = (name: string) => names.filter((other) => other === name).length;
  if (times("a") !== 1 || times("b") !== 1 || times("sum") > 1) {
    fail(`its first line must name the columns a and b, each once: current value is ${excerpt(names.join(separator))}`);
  }
  const [columnA, columnB, columnSum] = ["a", "b", "sum"].map((name) => names.indexOf(name));

  // a list that grows would take three times as much
  const operands = new Float64Array(2 * mostPairs(content, separator));
  let count = 0;
  for (const { line, fields } of rows) {
    if (fields.length !== names.length) {
      fail(`line ${line} must have ${names.length} values, as the header has: current number is ${fields.length}`);
    }
    const operand = (column: number) => {
      const [name, text] = [names[column], fields[column]];
      if (wholeNumber(text) <= MAX_OPERAND) return wholeNumber(text);
      const hint = GROUPED.test(text) ? ". Write it without thousands separators" : "";
      const right = `a whole number from 0 to ${MAX_OPERAND}`;
      return fail(`${name} in line ${line} must be ${right}: current value is ${excerpt(text)}${hint}`);
    };
    const a = operand(columnA);
    const b = operand(columnB);
    if (columnSum >= 0 && wholeNumber(fields[columnSum]) !== a + b) {
      fail(`sum in line ${line} must be ${a} + ${b} = ${a + b}: current value is ${excerpt(fields[columnSum])}`);
    }
    operands[count++] = a;
    operands[count++] = b;
  }
  if (count === 0) fail("it must hold at least one problem below its header: there is none");
  return operands.subarray(0, count);
}

/** Digits in groups of three, as 1,234,567 and 1.234. */
const GROUPED = /^\d{1,3}(?:[.,'’_\s]\d{3})+$/;

/** The separator by which the first row names the columns a and b; a comma where none does. */
function separatorOf(text: string): string {
  const header = text.match(/\S.*/)?.[0].toLowerCase() ?? "";
  const names = (separator: string) => header.split(separator).map((name) => name.replaceAll('"', "").trim());
  return SEPARATORS.find((separator) => ["a", "b"].every((name) => names(separator).includes(name))) ?? ",";
}

/** The number that digits spell, NaN for any other text. */
function wholeNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : NaN;
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/** What may separate values: comma, semicolon (Excel where the comma is the decimal sign), tab, bar. */
const SEPARATORS: readonly string[] = [",", ";", "\t", "|"];

/** An upper bound of the number of rows with two values or more. */
function mostPairs(text: string, separator: string): number {
  let [separators, lines] = [0, 1];
  for (let i = 0; i < text.length; i++) {
    if (text[i] === separator) separators++;
    else if (text[i] === "\n" || text[i] === "\r") lines++;
  }
  return Math.min(separators, lines);
}

/**
 * Reads separated values leniently, RFC 4180: of each row that is not blank the line on which it begins and its values, without quotes and the
 * spaces around them. @param line The number of the first line
 */
function* readCsv(text: string, separator: string, line: number, fail: (message: string) => never) {
  const between = `\\u${separator.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const spaces = separator === "\t" ? " *" : separator === " " ? "\\t*" : "[ \\t]*";
  // a quoted value, or the text up to the next separator or line end; then its delimiter
  const quotedValue = `"([^"]*(?:""[^"]*)*)"${spaces}(?=[${between}\\r\\n]|$)`;
  const field = new RegExp(`${spaces}(?:${quotedValue}|([^${between}\\r\\n]*))(${between}|\\r\\n|\\n|\\r|$)`, "y");
  let row = { line, fields: [] as string[] };
  while (field.lastIndex < text.length || row.fields.length > 0) {
    const [, quoted, bare, end] = field.exec(text)!;
    if (bare?.startsWith('"')) {
      fail(`a value that begins with a quote must end with one: that in line ${line} does not`);
    }
    row.fields.push(quoted?.replaceAll('""', '"').trim() ?? bare.trim());
    line += quoted?.match(/\r\n|\n|\r/g)?.length ?? 0;
    if (end === separator) continue;
    if (row.fields.length > 1 || row.fields[0] !== "") yield row;
    row = { line: ++line, fields: [] };
  }
}
