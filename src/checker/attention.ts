/**
 * Between what w . o lies over a part of the inputs, where o is the attention's output: a quotient of sums, one row a position.
 *
 * docs/certificate.md explains this file under "Attention", "Ties" and "Cells".
 */
import { DIGITS, KEY_WIDTH, ROW } from "../engine/wasm/decoding_tables.ts";
import { type Domain, FLOAT64, type Range } from "./forms.ts";
import { type Query, upTo, WEIGHT } from "./query.ts";

/** The directions of the coordinates of o, [6, 6]. */
export const UNITS = upTo(KEY_WIDTH - 1).map((l) => upTo(KEY_WIDTH - 1).map((i) => Number(i === l)));
/** Looks at the inputs for a tight bound. */
export const MOST_ROUNDS = 24;
const NO_DIRECTION = UNITS.map(() => 0);
/** Sizes that are far from an overflow of float64. */
const LARGEST_SIZE = 2 ** 500;

/** The rows of a digit of a and one of b, and the sum of these digits. */
export interface Pair {
  readonly a: number;
  readonly b: number;
  readonly sum: number;
}

/** A set of inputs that ask the same query and have the same right answer. */
export interface Part {
  /** Its name in a certificate. */
  readonly name: string;
  readonly query: Query;
  /** The right next token. */
  readonly target: number;
  /** The rows of each position that nothing written depends on. */
  readonly free: readonly (readonly number[])[];
  /** Which digits a and b may have at each place up to the one that is asked for. */
  readonly pairs: readonly (readonly Pair[])[];
  /** The rows of the digits that their sum may have at each place. */
  readonly written: readonly (readonly number[])[];
  /** Six directions, and in a cell between what the attention's output lies along each of them. */
  readonly axes: readonly (readonly number[])[];
  readonly box?: readonly Range[];
}

/** What is known of the attention over a part. */
export class Attention implements Domain {
  /** Near the middle of what o can be, [6]. Nothing depends on how near. */
  readonly center: readonly number[];
  /** How far o can be from it along each axis. */
  readonly sides: readonly number[];
  /** Between what the sum of the weights lies. */
  readonly weight: Range;
  /** Whether two bounds were found to exclude each other: then there is no input in the part. */
  isEmpty: boolean;
  readonly #part: Part;
  /** At least the size of all that is added up for a coordinate of o, or of o - center. */
  readonly #spread: readonly number[];
  readonly #costs: Float64Array;

  constructor(part: Part) {
    const { query: { rows, sizes }, axes } = part;
    this.#part = part;
    this.#costs = new Float64Array(rows.length / ROW);
    const [least, most] = [this.#cheapest(NO_DIRECTION, -1), -this.#cheapest(NO_DIRECTION, 1)];
    this.isEmpty = least === Infinity && sizes[WEIGHT] < Infinity;
    this.weight = [least * (1 - FLOAT64), most * (1 + FLOAT64)];
    this.center = this.#mean();
    const size = (l: number) => (sizes[l] / least + Math.abs(this.center[l])) * sizes[WEIGHT] / least * (1 + FLOAT64);
    this.#spread = this.center.map((_, l) => size(l));
    const box = part.box ?? axes.map((axis) => this.along(axis, 1));
    this.center = UNITS.map((_, l) => axes.reduce((sum, axis, i) => sum + (box[i][0] + box[i][1]) / 2 * axis[l], 0));
    this.#spread = this.#spread.map((spread, l) => Math.max(spread, size(l)));
    this.sides = axes.map((axis, i) => {
      const middle = dot(axis, this.center);
      return Math.max(box[i][1] - middle, middle - box[i][0]) + FLOAT64 * this.#sizeOf(axis);
    });
  }

  /** The quotient of the sums of each position's mean row. */
  #mean(): number[] {
    const { query: { rows }, free, pairs, written } = this.#part;
    const shares = new Float64Array(rows.length / ROW);
    for (const own of [...free, ...written]) for (const row of own) shares[row] += 1 / own.length;
    for (const own of pairs) {
      for (const { a, b } of own) {
        shares[a] += 1 / own.length;
        shares[b] += 1 / own.length;
      }
    }
    const sums = new Float64Array(ROW);
    for (let row = 0; row < shares.length; row++) {
      for (let column = 0; column <= WEIGHT; column++) sums[column] += shares[row] * rows[row * ROW + column];
    }
    return UNITS.map((_, l) => sums[l] / sums[WEIGHT]);
  }

