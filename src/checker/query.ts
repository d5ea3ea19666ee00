/**
 * One query of the attention, and the sets of inputs that it is looked at over.
 *
 * docs/certificate.md explains this file under "Attention", "Groups" and "Rounding".
 */
import { DIGITS, KEY_WIDTH, onlyToken, type QueryTable, ROW } from "../engine/wasm/decoding_tables.ts";
import { FIRST_QUERY, OPERAND_DIGITS } from "../model/vocabulary.ts";
import { EXP2_RELATIVE } from "./elementary_bounds.ts";
import { FLOAT32 } from "./rounding.ts";

export type Range = readonly [lo: number, hi: number];

/** The column of a row that holds the weight e; the columns before it hold e times the key. */
export const WEIGHT = KEY_WIDTH;
/** The column that holds e times the relative difference of this weight between the two ways of decoding. */
const DIFFERENCE = KEY_WIDTH + 1;

/** Position 21 + step, holding a token: what the attention adds up, in float64, where all float32 values are exact. */
export interface Query {
  readonly step: number;
  readonly token: number;
  /** The residual stream of this position, [7]. */
  readonly x: Float64Array;
  /** [positions, 10, 8]: e key (6), e, and e times the relative difference between the two ways of decoding. */
  readonly rows: Float64Array;
  /** The largest size of each coordinate of a key, [6]. */
  readonly keySize: Float64Array;
  /** Of each column of `rows`: the sum over the positions of the largest size. */
  readonly sizes: Float64Array;
}

/** Takes a query's numbers from the module's tables. */
export function queryOf(step: number, token: number, table: QueryTable): Query {
  const rows = Float64Array.from(table.rows);
  const keySize = new Float64Array(KEY_WIDTH);
  /** Of each row that can occur its score in float32, and the sum of the sizes of the score's terms. */
  const scores = new Map<number, { score: number; size: number }>();
  for (let position = 0; position <= FIRST_QUERY + step; position++) {
    for (let digit = 0; digit < DIGITS; digit++) {
      if (digit > 0 && onlyToken(position, step, token) !== undefined) break;
      const at = (position * DIGITS + digit) * ROW;
      const key = table.keys.subarray(at, at + KEY_WIDTH);
      key.forEach((value, l) => keySize[l] = Math.max(keySize[l], Math.abs(value)));
      scores.set(at, {
        score: scoreOf(table.query, key),
        size: key.reduce((sum, value, l) => sum + Math.abs(value * table.query[l]), 0),
      });
    }
  }
  // Decoding without tables takes 2^score, the tables hold about a multiple of it: that of the largest weight of a digit.
  const plus = OPERAND_DIGITS * DIGITS * ROW;
  const equals = FIRST_QUERY * DIGITS * ROW;
  const digits = [...scores].filter(([at]) => at !== plus && at !== equals);
  const [largestAt, largest] = digits.reduce((best, entry) => entry[1].score > best[1].score ? entry : best);
  const unit = rows[largestAt + WEIGHT];
  for (const [at, { score, size }] of scores) {
    const weight = unit * 2 ** (score - largest.score);
    rows[at + DIFFERENCE] = Math.abs(weight - rows[at + WEIGHT]);
    // both symbols share a row, so what is known of their weights is only how scores and powers of two are rounded
    const share = (terms: number) => Math.LN2 * FLOAT32 * (10 * terms + 128) + EXP2_RELATIVE;
    if (at === plus || at === equals) rows[at + DIFFERENCE] = 1.01 * weight * (share(size) + share(largest.size));
  }
  if (!(unit > 2 ** -100)) rows[plus + DIFFERENCE] = Infinity; // it may have been too small for the tables
  const sizes = new Float64Array(ROW);
  for (let position = 0; position <= FIRST_QUERY + step; position++) {
    for (let l = 0; l < ROW; l++) {
      let most = 0;
      for (let digit = 0; digit < DIGITS; digit++) {
        most = Math.max(most, Math.abs(rows[(position * DIGITS + digit) * ROW + l]));
      }
      sizes[l] += most;
    }
  }
  return { step, token, x: Float64Array.from(table.x), rows, keySize, sizes };
}

