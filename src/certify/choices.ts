/** What the positions of a query may add to the sums of the attention, whose output is sum e key / sum e: one row (e key, e) a position. */
import type { Pair } from "../checker/groups.ts";
import type { Query } from "../checker/query.ts";
import { DIGITS, KEY_WIDTH, ROW, rowOf, tokensAtPosition } from "../engine/wasm/decoding_tables.ts";
import { FIRST_QUERY, OPERAND_DIGITS, positionOfA, positionOfB } from "../model/vocabulary.ts";

/** A position is faint whose tokens have at most this share of the weight of all. */
const FAINT = 3e-6;
const COLUMNS = KEY_WIDTH + 1;

/** One of some rows, [n, 8]: (e key, e, 0); and between what each of the first seven columns lies. */
export type Choice = Readonly<Record<"rows" | "lo" | "hi", Float64Array>>;

function choiceOf(rows: Float64Array): Choice {
  if (rows.length === ROW) return { rows, lo: rows, hi: rows };
  const [lo, hi] = [rows.slice(0, COLUMNS), rows.slice(0, COLUMNS)];
  for (let l = 0; l < COLUMNS; l++) {
    for (let at = l + ROW; at < rows.length; at += ROW) {
      lo[l] = Math.min(lo[l], rows[at]);
      hi[l] = Math.max(hi[l], rows[at]);
    }
  }
  return { rows, lo, hi };
}

export type Choices = Readonly<ReturnType<typeof choicesOf>>;

/** Each input has the rows of the symbols and of the token that asks. The other positions are tied, two by two, where groups give a sum, or free. */
export function choicesOf({ step, token, rows, sizes }: Query) {
  const tiedPlaces = [step, step - 1].filter((place) => place >= 0 && place < OPERAND_DIGITS);
  const tied = tiedPlaces.flatMap((place) => [positionOfA(place), positionOfB(place)]);
  const fixed = new Float64Array(COLUMNS);
  const free: Choice[] = [];
  for (let position = 0; position <= FIRST_QUERY + step; position++) {
    if (tied.includes(position)) continue;
    const own = choiceOf(rows.subarray(position * DIGITS * ROW, (position + 1) * DIGITS * ROW));
    if (tokensAtPosition(position, step, token).length > 1) free.push(own);
    else fixed.forEach((_, l) => fixed[l] += own.lo[l] + own.hi[l]); // all rows but one are 0
  }
  const isFaint = ({ hi }: Choice) => hi[KEY_WIDTH] <= FAINT * sizes[KEY_WIDTH];
  const carrying = free.filter((own) => !isFaint(own));
  const add = (sum: Float64Array, own: Float64Array) => sum.map((value, l) => value + own[l]);
  const [faintLo, faintHi] = (["lo", "hi"] as const).map((end) =>
    free.filter(isFaint).map((own) => own[end]).reduce(add, new Float64Array(COLUMNS))
  );
  const tiesBySum: Choice[] = [];
  return {
    /** Of free positions: those that carry weight; the others are faint. */
    carrying,
    // [7]: between what the sum of each column lies, but for tied positions
    lo: carrying.map(({ lo }) => lo).reduce(add, add(fixed, faintLo)),
    hi: carrying.map(({ hi }) => hi).reduce(add, add(fixed, faintHi)),
    // [7]: the middle of the sum of each column of fixed and faint positions, and how far it may be from there
    middle: fixed.map((value, l) => value + (faintLo[l] + faintHi[l]) / 2),
    spread: faintHi.map((value, l) => (value - faintLo[l]) / 2),
    /** The choices at tied places, of one pair of digits or all that have a sum. */
    ties: (pairs: readonly (readonly Pair[])[]) =>
      tiedPlaces.map((place) => {
        const own = pairs[place];
        const key = 100 * place + own[0].a + own[0].b;
        if (own.length > 1 && key in tiesBySum) return tiesBySum[key];
        const added = new Float64Array(own.length * ROW);
        for (let i = 0; i < own.length; i++) {
          const [atA, atB] = [rowOf(positionOfA(place), own[i].a) * ROW, rowOf(positionOfB(place), own[i].b) * ROW];
          for (let l = 0; l < COLUMNS; l++) added[i * ROW + l] = rows[atA + l] + rows[atB + l];
        }
        const choice = choiceOf(added);
        if (own.length > 1) tiesBySum[key] = choice;
        return choice;
      }),
  };
}
