/**
 * One query of the attention as the prover reads it: the exact numbers of the module's tables.
 */
import { type Query as CheckerQuery, queryOf } from "../checker/query.ts";
import { DIGITS, KEY_WIDTH, type QueryTable, ROW, tokensAtPosition } from "../engine/wasm/decoding_tables.ts";
import { FIRST_QUERY, OPERAND_DIGITS, positionOfA, positionOfB } from "../model/vocabulary.ts";

/** A position is faint whose tokens have at most this share of the weight of all. */
const FAINT = 3e-6;

/** The attention's output is sum e key / sum e, one row (e key, e) a position. */
export class Query {
  /** The residual stream of the position that asks, [7]. */
  readonly x: Float64Array;
  /** Positions that are seen, that which asks included. */
  readonly positions: number;
  /** [34 positions, 10, 8]: e key (6), e, 0. */
  readonly rows: Float64Array;
  /** [7]: the sum over the positions of the largest size in each column of `rows`. */
  readonly sizes = new Float64Array(KEY_WIDTH + 1);
  /** The positions that groups leave free, and those of them that carry weight. */
  readonly free: readonly number[];
  readonly carrying: readonly number[];
  /** [7]: the sums of the least and the greatest in each column of the others of them, which are bounded column by column. */
  readonly faintLo = new Float64Array(KEY_WIDTH + 1);
  readonly faintHi = new Float64Array(KEY_WIDTH + 1);
  /** [7]: the sum of the rows that each input has: of the symbols, and of the position that asks. */
  readonly fixedRow = new Float64Array(KEY_WIDTH + 1);
  readonly #table: QueryTable;
  #checked: CheckerQuery | undefined;

  constructor(readonly step: number, readonly token: number, table: QueryTable) {
    this.#table = table;
    this.x = Float64Array.from(table.x);
    this.rows = table.rows;
    this.positions = FIRST_QUERY + step + 1;
    const places = [step, step - 1].filter((place) => place >= 0 && place < OPERAND_DIGITS);
    const tied = new Set(places.flatMap((place) => [positionOfA(place), positionOfB(place)]));
    const positions = Array.from({ length: this.positions }, (_, position) => position);
    const isFixed = (position: number) => tokensAtPosition(position, step, token).length === 1;
    this.free = positions.filter((at) => !isFixed(at) && !tied.has(at));
    const columns = positions.map((position) => {
      const [lo, hi] = [0, 1].map(() => new Float64Array(KEY_WIDTH + 1));
      for (let l = 0; l <= KEY_WIDTH; l++) {
        const first = position * DIGITS * ROW + l;
        lo[l] = hi[l] = this.rows[first];
        for (let at = first; at < first + DIGITS * ROW; at += ROW) {
          lo[l] = Math.min(lo[l], this.rows[at]);
          hi[l] = Math.max(hi[l], this.rows[at]);
        }
        this.sizes[l] += Math.max(-lo[l], hi[l]);
        if (isFixed(position)) this.fixedRow[l] += lo[l] + hi[l]; // all rows but one are 0
      }
      return { lo, hi };
    });
    const isFaint = (position: number) => columns[position].hi[KEY_WIDTH] <= FAINT * this.sizes[KEY_WIDTH];
    this.carrying = this.free.filter((position) => !isFaint(position));
    for (const { lo, hi } of this.free.filter(isFaint).map((position) => columns[position])) {
      for (let l = 0; l <= KEY_WIDTH; l++) {
        this.faintLo[l] += lo[l];
        this.faintHi[l] += hi[l];
      }
    }
  }

  /** The checker's own, so that its rounding terms are ours; made when a bound needs it. */
  get checked(): CheckerQuery {
    return this.#checked ??= queryOf(this.step, this.token, this.#table);
  }
}
