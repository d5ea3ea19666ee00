/**
 * One query of the attention: what it adds up, and how far what the kernels make of it may be from the exact quotient.
 *
 * docs/certificate.md explains this file under "Attention" and "Rounding".
 */
import { DIGITS, KEY_WIDTH, onlyToken, type QueryTable, ROW } from "../engine/wasm/decoding_tables.ts";
import { EQUALS, FIRST_QUERY, OPERAND_DIGITS } from "../model/vocabulary.ts";
import { EXP2_RELATIVE } from "./elementary_bounds.ts";
import { FLOAT32, UNDERFLOW } from "./forms.ts";

/** The whole numbers up to one. */
export const upTo = (last: number): number[] => Array.from({ length: last + 1 }, (_, i) => i);
/** The column of a row that holds the weight e; the columns before it hold e times the key. */
export const WEIGHT = KEY_WIDTH;
/** The rows of the symbols. Both share the first in the tables, so the second is 0. */
export const PLUS_ROW = OPERAND_DIGITS * DIGITS;
export const EQUALS_ROW = FIRST_QUERY * DIGITS;

/** Position 21 + step, holding a token. All float32 values are exact in float64. */
export interface Query {
  readonly step: number;
  readonly token: number;
  /** The residual stream of this position, [7]. */
  readonly x: Float32Array;
  /** [positions, 10 digits, 8]: e key (6), e, 0; zeros at the position of the answer. A row's number is 10 position + digit. */
  readonly rows: Float64Array;
  /** The largest size of each coordinate of a key, [6]. */
  readonly keySizes: readonly number[];
  /** Of each column of `rows`: the sum over the positions of the largest size, [7]. */
  readonly sizes: readonly number[];
  /** The same of the difference between the rows and those that decoding without tables adds up, times a number of its own. */
  readonly differences: readonly number[];
}

/** Takes a query's numbers from the module's tables. */
export function queryOf(step: number, token: number, table: QueryTable): Query {
  const last = FIRST_QUERY + step;
  const arranged = (values: Float32Array) => {
    const all = new Float64Array((last + 2) * DIGITS * ROW);
    all.set(values);
    // the table has the row of the token that asks in the place of digit 0
    const from = last * DIGITS * ROW;
    return token === EQUALS ? all : all.copyWithin(from + token * ROW, from, from + ROW);
  };
  const [rows, keys] = [arranged(table.rows), arranged(table.keys)];
  const rowsAt = upTo(last).map((position) => {
    const only = onlyToken(position, step, token);
    const digits = only === undefined ? upTo(9) : [only < DIGITS ? only : 0];
    return digits.map((digit) => position * DIGITS + digit);
  });
  const score = (row: number) => {
    let score = 0; // in float32, in the order of `scoreRow` of assembly/attention.ts
    for (let l = 0; l < KEY_WIDTH; l++) score = Math.fround(score + Math.fround(table.query[l] * keys[row * ROW + l]));
    return score;
  };
  // Decoding without tables takes the weight 2^score, and the tables hold about a multiple of it: that of the largest weight of a digit.
  const largest = rowsAt.flat().filter((row) => row !== PLUS_ROW && row !== EQUALS_ROW)
    .reduce((best, row) => score(row) > score(best) ? row : best);
  const unit = rows[largest * ROW + WEIGHT];
  const others = new Float64Array(rows.length);
  for (const row of rowsAt.flat()) {
    const weight = unit * 2 ** (score(row) - score(largest));
    const to = (row === EQUALS_ROW ? PLUS_ROW : row) * ROW;
    for (let l = 0; l < KEY_WIDTH; l++) others[to + l] += weight * keys[row * ROW + l];
    others[to + WEIGHT] += weight;
  }
  const largestSizes = (values: Float64Array, column: number) =>
    rowsAt.map((own) => Math.max(...own.map((row) => Math.abs(values[row * ROW + column]))));
  const sumOfSizes = (values: Float64Array) =>
    upTo(WEIGHT).map((column) => largestSizes(values, column).reduce((sum, size) => sum + size));
  const differences = sumOfSizes(rows.map((value, i) => value - others[i]));
  return {
    ...{ step, token, x: table.x, rows, sizes: sumOfSizes(rows) },
    keySizes: upTo(KEY_WIDTH - 1).map((l) => Math.max(...largestSizes(keys, l))),
    // a smaller unit may have been too small for the tables
    differences: unit > 2 ** -100 ? differences : differences.fill(Infinity),
  };
}

/**
 * How far each coordinate of the attention's output that a kernel computes may be from the real quotient of the tables' sums, [6]: by the sums
 * of at most n numbers, the division and a product; and without tables by weights that are rounded otherwise ("Rounding").
 */
export function outputRounding({ step, keySizes, sizes, differences }: Query, leastWeight: number): number[] {
  const n = FIRST_QUERY + step + 1;
  const share = (2 * n + 5) * FLOAT32 + 2.01 * (EXP2_RELATIVE + 8 * FLOAT32 + 2 ** -34);
  const otherWeight = leastWeight - differences[WEIGHT];
  return keySizes.map((size, l) => {
    const difference = differences[l] + sizes[l] / leastWeight * differences[WEIGHT];
    return size * share + 1.01 * difference / otherWeight + UNDERFLOW + UNDERFLOW / leastWeight;
  });
}