/** query . key in float32, in the order of `scoreRow` of assembly/attention.ts. */
function scoreOf(query: Float32Array, key: Float32Array): number {
  let score = Math.fround(query[0] * key[0]);
  for (let l = 1; l < KEY_WIDTH; l++) score = Math.fround(score + Math.fround(query[l] * key[l]));
  return score;
}

/** A set of inputs that ask the same query and have the same right answer. */
export interface Part {
  readonly query: Query;
  /** The right next token. */
  readonly target: number;
  /** The digits that may stand at each position. */
  readonly digits: readonly (readonly number[])[];
  /** Pairs of positions whose digits have a given sum. */
  readonly ties: readonly (readonly [a: number, b: number, sum: number])[];
  /** In a cell: directions, and between what the attention's output lies along each of them. */
  readonly axes: readonly (readonly number[])[];
  readonly box: readonly Range[];
}

/** What can be added up independently: of each position, or of each tied pair of positions, one row counts. */
export class Choices {
  /** [n, 8]. */
  readonly #rows: Float64Array;
  /** Where the rows of each choice end. */
  readonly #ends: number[] = [];
  /** Whether each choice has a row. Otherwise there is no input in the part. */
  readonly possible: boolean;

  constructor({ query, digits, ties }: Part) {
    this.#rows = new Float64Array(query.rows.length);
    let to = 0;
    const add = (position: number, digit: number) => {
      const from = (position * DIGITS + digit) * ROW;
      for (let i = 0; i < ROW; i++) this.#rows[to + i] += query.rows[from + i];
    };
    let possible = true;
    for (let position = 0; position < digits.length; position++) {
      const tie = ties.find(([a, b]) => a === position || b === position);
      if (tie?.[1] === position) continue; // with the other
      const start = to;
      for (const digit of digits[position]) {
        if (tie !== undefined && !digits[tie[1]].includes(tie[2] - digit)) continue;
        add(position, digit);
        if (tie !== undefined) add(tie[1], tie[2] - digit);
        to += ROW;
      }
      possible &&= to > start;
      this.#ends.push(to);
    }
    this.possible = possible;
  }

  /** The least and the greatest sum over the choices of w . (e key) + f e. */
  range(w: ArrayLike<number>, f: number): Range {
    const rows = this.#rows;
    const [w0, w1, w2, w3, w4, w5] = [w[0], w[1], w[2], w[3], w[4], w[5]];
    let [lo, hi, i] = [0, 0, 0];
    for (const end of this.#ends) {
      let [least, most] = [Infinity, -Infinity];
      for (; i < end; i += ROW) {
        const cost = w0 * rows[i] + w1 * rows[i + 1] + w2 * rows[i + 2] + w3 * rows[i + 3] + w4 * rows[i + 4] +
          w5 * rows[i + 5] + f * rows[i + WEIGHT];
        if (cost < least) least = cost;
        if (cost > most) most = cost;
      }
      lo += least;
      hi += most;
    }
    return [lo, hi];
  }
}

/**
 * How far each coordinate of the attention's output that a kernel computes may be from the real quotient of the tables' sums, [6]: by the sums
 * of at most n numbers, the division and a product; and without tables by weights that are rounded otherwise ("Rounding").
 */
export function outputRounding({ step, keySize, sizes }: Query, leastWeight: number): Float64Array {
  const n = FIRST_QUERY + step + 1;
  const difference = sizes[DIFFERENCE] / leastWeight + EXP2_RELATIVE + 8 * FLOAT32 + 2 ** -34;
  return keySize.map((size) => size * ((2 * n + 5) * FLOAT32 + 2.01 * difference));
}
