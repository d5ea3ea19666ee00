/**
 * Between what w . o lies over a part, where o is the attention's output: a quotient of sums, one row a position.
 *
 * docs/certificate.md explains this file under "Attention", "Ties" and "Cells".
 */
import { DIGITS, KEY_WIDTH, ROW } from "../engine/wasm/decoding_tables.ts";
import { OPERAND_DIGITS } from "../model/vocabulary.ts";
import { FLOAT64, type Range, type Reach } from "./forms.ts";
import { type Query, WEIGHT } from "./query.ts";

const UNITS = Array.from({ length: KEY_WIDTH }, (_, l) => Array.from({ length: KEY_WIDTH }, (_, i) => Number(i === l)));
/** Sums that two digits can have. */
export const SUMS = Array.from({ length: 19 }, (_, sum) => sum);
const MOST_ROUNDS = 8;

/** A set of inputs that ask the same query and have the same right answer. */
export interface Part {
  readonly query: Query;
  /** The right next token. */
  readonly target: number;
  /** The digits that may stand at each position. */
  readonly digits: readonly (readonly number[])[];
  /** Pairs of positions whose digits have a given sum. */
  readonly ties: readonly (readonly [a: number, b: number, sum: number])[];
  /** In a cell: directions of length 1, and between what the attention's output lies along each of them. */
  readonly axes: readonly (readonly number[])[];
  readonly box: readonly Range[];
}

/** What is known of the attention over a part. */
export class Attention {
  /** Near the middle of what o can be, [6]. Nothing depends on how near. */
  readonly center: readonly number[];
  /** How far each coordinate of o can be from it. */
  readonly sides: readonly number[];
  /** The least and the largest sum of the weights. */
  readonly weight: Range;
  /** Whether two bounds were found to exclude each other: then there is no input in the part. */
  isEmpty = false;
  readonly #part: Part;
  /** What can be added up independently, [n, 8]: of each position, or of each tied pair of positions, one row counts. */
  readonly #rows: Float64Array;
  /** Where the rows of each position or pair end. */
  readonly #ends: number[] = [];

  constructor(part: Part) {
    const { query, digits, ties, axes, box } = part;
    this.#part = part;
    this.#rows = new Float64Array(query.rows.length);
    let to = 0;
    for (let position = 0; position < digits.length; position++) {
      const tie = ties.find(([a, b]) => a === position || b === position);
      if (tie?.[1] === position) continue; // with the other
      const start = to;
      for (const digit of digits[position]) {
        if (tie !== undefined && !digits[tie[1]].includes(tie[2] - digit)) continue;
        const own = (position * DIGITS + digit) * ROW;
        const other = tie && (tie[1] * DIGITS + tie[2] - digit) * ROW;
        for (let i = 0; i < ROW; i++) {
          this.#rows[to++] = query.rows[own + i] + (other === undefined ? 0 : query.rows[other + i]);
        }
      }
      this.isEmpty ||= to === start;
      this.#ends.push(to);
    }
    const [least, most] = this.#sums([0, 0, 0, 0, 0, 0], 1);
    this.weight = [least * (1 - FLOAT64), most * (1 + FLOAT64)];
    const sums = UNITS.map((unit) => this.#sums(unit, 0));
    const center = sums.map(([lo, hi]) => (lo + hi) / (least + most));
    const shifts = axes.map((axis, i) => (box[i][0] + box[i][1]) / 2 - dot(axis, center));
    this.center = center.map((value, l) => axes.reduce((sum, axis, i) => sum + shifts[i] * axis[l], value));
    const farthest = ([lo, hi]: Range) => Math.max(-lo, hi);
    this.sides = UNITS.map((unit) => farthest(this.#apart(unit)));
    if (axes.length > 0) this.sides = UNITS.map((unit, l) => Math.min(this.sides[l], farthest(this.boxed(unit))));
  }

  /** By how far each coordinate can be from the center, and in a cell by its box. */
  readonly boxed: Reach = (w) => this.#inBox(w, -Infinity, Infinity);

  /** And by each position, or tied pair of positions, on its own. */
  readonly apart: Reach = (w) => this.#inBox(w, ...this.#apart(w));

  /** And with the digits of the sum as the operands and their carries make them ("Ties"). */
  readonly tied: Reach = (w) => {
    const x = dot(w, this.center);
    return this.#inBox(w, this.#leastTied(w) - x, -this.#leastTied(Array.from(w, (value) => -value)) - x);
  };

  /** {@linkcode tied} from below, which is all that a margin needs. */
  readonly tiedFromBelow: Reach = (w) => this.#inBox(w, this.#leastTied(w) - dot(w, this.center), Infinity);

  /** Takes w apart along the axes of a cell, one after the other; what is left of it is bounded by the sides ("Cells"). */
  #inBox(w: ArrayLike<number>, from: number, to: number): Range {
    const { axes, box } = this.#part;
    let rest = w;
    let [lo, hi] = [0, 0];
    for (const [i, axis] of axes.entries()) {
      const share = dot(rest, axis);
      rest = axis.map((value, l) => rest[l] - share * value);
      const middle = dot(axis, this.center);
      const ends = [share * (box[i][0] - middle), share * (box[i][1] - middle)];
      const error = FLOAT64 * Math.abs(share) * (Math.abs(box[i][0]) + Math.abs(box[i][1]) + norm(this.center));
      lo += Math.min(...ends) - error;
      hi += Math.max(...ends) + error;
    }
    let left = axes.length > 0 ? FLOAT64 * norm(w) * norm(this.sides) : 0;
    for (let l = 0; l < KEY_WIDTH; l++) left += Math.abs(rest[l]) * this.sides[l];
    const range: Range = [Math.max(lo - left, from), Math.min(hi + left, to)];
    this.isEmpty ||= range[0] > range[1];
    return range;
  }

  /** w . o - x = sum e (w . key - x) / sum e, with x = w . center. */
  #apart(w: ArrayLike<number>): Range {
    const [least, most] = this.weight;
    const x = dot(w, this.center);
    const [lo, hi] = this.#sums(w, -x);
    const error = this.#error(w, x);
    return [lo / (lo < 0 ? least : most) - error, hi / (hi > 0 ? least : most) + error];
  }

  /** The least and the greatest sum of w . (e key) + f e. */
  #sums(w: ArrayLike<number>, f: number): Range {
    const rows = this.#rows;
    const [w0, w1, w2, w3, w4, w5] = [w[0], w[1], w[2], w[3], w[4], w[5]];
    let [lo, hi, i] = [0, 0, 0];
    for (const end of this.#ends) {
      let [least, most] = [Infinity, -Infinity];
      for (; i < end; i += ROW) {
        const sum = w0 * rows[i] + w1 * rows[i + 1] + w2 * rows[i + 2] + w3 * rows[i + 3] + w4 * rows[i + 4] +
          w5 * rows[i + 5] + f * rows[i + WEIGHT];
        if (sum < least) least = sum;
        if (sum > most) most = sum;
      }
      lo += least;
      hi += most;
    }
    return [lo, hi];
  }

