/** One query of the attention as the prover reads it: the exact numbers of the module's tables. */
import { type Query as CheckerQuery, queryOf } from "../checker/query.ts";
import { DIGITS, KEY_WIDTH, type QueryTable, ROW, tokensAtPosition } from "../engine/wasm/decoding_tables.ts";
import { FIRST_QUERY, OPERAND_DIGITS, positionOfA, positionOfB } from "../model/vocabulary.ts";

/** A position is faint whose tokens have at most this share of the weight of all. */
const FAINT = 3e-6;
const COLUMNS = KEY_WIDTH + 1;

export type Query = Readonly<ReturnType<typeof readQuery>>;

/**
 * The attention's output is sum e key / sum e, one row (e key, e) a position. Each input has the rows of the symbols and of the position that asks.
 * The other positions are tied, two pairs of them, where groups give a sum, or else free; free ones are faint or carry weight.
 */
export function readQuery(step: number, token: number, table: QueryTable) {
  const { x, rows } = table;
  const positions = FIRST_QUERY + step + 1;
  const places = [step, step - 1].filter((place) => place >= 0 && place < OPERAND_DIGITS);
  const tied = new Set(places.flatMap((place) => [positionOfA(place), positionOfB(place)]));
  const [sizes, fixed] = [new Float64Array(COLUMNS), new Float64Array(COLUMNS)];
  const free: Record<"own" | "lo" | "hi", Float64Array>[] = [];
  for (let position = 0; position < positions; position++) {
    const own = rows.subarray(position * DIGITS * ROW, (position + 1) * DIGITS * ROW);
    const isFixed = tokensAtPosition(position, step, token).length === 1;
    const [lo, hi] = [own.slice(0, COLUMNS), own.slice(0, COLUMNS)];
    for (let l = 0; l < COLUMNS; l++) {
      for (let at = l; at < own.length; at += ROW) {
        lo[l] = Math.min(lo[l], own[at]);
        hi[l] = Math.max(hi[l], own[at]);
      }
      sizes[l] += Math.max(-lo[l], hi[l]);
      if (isFixed) fixed[l] += lo[l] + hi[l]; // all rows but one are 0
    }
    if (!isFixed && !tied.has(position)) free.push({ own, lo, hi });
  }
  const isFaint = ({ hi }: { hi: Float64Array }) => hi[KEY_WIDTH] <= FAINT * sizes[KEY_WIDTH];
  const [faint, carrying] = [free.filter(isFaint), free.filter((own) => !isFaint(own))];
  const add = (sum: Float64Array, own: Float64Array) => sum.map((value, l) => value + own[l]);
  const faintLo = faint.map(({ lo }) => lo).reduce(add, new Float64Array(COLUMNS));
  const faintHi = faint.map(({ hi }) => hi).reduce(add, new Float64Array(COLUMNS));
  const freeRows = new Float64Array(carrying.length * DIGITS * ROW);
  carrying.forEach(({ own }, i) => freeRows.set(own, i * own.length));
  let checked: CheckerQuery | undefined;
  return {
    // the residual stream of the position that asks, [7]; the number of positions that are seen, that which asks included
    ...{ step, token, x: Float64Array.from(x), positions },
    // [34 positions, 10, 8]: e key (6), e, 0; [n, 10, 8]: those of the positions that carry weight
    ...{ rows, freeRows },
    // [7]: the sum over the positions of the largest size in each column of `rows`
    sizes,
    // [7]: between what the sum of each column lies, but for tied positions
    lo: carrying.map(({ lo }) => lo).reduce(add, add(fixed, faintLo)),
    hi: carrying.map(({ hi }) => hi).reduce(add, add(fixed, faintHi)),
    // [7]: the middle of the sum of each column of fixed and faint positions, and how far it may be from there
    middle: fixed.map((value, l) => value + (faintLo[l] + faintHi[l]) / 2),
    spread: faintHi.map((value, l) => (value - faintLo[l]) / 2),
    /** The checker's own query, so that its rounding terms are ours; made when a bound needs it. */
    checked: () => checked ??= queryOf(step, token, table),
  };
}
