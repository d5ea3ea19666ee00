/**
 * One query of the attention: what it adds up, and how far what the kernels make of it may be from the exact quotient.
 *
 * docs/certificate.md explains this file under "Attention" and "Rounding".
 */
import { KEY_WIDTH, type QueryTable, ROW, rowOf, tokensAtPosition } from "../engine/wasm/decoding_tables.ts";
import { EQUALS, FIRST_QUERY, OPERAND_DIGITS, PLUS } from "../model/vocabulary.ts";
import { EXP2_RELATIVE } from "../engine/wasm/elementary_bounds.ts";
import { FLOAT32, UNDERFLOW } from "./forms.ts";

/** The whole numbers up to one. */
export const upTo = (last: number): number[] => Array.from({ length: last + 1 }, (_, i) => i);
/** The column of a row that holds the weight e; the columns before it hold e times the key. */
export const WEIGHT = KEY_WIDTH;
/** The rows of the symbols. Both share the first in the tables, so the second is 0. */
export const PLUS_ROW = rowOf(OPERAND_DIGITS, PLUS);
export const EQUALS_ROW = rowOf(FIRST_QUERY, EQUALS);

/** Position 21 + step, holding a token, and its table. */
export type Query = Readonly<ReturnType<typeof queryOf>>;

/** Takes a query's numbers from the module's tables. */
export function queryOf(step: number, token: number, table: QueryTable) {
  const { query, rows, keys } = table;
  const positions = upTo(FIRST_QUERY + step).map((position) =>
    tokensAtPosition(position, step, token).map((id) => rowOf(position, id))
  );
  const all = positions.flat();
  // in float32, in the order of `scoreRow` of assembly/attention.ts
  const scores = all.map((row) =>
    query.reduce((score, value, l) => Math.fround(score + Math.fround(value * keys[row * ROW + l])), 0)
  );
  // decoding without tables takes the weight 2^score; the tables hold about `unit` times that
  const largest = Math.max(...scores);
  const weights = scores.map((score) => 2 ** (score - largest));
  const unit = total(all.map((row) => rows[row * ROW + WEIGHT])) / total(weights);
  const differences = rows.slice();
  for (const [i, row] of all.entries()) {
    const to = (row === EQUALS_ROW ? PLUS_ROW : row) * ROW;
    for (let l = 0; l <= WEIGHT; l++) differences[to + l] -= unit * weights[i] * keys[row * ROW + l];
  }
  const largestSizes = (values: Float64Array) =>
    upTo(WEIGHT).map((column) =>
      positions.map((own) => own.reduce((most, row) => Math.max(most, Math.abs(values[row * ROW + column])), 0))
    );
  return {
    // `all`: the numbers of the rows that tokens can have
    ...{ ...table, step, token, all },
    // the largest size of each coordinate of a key, and 1, [7]; of each column of `rows` the sum over the positions of the largest size, [7]
    ...{ keySizes: largestSizes(keys).map((sizes) => Math.max(...sizes)), sizes: largestSizes(rows).map(total) },
    // the same of the difference between the rows and those that decoding without tables adds up, times a number of its own
    differences: largestSizes(differences).map(total),
  };
}

/**
 * How far each coordinate of the attention's output that a kernel computes may be from the real quotient of the tables' sums, [6]: by the sums
 * of at most n numbers, the division and a product; and without tables by weights that are rounded otherwise ("Rounding").
 */
export function outputRounding({ step, keySizes, sizes, differences }: Query, leastWeight: number): number[] {
  const n = FIRST_QUERY + step + 1;
  const share = (2 * n + 5) * FLOAT32 + 2.01 * (EXP2_RELATIVE + 8 * FLOAT32 + 2 ** -34);
  const otherWeight = Math.max(0, leastWeight - differences[WEIGHT]);
  return upTo(KEY_WIDTH - 1).map((l) => {
    const difference = differences[l] + sizes[l] / leastWeight * differences[WEIGHT];
    return keySizes[l] * share + 1.01 * difference / otherWeight + UNDERFLOW + UNDERFLOW / leastWeight;
  });
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
