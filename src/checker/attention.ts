/**
 * Between what w . o lies over a part of the inputs, where o is the attention's output: a quotient of sums, one row a position.
 *
 * docs/certificate.md explains this file under "Attention", "Ties" and "Cells".
 */
import { DIGITS, ROW, rowOf } from "../engine/wasm/decoding_tables.ts";
import { FIRST_QUERY, OPERAND_DIGITS, positionOfA, positionOfB, positionOfSum } from "../model/vocabulary.ts";
import { FLOAT64, type Range } from "./forms.ts";
import { type Part, UNITS } from "./groups.ts";
import { PLUS_ROW, upTo, WEIGHT } from "./query.ts";

/** Looks at the inputs for a tight bound. */
export const MOST_ROUNDS = 24;
/** The products of axes may be off 0 and 1 by that much. */
export const SKEW = 1e-10;
/** The sums that two digits can have. */
export const PAIR_SUMS = 19;
/** The first of the rows of the digits of a, of b and of their sum, by place. */
const FIRST_ROWS = upTo(OPERAND_DIGITS).map((place) =>
  [positionOfA, positionOfB, positionOfSum].map((position) => rowOf(position(place), 0))
);

/** What is known of the attention over a part. */
export class Attention {
  /** Near the middle of what o can be, [6]. Nothing depends on how near. */
  readonly center: readonly number[];
  /** How far o can be from it along each axis. */
  readonly sides: readonly number[];
  /** Between what the sum of the weights lies. */
  readonly weight: Range;
  /** Whether two bounds were found to exclude each other: then there is no input in the part. */
  isEmpty: boolean;
  /** How often the inputs were looked at; the forms of a part take about as long as so many looks at first. */
  looks = 40;
  /** How far o - center may be from the sum of its t_i axis_i, in each coordinate. */
  readonly skew: number;
  /** At least the size of o, and of o - center: the sum over the coordinates. */
  readonly #size: number;
  /** What each row costs, and the cheapest pair of digits by its sum: of the last look. */
  readonly #costs: Float64Array;
  readonly #pairCosts = new Float64Array(PAIR_SUMS);

