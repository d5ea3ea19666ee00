/**
 * Between what w . o lies over a part, where o is the attention's output. docs/certificate.md, "Attention", "Ties" and "Cells", says why.
 *
 * A proof asks a million times, so nothing here makes an array that it need not.
 */
import { FLOAT64, type Range } from "../checker/forms.ts";
import { SKEW } from "../checker/attention.ts";
import type { Part } from "../checker/groups.ts";
import type { Query } from "../checker/query.ts";
import { DIGITS, KEY_WIDTH, ROW, rowOf } from "../engine/wasm/decoding_tables.ts";
import { FIRST_QUERY, OPERAND_DIGITS, positionOfA, positionOfB, positionOfSum } from "../model/vocabulary.ts";
import { type Choice, type Choices, choicesOf } from "./choices.ts";
import { dot, Hull } from "./hull.ts";

const MOST_ROWS = 34 * DIGITS;
const PAIR_SUMS = 19;
const MOST_ROUNDS = 8;
/** Questions about a cell, and by how much the answer to one must lie beyond what was known. */
const MOST_SEPARATIONS = 24;
const PROGRESS = 1e-6;

/** The digits of an input, ones first. */
export type Digits<Values = ArrayLike<number>> = { readonly a: Values; readonly b: Values };

/**
 * Bounds over one part at a time. A direction w is by the part's axes: w . t, where t_i is axis_i . (o - center).
 */
export class Reach {
  /** Near the middle of what o can be, [6]. */
  readonly center = new Float64Array(KEY_WIDTH);
  /** How far o can be from it along each axis. */
  readonly sides = new Float64Array(KEY_WIDTH);
  /** How far o - center may be from the sum of its t_i axis_i, in each coordinate. */
  skew = 0;
  part!: Part;
  /** Whether {@linkcode measureSides} was called for the part. */
  isMeasured = false;
  /** The upper end that {@linkcode apart} found last. */
  hi = 0;
  leastWeight = 0;
  mostWeight = 0;
  readonly #known = new WeakMap<Query, Choices>();
  #choices!: Choices;
  /** Those that are not faint, of free and of tied positions. */
  #carrying!: readonly Choice[];
  readonly #direction = new Float64Array(KEY_WIDTH);
  readonly #output = new Float64Array(KEY_WIDTH);
  /** Of the part whose cells are asked about: all cells of a part have the same array of axes. */
  #hull: Hull | undefined;
  // of ties
  readonly #projected = new Float64Array(MOST_ROWS);
  readonly #costs = new Float64Array(MOST_ROWS);
  readonly #pairCost = new Float64Array(PAIR_SUMS);
  readonly #pairA = new Int8Array(PAIR_SUMS * OPERAND_DIGITS);
  /** The least cost up to each place, by the carry into it. */
  readonly #leastCost = new Float64Array(2 * (OPERAND_DIGITS + 1));
  /** The carry into each place that the cheapest way to each carry out of it came with, and its pair's sum. */
  readonly #from = new Int8Array(2 * 2 * OPERAND_DIGITS);
  #lastCarry = 0;

  /** Takes a part, and finds between what the sum of each column of its rows lies. */
  take(part: Part): void {
    const { query, pairs, axes, box } = part;
    this.part = part;
    this.isMeasured = false;
    this.#choices = this.#known.get(query) ?? choicesOf(query);
    this.#known.set(query, this.#choices);
    const { carrying, lo, hi } = this.#choices;
    const ties = this.#choices.ties(pairs);
    this.#carrying = [...carrying, ...ties];
    for (let l = KEY_WIDTH; l >= 0; l--) {
      let least = lo[l];
      let most = hi[l];
      for (let i = 0; i < ties.length; i++) {
        least += ties[i].lo[l];
        most += ties[i].hi[l];
      }
      if (l < KEY_WIDTH) this.center[l] = (least + most) / (this.leastWeight + this.mostWeight);
      else {
        this.leastWeight = least * (1 - FLOAT64);
        this.mostWeight = most * (1 + FLOAT64);
      }
    }
    if (box !== undefined && this.#hull?.axes !== axes) this.#hull = new Hull(axes);
  }

  /** Finds the sides, and moves the center to the middle between them. */
  measureSides(): void {
    const { center, sides, part: { axes, query: { sizes } } } = this;
    this.isMeasured = true;
    const box = this.part.box ?? axes.map((unit, l): Range => [center[l] + this.apart(unit), center[l] + this.hi]);
    center.fill(0);
    for (let i = 0; i < KEY_WIDTH; i++) {
      const middle = (box[i][0] + box[i][1]) / 2;
      for (let l = 0; l < KEY_WIDTH; l++) center[l] += middle * axes[i][l];
    }
    let size = 0;
    for (let l = 0; l < KEY_WIDTH; l++) size += sizes[l] / this.leastWeight + Math.abs(center[l]);
    this.skew = (SKEW + FLOAT64) * size;
    for (let i = 0; i < KEY_WIDTH; i++) {
      const middle = dot(axes[i], center);
      sides[i] = Math.max(middle - box[i][0], box[i][1] - middle) + FLOAT64 * size;
    }
  }

  /** What float64 may get wrong in w . o - x. */
  #error(w: Float64Array, x: number): number {
    const { sizes } = this.part.query;
    let size = Math.abs(x) * sizes[KEY_WIDTH];
    let offset = 0;
    for (let l = 0; l < KEY_WIDTH; l++) {
      size += Math.abs(w[l]) * sizes[l];
      offset += Math.abs(w[l] * this.center[l]);
    }
    return FLOAT64 * (size / this.leastWeight + offset);
  }