  /** Between what w . o lies, by so many rounds. */
  along(w: readonly number[], rounds: number): Range {
    const error = FLOAT64 * this.#sizeOf(w);
    return [this.#least(w, rounds) - error, -this.#least(w.map((value) => -value), rounds) + error];
  }

  /** Between what w . t lies, where t_i is axis_i . (o - center): by the sides, and by `rounds` looks at the inputs themselves. */
  range(w: ArrayLike<number>, rounds: number): Range {
    const { axes } = this.#part;
    let [most, size] = [0, 0];
    const direction = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < KEY_WIDTH; i++) {
      most += Math.abs(w[i]) * this.sides[i] * (1 + FLOAT64);
      size += Math.abs(w[i]) * this.#sizeOf(axes[i]);
      for (let l = 0; l < KEY_WIDTH; l++) direction[l] += w[i] * axes[i][l];
    }
    if (rounds === 0 || !(size < LARGEST_SIZE)) return [-most, most];
    const middle = dot(direction, this.center);
    const [lo, hi] = this.along(direction, rounds);
    const range = [
      Math.max(-most, lo - middle - FLOAT64 * size),
      Math.min(most, hi - middle + FLOAT64 * size),
    ] as const;
    this.isEmpty ||= range[0] > range[1];
    return range;
  }

  /** How far o - center may be from the sum of its t_i axis_i, in each coordinate: nearly nothing where the axes are perpendicular. */
  skew(): number[] {
    const { axes } = this.#part;
    return UNITS.map((unit, l) =>
      this.#spread.reduce((sum, spread, m) => {
        const product = axes.reduce((sum, axis) => sum + axis[l] * axis[m], 0);
        return sum + (Math.abs(unit[m] - product) + FLOAT64) * spread;
      }, 0)
    );
  }

  /** The same as `spread`, of w . o. */
  #sizeOf(w: ArrayLike<number>): number {
    let size = 0;
    for (let l = 0; l < KEY_WIDTH; l++) size += Math.abs(w[l]) * this.#spread[l];
    return size;
  }

  /**
   * The least w . o, from below and but for rounding where x is 0: x + min sum e (w . key - x) / sum e, for the best of a few x; Infinity where there is no
   * input.
   */
  #least(w: readonly number[], rounds: number): number {
    const [leastWeight, mostWeight] = this.weight;
    let [x, best] = [dot(w, this.center), -Infinity];
    let [slope, lastX, lastCost] = [(leastWeight + mostWeight) / 2, 0, 0];
    for (let round = 0; round < rounds; round++) {
      const cost = this.#cheapest(w, x);
      const error = FLOAT64 * Math.abs(x) * this.#part.query.sizes[WEIGHT] / leastWeight;
      best = Math.max(best, x + cost / (cost < 0 ? leastWeight : mostWeight) - error);
      if (!(Math.abs(cost) > 1e-5 * leastWeight && cost < Infinity)) break;
      // the secant through the last two; which x is next matters to nothing but how fast the best one is found
      if (round > 0) slope = (lastCost - cost) / (x - lastX);
      [lastX, lastCost] = [x, cost];
      x += cost / slope;
    }
    return best;
  }

  /** The least sum of e (w . key - x) that an input of the part has, place by place by the carry into the next; Infinity where there is no input. */
  #cheapest([w0, w1, w2, w3, w4, w5]: readonly number[], x: number): number {
    const { query: { rows }, free, pairs, written } = this.#part;
    const costs = this.#costs;
    for (let row = 0; row < costs.length; row++) {
      const at = row * ROW;
      costs[row] = w0 * rows[at] + w1 * rows[at + 1] + w2 * rows[at + 2] + w3 * rows[at + 3] + w4 * rows[at + 4] +
        w5 * rows[at + 5] - x * rows[at + WEIGHT];
    }
    let states = [0, Infinity];
    for (const own of free) {
      let least = Infinity;
      for (const row of own) least = Math.min(least, costs[row]);
      states[0] += least;
    }
    for (let place = 0; place < pairs.length; place++) {
      const digitCosts = new Array<number>(DIGITS).fill(Infinity);
      for (const row of written[place]) digitCosts[row % DIGITS] = costs[row];
      const next = [Infinity, Infinity];
      for (const { a, b, sum } of pairs[place]) {
        const cost = costs[a] + costs[b];
        for (let carry = 0; carry < 2; carry++) {
          const out = sum + carry < DIGITS ? 0 : 1;
          next[out] = Math.min(next[out], states[carry] + cost + digitCosts[sum + carry - DIGITS * out]);
        }
      }
      states = next;
    }
    return Math.min(states[0], states[1]);
  }
}

export function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let total = 0;
  for (let l = 0; l < KEY_WIDTH; l++) total += x[l] * y[l];
  return total;
}