  constructor(private readonly part: Part) {
    const { query: { step, rows, sizes }, target, axes } = part;
    this.#costs = new Float64Array(rows.length / ROW);
    const answer = FIRST_QUERY + step + 1;
    this.#costs.fill(Infinity, rowOf(answer - 1, 0), rowOf(answer + 1, 0)); // of what is not written there
    this.#costs[rowOf(answer, target)] = 0;
    const untied = (w: readonly number[], x: number) => this.#cheapest(w, x, false);
    const [least, most] = [untied([0, 0, 0, 0, 0, 0], -1), -untied([0, 0, 0, 0, 0, 0], 1)];
    this.isEmpty = least === Infinity && sizes[WEIGHT] < Infinity;
    this.weight = [least * (1 - FLOAT64), most * (1 + FLOAT64)];
    part.near ??= UNITS.map((unit) => (untied(unit, 0) - untied(unit.map((value) => -value), 0)) / (least + most));
    this.center = part.near;
    const box = part.box ?? axes.map((axis) => this.along(axis, 1));
    this.center = combine(box.map(([lo, hi]) => (lo + hi) / 2), axes);
    const size = this.center.reduce((sum, center, l) => sum + sizes[l] / least + Math.abs(center), 0);
    this.#size = size * (1 + FLOAT64);
    this.skew = (SKEW + FLOAT64) * this.#size;
    const middles = axes.map((axis) => dot(axis, this.center));
    this.sides = box.map(([lo, hi], i) => Math.max(hi - middles[i], middles[i] - lo) + FLOAT64 * this.#size);
  }

  /** The least w . t, from below, where t_i is axis_i . (o - center). */
  least(w: readonly number[], rounds = MOST_ROUNDS): number {
    const sizes = w.map(Math.abs);
    const size = sizes.reduce((sum, value) => sum + value) * this.#size;
    if (!(size < 2 ** 500)) return -Infinity; // far from an overflow of float64
    const direction = combine(w, this.part.axes);
    const least = this.#leastAlong(direction, rounds) - dot(direction, this.center) - FLOAT64 * size;
    this.isEmpty ||= least > dot(sizes, this.sides) * (1 + FLOAT64);
    return least;
  }

  /** Between what axis . o lies. @param rounds How hard is tried to find a tight bound; 1: without ties */
  along(axis: readonly number[], rounds = MOST_ROUNDS): Range {
    return [this.#leastAlong(axis, rounds), -this.#leastAlong(axis.map((value) => -value), rounds)];
  }

  /** The least w . o, from below: x + min sum e (w . key - x) / sum e, for the best of a few x; -Infinity where numbers overflow. */
  #leastAlong(w: readonly number[], rounds: number): number {
    const { sizes } = this.part.query;
    const [leastWeight, mostWeight] = this.weight;
    const size = dot(w.map(Math.abs), sizes);
    let [x, best] = [dot(w, this.center), -Infinity];
    let [slope, lastX, lastCost] = [(leastWeight + mostWeight) / 2, 0, 0];
    for (let round = 0; round < rounds; round++) {
      const cost = this.#cheapest(w, x, rounds > 1);
      if (!Number.isFinite(cost)) break;
      const error = FLOAT64 * (size + Math.abs(x) * sizes[WEIGHT]) / leastWeight;
      best = Math.max(best, x + cost / (cost < 0 ? leastWeight : mostWeight) - error);
      if (Math.abs(cost) < 1e-5 * leastWeight) break;
      // the secant through the last two; which x is next matters to nothing but how fast the best one is found
      if (round > 0) slope = (lastCost - cost) / (x - lastX);
      [lastX, lastCost] = [x, cost];
      x += cost / slope;
    }
    return best;
  }

  /**
   * The least sum of e (w . key - x) that an input of the part has; Infinity where there is no input.
   *
   * @param isTied Whether the digits of the sum follow from the operands, place by place by the carry into the next; else they are free
   */
  #cheapest([w0, w1, w2, w3, w4, w5]: readonly number[], x: number, isTied: boolean): number {
    const { pairs, query: { all, rows, step } } = this.part;
    const costs = this.#costs;
    this.looks++;
    for (let i = 0; i < all.length; i++) { // for … of is slower (measured)
      const at = all[i] * ROW;
      costs[all[i]] = w0 * rows[at] + w1 * rows[at + 1] + w2 * rows[at + 2] + w3 * rows[at + 3] + w4 * rows[at + 4] +
        w5 * rows[at + 5] - x * rows[at + WEIGHT];
    }
    const pairCosts = this.#pairCosts;
    let states = [costs[PLUS_ROW], isTied ? Infinity : costs[PLUS_ROW]];
    for (let place = 0; place < OPERAND_DIGITS; place++) {
      const [firstA, firstB, firstSum] = FIRST_ROWS[place];
      if (pairs[place].length === DIGITS ** 2 && (place > step || !isTied)) { // all digits are free
        const least = leastDigit(costs, firstA) + leastDigit(costs, firstB) + leastDigit(costs, firstSum);
        states = [states[0] + least, states[1] + least];
        continue;
      }
      pairCosts.fill(Infinity);
      for (const { a, b } of pairs[place]) {
        pairCosts[a + b] = Math.min(pairCosts[a + b], costs[firstA + a] + costs[firstB + b]);
      }
      const next = [Infinity, Infinity];
      for (let sum = 0; sum < PAIR_SUMS; sum++) {
        for (let carry = 0; carry < 2; carry++) {
          const out = sum + carry < DIGITS ? 0 : 1;
          const digit = sum + carry - DIGITS * out;
          next[out] = Math.min(next[out], states[carry] + pairCosts[sum] + costs[firstSum + digit]);
        }
      }
      states = next;
    }
    const last = FIRST_ROWS[OPERAND_DIGITS][2];
    return Math.min(states[0] + costs[last], states[1] + costs[last + 1]);
  }
}

/** The least cost of ten digits from a row on. */
function leastDigit(costs: Float64Array, first: number): number {
  let least = Infinity;
  for (let digit = 0; digit < DIGITS; digit++) least = Math.min(least, costs[first + digit]);
  return least;
}

export function dot(x: readonly number[], y: readonly number[]): number {
  return x.reduce((sum, value, l) => sum + value * y[l], 0);
}

/** The sum of vectors, [6], each times its factor. */
function combine(factors: readonly number[], vectors: readonly (readonly number[])[]): number[] {
  return UNITS.map((_, l) => vectors.reduce((sum, vector, i) => sum + factors[i] * vector[l], 0));
}

/** Whether axes are perpendicular and of length 1. */
export function arePerpendicular(axes: readonly (readonly number[])[]): boolean {
  return UNITS.every((unit, l) =>
    combine(axes.map((axis) => axis[l]), axes).every((value, m) => Math.abs(value - unit[m]) <= SKEW)
  );
}