  /** Each choice on its own: by the least and the greatest sum of e (w . key - x), where x = w . center. @returns The lower end */
  apart(w: ArrayLike<number>): number {
    const direction = this.#along(w);
    const [w0, w1, w2] = [direction[0], direction[1], direction[2]];
    const [w3, w4, w5] = [direction[3], direction[4], direction[5]];
    const x = dot(direction, this.center);
    const { middle, spread } = this.#choices;
    const sum = dot(middle, direction) - x * middle[KEY_WIDTH];
    let far = 0;
    for (let l = 0; l < KEY_WIDTH; l++) far += Math.abs(direction[l]) * spread[l];
    far += Math.abs(x) * spread[KEY_WIDTH];
    let lo = sum - far;
    let hi = sum + far;
    for (const { rows } of this.#carrying) {
      let least = Infinity;
      let most = -Infinity;
      for (let i = 0; i < rows.length; i += ROW) {
        const cost = w0 * rows[i] + w1 * rows[i + 1] + w2 * rows[i + 2] + w3 * rows[i + 3] + w4 * rows[i + 4] +
          w5 * rows[i + 5] - x * rows[i + KEY_WIDTH];
        least = cost < least ? cost : least;
        most = cost > most ? cost : most;
      }
      lo += least;
      hi += most;
    }
    const error = this.#error(direction, x);
    this.hi = hi / (hi > 0 ? this.leastWeight : this.mostWeight) + error;
    return lo / (lo < 0 ? this.leastWeight : this.mostWeight) - error;
  }

