/**
 * One query of the attention as the prover reads it: the exact numbers of the module's tables, and how exact the kernels' sums of them are.
 */
import { DIGITS, KEY_WIDTH, onlyToken, type QueryTable, ROW } from "../engine/wasm/decoding_tables.ts";
import { FIRST_QUERY, OPERAND_DIGITS } from "../model/vocabulary.ts";
import { positionOfA, positionOfB } from "./groups.ts";
import { EXP2_RELATIVE } from "../checker/elementary_bounds.ts";
import { FLOAT32 } from "../checker/forms.ts";

const PLUS_AT = OPERAND_DIGITS * DIGITS;
/** A position is faint whose tokens have at most this share of the weight of all. */
const FAINT = 3e-6;
/** Below it a weight may have been too small for the tables. */
const LEAST_UNIT = 2 ** -100;
const EQUALS_AT = FIRST_QUERY * DIGITS;

/** The attention's output is sum e key / sum e, one row (e key, e) a position. */
export class Query {
  /** The residual stream of the position that asks, [7]. */
  readonly x: Float64Array;
  /** Positions that are seen, that which asks included. */
  readonly positions: number;
  /** [positions, 10, 8]: e key (6), e, 0. Where one token alone can stand it takes the place of digit 0. */
  readonly rows: Float64Array;
  /** The positions that groups leave free, and those of them that carry weight. */
  readonly free: readonly number[];
  readonly carrying: readonly number[];
  /** [7]: the sums of the least and the greatest in each column of the others of them, which are bounded column by column. */
  readonly faintLo = new Float64Array(KEY_WIDTH + 1);
  readonly faintHi = new Float64Array(KEY_WIDTH + 1);
  /** [7]: the sum of the rows that each input has: of the symbols, and of the position that asks. */
  readonly fixedRow = new Float64Array(KEY_WIDTH + 1);
  /** [7]: the sum over the positions of the largest size in each column of `rows`. */
  readonly sizes = new Float64Array(KEY_WIDTH + 1);
  /** [6]: the largest size of each coordinate of a key. */
  readonly keySizes = new Float64Array(KEY_WIDTH);
  /** The sum over the positions of the largest difference between e and 2^score, which decoding without tables takes instead. */
  #difference = 0;

  constructor(readonly step: number, readonly token: number, { x, query, rows, keys }: QueryTable) {
    this.x = Float64Array.from(x);
    this.positions = FIRST_QUERY + step + 1;
    this.rows = Float64Array.from(rows);
    const scores = new Float64Array(this.positions * DIGITS).fill(-Infinity);
    const scoreSizes = new Float64Array(scores.length);
    for (let at = 0; at < scores.length; at++) {
      const position = Math.floor(at / DIGITS);
      if (at % DIGITS > 0 && onlyToken(position, step, token) !== undefined) continue;
      let score = 0;
      for (let l = 0; l < KEY_WIDTH; l++) {
        const key = keys[at * ROW + l];
        const product = Math.fround(query[l] * key);
        score = l === 0 ? product : Math.fround(score + product);
        scoreSizes[at] += Math.abs(query[l] * key);
        this.keySizes[l] = Math.max(this.keySizes[l], Math.abs(key));
      }
      scores[at] = score;
    }
    // decoding without tables takes 2^score, the tables hold about a multiple of it: that of the largest weight of a digit
    let largest = 0;
    for (let at = 0; at < scores.length; at++) {
      if (scores[at] > scores[largest] && at !== PLUS_AT && at !== EQUALS_AT) largest = at;
    }
    const unit = this.rows[largest * ROW + KEY_WIDTH];
    const weightOf = (at: number) => unit * 2 ** (scores[at] - scores[largest]);
    const differences = scores.map((_, at) => Math.abs(weightOf(at) - this.rows[at * ROW + KEY_WIDTH]));
    // both symbols share a row, so what is known of their weights is only how scores and powers of two are rounded
    const share = (at: number) => Math.LN2 * FLOAT32 * (10 * scoreSizes[at] + 128) + EXP2_RELATIVE;
    for (const at of [PLUS_AT, EQUALS_AT]) {
      differences[at] = unit > LEAST_UNIT
        ? weightOf(at) * Math.expm1(share(at) + share(largest)) + 2 ** -125
        : Infinity;
    }
    const places = [step, step - 1].filter((place) => place >= 0 && place < OPERAND_DIGITS);
    const tied = new Set(places.flatMap((place) => [positionOfA(place), positionOfB(place)]));
    const positions = Array.from({ length: this.positions }, (_, position) => {
      const isFixed = onlyToken(position, step, token) !== undefined;
      const digits = Array.from({ length: isFixed ? 1 : DIGITS }, (_, digit) => position * DIGITS + digit);
      const columns = Array.from({ length: KEY_WIDTH + 1 }, (_, l) => {
        const values = digits.map((at) => this.rows[at * ROW + l]);
        return { lo: Math.min(...values), hi: Math.max(...values) };
      });
      this.#difference += Math.max(...digits.map((at) => differences[at]));
      columns.forEach(({ lo, hi }, l) => {
        this.sizes[l] += Math.max(-lo, hi);
        if (isFixed) this.fixedRow[l] += lo;
      });
      return { position, columns, isFree: !isFixed && !tied.has(position) };
    });
    const free = positions.filter(({ isFree }) => isFree);
    const faint = FAINT * this.sizes[KEY_WIDTH];
    this.free = free.map(({ position }) => position);
    this.carrying = free.filter(({ columns }) => columns[KEY_WIDTH].hi > faint).map(({ position }) => position);
    for (const { position, columns } of free) {
      if (this.carrying.includes(position)) continue;
      columns.forEach(({ lo, hi }, l) => {
        this.faintLo[l] += lo;
        this.faintHi[l] += hi;
      });
    }
  }

  /** How far the coordinates that the kernels compute may be from the quotient but for underflow, as a share of the keys' sizes. */
  rounding(leastWeight: number): number {
    return (2 * this.positions + 5) * FLOAT32 +
      2.01 * (this.#difference / leastWeight + EXP2_RELATIVE + 8 * FLOAT32 + 2 ** -34);
  }
}