  /** What float64 may get wrong in (sum e (w . key - x)) / sum e. */
  #error(w: ArrayLike<number>, x: number): number {
    const { sizes } = this.#part.query;
    let [size, offset] = [Math.abs(x) * sizes[WEIGHT], 0];
    for (let l = 0; l < KEY_WIDTH; l++) {
      size += Math.abs(w[l]) * sizes[l];
      offset += Math.abs(w[l] * this.center[l]);
    }
    return FLOAT64 * (size / this.weight[0] + offset);
  }

  /** The least w . o, from below: x + min sum e (w . key - x) / sum e, for the best of a few x; Infinity where there is no input. */
  #leastTied(w: ArrayLike<number>): number {
    const [least, most] = this.weight;
    const { rows } = this.#part.query;
    const products = Float64Array.from({ length: rows.length / ROW }, (_, i) => {
      return dot(w, rows.subarray(i * ROW, i * ROW + KEY_WIDTH));
    });
    let [x, best] = [dot(w, this.center), -Infinity];
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const [cost, weight] = cheapest(this.#part, products, x);
      best = Math.max(best, x + cost / (cost < 0 ? least : most) - this.#error(w, x));
      if (!(Math.abs(cost) > 1e-12 * least && cost < Infinity)) break;
      x += cost / weight;
    }
    return best;
  }
}

/** The cheapest input of a part, place by place, by the carry into the next: its sum of e (w . key - x), Infinity where there is none; its sum of e. */
function cheapest({ query, target, digits, ties }: Part, products: Float64Array, x: number): Range {
  const { step, token, rows } = query;
  const costOf = (position: number, digit: number): Range => {
    const row = position * DIGITS + digit;
    const weight = rows[row * ROW + WEIGHT];
    return [products[row] - x * weight, weight];
  };
  let states: Range[] = [[0, 0], [Infinity, 0]];
  for (let place = 0; place < OPERAND_DIGITS; place++) {
    const [atA, atB, atSum] = [OPERAND_DIGITS - 1 - place, 2 * OPERAND_DIGITS - place, 2 * OPERAND_DIGITS + 2 + place];
    // the cheapest pair of digits of each sum, or of the tied one
    const tied = ties.find(([a]) => a === atA)?.[2];
    const pairs: Range[] = SUMS.map(() => [Infinity, 0]);
    const costsB = digits[atB].map((digit) => costOf(atB, digit));
    for (const a of digits[atA]) {
      const [costA, weightA] = costOf(atA, a);
      for (const [j, b] of digits[atB].entries()) {
        const cost = costA + costsB[j][0];
        if (cost < pairs[a + b][0] && (tied ?? a + b) === a + b) pairs[a + b] = [cost, weightA + costsB[j][1]];
      }
    }
    const isWritten = place < step - 1;
    const only = place === step - 1 ? token : place === step ? target : undefined;
    const next: Range[] = [[Infinity, 0], [Infinity, 0]];
    for (const carry of [0, 1]) {
      for (const sum of SUMS) {
        const [digit, out] = [(sum + carry) % 10, Number(sum + carry > 9)];
        if ((only ?? digit) !== digit || isWritten && !digits[atSum].includes(digit)) continue;
        const [cost, weight] = isWritten ? costOf(atSum, digit) : [0, 0];
        const total = states[carry][0] + pairs[sum][0] + cost;
        if (total < next[out][0]) next[out] = [total, states[carry][1] + pairs[sum][1] + weight];
      }
    }
    states = next;
  }
  const last = step < OPERAND_DIGITS ? Number(states[1][0] < states[0][0]) : step === OPERAND_DIGITS ? target : token;
  const fixed = [OPERAND_DIGITS, ...(step > 0 ? [2 * OPERAND_DIGITS + 1 + step] : [])].map((at) => costOf(at, 0));
  return fixed.reduce<Range>(([cost, weight], [c, e]) => [cost + c, weight + e], states[last]);
}

export function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let total = 0;
  for (let l = 0; l < KEY_WIDTH; l++) total += x[l] * y[l];
  return total;
}

/** The sum of the sizes, at least as large as the length of x. */
function norm(x: ArrayLike<number>): number {
  let total = 0;
  for (let l = 0; l < KEY_WIDTH; l++) total += Math.abs(x[l]);
  return total;
}