  /**
   * The lower end with ties: the digits of the sum are as the operands and their carries make them.
   *
   * @param enough A bound below it may be -Infinity
   */
  least(w: ArrayLike<number>, enough = -Infinity): number {
    const { axes, box } = this.part;
    let offset = 0;
    for (let i = 0; i < KEY_WIDTH; i++) offset += w[i] * dot(axes[i], this.center);
    if (box !== undefined && this.#hull!.least(w) - offset < enough) return -Infinity;
    return this.leastAlong(this.#along(w), offset) - offset;
  }

  /** The direction in the space of o. */
  #along(w: ArrayLike<number>): Float64Array {
    const { axes } = this.part;
    const direction = this.#direction.fill(0);
    for (let i = 0; i < KEY_WIDTH; i++) {
      for (let l = 0; l < KEY_WIDTH; l++) direction[l] += w[i] * axes[i][l];
    }
    return direction;
  }

  /** A direction along which every input of the part lies beyond its cell, so that the cell is empty; undefined where none is found. */
  separate(): number[] | undefined {
    const [box, hull] = [this.part.box!, this.#hull!];
    for (let round = 0; round < MOST_SEPARATIONS; round++) {
      const known = hull.excluding(box);
      if (known !== undefined) return known;
      const direction = hull.towards(box);
      if (direction === undefined) return undefined;
      const nearest = hull.least(direction);
      const along = this.#along(direction);
      const least = this.leastAlong(along, nearest < Infinity ? nearest : dot(along, this.center));
      outputOf(this.part.query, this.input(), this.#output);
      hull.add(direction, least, this.#output);
      if (!(least < nearest - PROGRESS)) return hull.excluding(box);
    }
    return undefined;
  }

  /**
   * The least w . o, from below: x + min sum e (w . key - x) / sum e for the best of a few x. The quotient of the minimizing input
   * becomes the next x, until the least is 0 (Dinkelbach 1967, "On nonlinear fractional programming"). Infinity where there is no input; else
   * {@linkcode input} gives one for which w . o is nearly least.
   */
  leastAlong(w: Float64Array, start: number): number {
    const { rows, step } = this.part.query;
    for (let i = 0; i < (FIRST_QUERY + step + 1) * DIGITS; i++) this.#projected[i] = rowDot(rows, i * ROW, w);
    let [x, best] = [start, -Infinity];
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const cost = this.#cheapest(x);
      if (cost === Infinity) return Infinity;
      best = Math.max(best, x + cost / (cost < 0 ? this.leastWeight : this.mostWeight) - this.#error(w, x));
      if (!(Math.abs(cost) > 1e-12 * this.leastWeight)) break;
      x += cost / outputOf(this.part.query, this.input(), this.#output);
    }
    return best;
  }

  /** The least sum of projected - x e over the part's inputs, place by place by the carry into the next. */
  #cheapest(x: number): number {
    const { query: { step, token, rows }, target } = this.part;
    const [costs, from, least] = [this.#costs, this.#from, this.#leastCost.fill(Infinity)];
    for (let i = 0; i < (FIRST_QUERY + step + 1) * DIGITS; i++) {
      costs[i] = this.#projected[i] - x * rows[i * ROW + KEY_WIDTH];
    }
    least[0] = 0;
    for (let place = 0; place < OPERAND_DIGITS; place++) {
      this.#pairs(place);
      const firstSum = rowOf(positionOfSum(place), 0);
      const only = place === step - 1 ? token : place === step ? target : -1;
      for (let carry = 0; carry < 2; carry++) {
        const soFar = least[2 * place + carry];
        if (soFar === Infinity) continue;
        for (let pair = 0; pair < PAIR_SUMS; pair++) {
          const out = pair + carry > 9 ? 1 : 0;
          const digit = pair + carry - 10 * out;
          if (only >= 0 && digit !== only) continue;
          const total = soFar + this.#pairCost[pair] + (place < step - 1 ? costs[firstSum + digit] : 0);
          if (total >= least[2 * place + 2 + out]) continue;
          least[2 * place + 2 + out] = total;
          from[4 * place + 2 * out] = carry;
          from[4 * place + 2 * out + 1] = pair;
        }
      }
    }
    const [without, withCarry] = least.subarray(2 * OPERAND_DIGITS);
    this.#lastCarry = step < OPERAND_DIGITS ? Number(withCarry < without) : step === OPERAND_DIGITS ? target : token;
    return (this.#lastCarry === 1 ? withCarry : without) + costs[OPERAND_DIGITS * DIGITS] +
      (step > 0 ? costs[rowOf(positionOfSum(step - 1), token)] : 0);
  }

  /** The cheapest pair of digits of each sum at a place. */
  #pairs(place: number): void {
    const [pairs, costs, pairA, at] = [this.part.pairs[place], this.#costs, this.#pairA, place * PAIR_SUMS];
    const [atA, atB] = [rowOf(positionOfA(place), 0), rowOf(positionOfB(place), 0)];
    const pairCost = this.#pairCost.fill(Infinity);
    for (let i = 0; i < pairs.length; i++) {
      const { a, b } = pairs[i];
      const cost = costs[atA + a] + costs[atB + b];
      if (cost >= pairCost[a + b]) continue;
      pairCost[a + b] = cost;
      pairA[at + a + b] = a;
    }
  }

  /** The input that was the cheapest last. */
  input(): Digits<number[]> {
    const a = new Array<number>(OPERAND_DIGITS);
    const b = new Array<number>(OPERAND_DIGITS);
    let carry = this.#lastCarry;
    for (let place = OPERAND_DIGITS - 1; place >= 0; place--) {
      const pair = this.#from[4 * place + 2 * carry + 1];
      carry = this.#from[4 * place + 2 * carry];
      a[place] = this.#pairA[place * PAIR_SUMS + pair];
      b[place] = pair - a[place];
    }
    return { a, b };
  }
}

/** Six numbers of a row that starts there, times six others. */
function rowDot(rows: Float64Array, at: number, w: Float64Array): number {
  return rows[at] * w[0] + rows[at + 1] * w[1] + rows[at + 2] * w[2] + rows[at + 3] * w[3] + rows[at + 4] * w[4] +
    rows[at + 5] * w[5];
}

/** o of one input, into `o`. @returns The sum of the weights */
export function outputOf({ rows, step, token }: Query, { a, b }: Digits, o: Float64Array): number {
  o.fill(0);
  let weight = 0;
  const add = (position: number, digit: number) => {
    const at = (position * DIGITS + digit) * ROW;
    for (let l = 0; l < KEY_WIDTH; l++) o[l] += rows[at + l];
    weight += rows[at + KEY_WIDTH];
  };
  add(OPERAND_DIGITS, 0);
  if (step > 0) add(positionOfSum(step - 1), token);
  let carry = 0;
  for (let place = 0; place < OPERAND_DIGITS; place++) {
    add(positionOfA(place), a[place]);
    add(positionOfB(place), b[place]);
    const all = a[place] + b[place] + carry;
    carry = all > 9 ? 1 : 0;
    if (place < step - 1) add(positionOfSum(place), all % 10);
  }
  for (let l = 0; l < KEY_WIDTH; l++) o[l] /= weight;
  return weight;
}
