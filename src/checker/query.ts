/**
 * One query of the attention: what it adds up, and what rounding may change of that.
 *
 * docs/certificate.md explains this file under "Attention" and "Rounding".
 */
import { DIGITS, KEY_WIDTH, onlyToken, type QueryTable, ROW } from "../engine/wasm/decoding_tables.ts";
import { FIRST_QUERY, OPERAND_DIGITS } from "../model/vocabulary.ts";
import { EXP2_RELATIVE } from "./elementary_bounds.ts";
import { FLOAT32, UNDERFLOW } from "./forms.ts";

/** The column of a row that holds the weight e; the columns before it hold e times the key. */
export const WEIGHT = KEY_WIDTH;
/** The column that holds by how much this weight may differ between the two ways of decoding. */
const DIFFERENCE = KEY_WIDTH + 1;
export const ALL_DIGITS = Array.from({ length: DIGITS }, (_, digit) => digit);

/** Position 21 + step, holding a token. All float32 values are exact in float64. */
export interface Query {
  readonly step: number;
  readonly token: number;
  /** The residual stream of this position, [7]. */
  readonly x: Float32Array;
  /** [positions, 10, 8]: e key (6), e, and its difference between the two ways of decoding. */
  readonly rows: Float64Array;
  /** The rows that each position has: those of ten digits, or the first alone. */
  readonly digits: readonly (readonly number[])[];
  /** The largest size of each coordinate of a key, [6]. */
  readonly keySizes: Float64Array;
  /** Of each column of `rows`: the sum over the positions of the largest size. */
  readonly sizes: readonly number[];
}

/** Takes a query's numbers from the module's tables. */
export function queryOf(step: number, token: number, table: QueryTable): Query {
  const { x, query, keys } = table;
  const rows = Float64Array.from(table.rows);
  const digits = Array.from(
    { length: FIRST_QUERY + step + 1 },
    (_, position) => onlyToken(position, step, token) === undefined ? ALL_DIGITS : [0],
  );
  const keySizes = new Float64Array(KEY_WIDTH);
  const scores = digits.flatMap((own, position) =>
    own.map((digit) => {
      const at = (position * DIGITS + digit) * ROW;
      // in float32, in the order of `scoreRow` of assembly/attention.ts
      let [score, size] = [0, 0];
      for (let l = 0; l < KEY_WIDTH; l++) {
        score = Math.fround(score + Math.fround(query[l] * keys[at + l]));
        size += Math.abs(query[l] * keys[at + l]);
        keySizes[l] = Math.max(keySizes[l], Math.abs(keys[at + l]));
      }
      return { at, score, size, isSymbol: position === OPERAND_DIGITS || position === FIRST_QUERY };
    })
  );
  // Decoding without tables takes 2^score, and the tables hold about a multiple of it: that of the largest weight of a digit.
  const largest = scores.filter(({ isSymbol }) => !isSymbol).reduce((best, own) => own.score > best.score ? own : best);
  const unit = rows[largest.at + WEIGHT];
  // Both symbols share a row, so only this is known of each weight: how its score and a power of two are rounded, and that none is below 2^-126.
  const share = (size: number) => Math.LN2 * FLOAT32 * (10 * size + 128) + EXP2_RELATIVE;
  for (const { at, score, size, isSymbol } of scores) {
    const weight = unit * 2 ** (score - largest.score);
    rows[at + DIFFERENCE] = isSymbol
      ? weight * Math.expm1(share(size) + share(largest.size)) + 2 ** -125
      : Math.abs(weight - rows[at + WEIGHT]);
    if (!(unit > 2 ** -100)) rows[at + DIFFERENCE] = Infinity; // the largest may have been too small for the tables
  }
  const sizes = Array.from({ length: ROW }, (_, column) =>
    digits.reduce((sum, own, position) => {
      return sum + Math.max(...own.map((digit) => Math.abs(rows[(position * DIGITS + digit) * ROW + column])));
    }, 0));
  return { step, token, x, rows, digits, keySizes, sizes };
}

/**
 * How far each coordinate of the attention's output that a kernel computes may be from the real quotient of the tables' sums, [6]: by the sums
 * of at most n numbers, the division and a product; and without tables by weights that are rounded otherwise ("Rounding").
 */
export function outputRounding({ step, keySizes, sizes }: Query, leastWeight: number): Float64Array {
  const n = FIRST_QUERY + step + 1;
  const difference = sizes[DIFFERENCE] / leastWeight + EXP2_RELATIVE + 8 * FLOAT32 + 2 ** -34;
  return keySizes.map((size) =>
    size * ((2 * n + 5) * FLOAT32 + 2.01 * difference) + UNDERFLOW + UNDERFLOW / leastWeight
  );
}
