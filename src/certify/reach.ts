/**
 * Between what w . o lies over a part, where o is the attention's output. docs/certificate.md, "Attention", "Ties" and "Cells", says why.
 *
 * A proof asks a million times, so nothing here makes an array that it need not.
 */
import { FLOAT64 } from "../checker/forms.ts";
import { PAIR_SUMS, SKEW } from "../checker/attention.ts";
import type { Part } from "../checker/groups.ts";
import { PLUS_ROW, type Query } from "../checker/query.ts";
import { DIGITS, KEY_WIDTH, ROW, rowOf, tokensAtPosition } from "../engine/wasm/decoding_tables.ts";
import { FIRST_QUERY, OPERAND_DIGITS, positionOfA, positionOfB, positionOfSum } from "../model/vocabulary.ts";
import { dot, Hull } from "./hull.ts";

const COLUMNS = KEY_WIDTH + 1;
const MOST_ROWS = 34 * DIGITS;
/** A position is faint whose tokens have at most this share of the weight of all. */
const FAINT = 3e-6;
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
  /** The part's axes, [6, 6], one a row. */
  readonly axes = new Float64Array(KEY_WIDTH ** 2);
  /** That at hand. */
  part!: Part;
  /** Whether {@linkcode measureSides} was called for it. */
  isMeasured = false;
  /** The upper end that {@linkcode apart} found last. */
  hi = 0;
  leastWeight = 0;
  mostWeight = 0;
  // Each input has the rows of the symbols and of the token that asks. The other positions are free, or tied two by two, where groups give a sum.
  /** [n, 8], the rows that are chosen from: of each free position that is not faint, then the sums of two rows of each tied place. */
  readonly #choices: Float64Array[] = [];
  #freeChoices = 0;
  readonly #ties = new Float64Array(OPERAND_DIGITS * DIGITS * ROW);
  /** [7]: between what the sum of each column of rows lies, but for tied positions and with them. */
  readonly #freeLo = new Float64Array(COLUMNS);
  readonly #freeHi = new Float64Array(COLUMNS);
  readonly #lo = new Float64Array(COLUMNS);
  readonly #hi = new Float64Array(COLUMNS);
  /** [7]: the middle of the sum of each column of fixed and faint positions, and how far it may be from there. */
  readonly #middle = new Float64Array(COLUMNS);
  readonly #spread = new Float64Array(COLUMNS);
  /** Between what the output lies along each axis, [6, 2]: once it is known, for what is no cell. */
  readonly #box = new Float64Array(2 * KEY_WIDTH);
  readonly #direction = new Float64Array(KEY_WIDTH);
  readonly #output = new Float64Array(COLUMNS);
  /** Of the part whose cells are asked about: all cells of a part have the same array of axes. */
  #hull!: Hull;
  // of ties
  readonly #projected = new Float64Array(MOST_ROWS);
  readonly #costs = new Float64Array(MOST_ROWS);
  readonly #pairCost = new Float64Array(PAIR_SUMS);
  readonly #pairA = new Int8Array(PAIR_SUMS * OPERAND_DIGITS);
  /** The least cost up to each place, by the carry into it. */
  readonly #leastCost = new Float64Array(2 * (OPERAND_DIGITS + 1));
  /** By place and the carry out of it: twice the sum of the pair on the cheapest way there, plus the carry that it came with. */
  readonly #from = new Int8Array(2 * OPERAND_DIGITS);
  #lastCarry = 0;

  /** Takes a part, and finds between what the sum of each column of its rows lies. */
  take(part: Part): void {
    const { query, pairs, axes, box } = part;
    const [lo, hi] = [this.#lo, this.#hi];
    if (query !== this.part?.query) this.#takeFree(part);
    if (pairs !== this.part?.pairs) {
      lo.set(this.#freeLo);
      hi.set(this.#freeHi);
      this.#choices.length = this.#freeChoices;
      for (let place = OPERAND_DIGITS - 1; place >= 0; place--) if (isTied(pairs[place])) this.#takeTied(part, place);
    }
    // what asks and what is asked for are each one digit of the sum; those after them cost nothing
    const asking = FIRST_QUERY + query.step;
    this.#costs.fill(0).fill(Infinity, rowOf(asking, 0), rowOf(asking + 2, 0));
    this.#costs[rowOf(asking, query.token)] = this.#costs[rowOf(asking + 1, part.target)] = 0;
    if (axes !== this.part?.axes) {
      axes.forEach((axis, i) => this.axes.set(axis, i * KEY_WIDTH));
      this.#hull = new Hull(this.axes);
    }
    box?.forEach((ends, i) => this.#box.set(ends, 2 * i));
    this.part = part;
    this.isMeasured = false;
    this.leastWeight = lo[KEY_WIDTH] * (1 - FLOAT64);
    this.mostWeight = hi[KEY_WIDTH] * (1 + FLOAT64);
    for (let l = 0; l < KEY_WIDTH; l++) this.center[l] = (lo[l] + hi[l]) / (this.leastWeight + this.mostWeight);
  }

  /** What all parts of a query have in common. */
  #takeFree({ query: { step, token, rows, sizes }, pairs }: Part): void {
    const tied = pairs.flatMap((own, place) => isTied(own) ? [positionOfA(place), positionOfB(place)] : []);
    const [lo, hi] = [this.#freeLo.fill(0), this.#freeHi.fill(0)];
    const [faintLo, faintHi] = [this.#middle.fill(0), this.#spread.fill(0)];
    this.#choices.length = 0;
    for (let position = 0; position <= FIRST_QUERY + step; position++) {
      const own = rows.subarray(position * DIGITS * ROW, (position + 1) * DIGITS * ROW);
      const isFaint = own.every((value, i) => i % ROW !== KEY_WIDTH || value <= FAINT * sizes[KEY_WIDTH]);
      if (tied.includes(position)) continue;
      if (tokensAtPosition(position, step, token).length === 1) addRange(own, lo, lo); // all rows but one are 0
      else if (isFaint) addRange(own, faintLo, faintHi);
      else this.#choices.push(own);
    }
    for (let l = 0; l < COLUMNS; l++) {
      const fixed = lo[l];
      [lo[l], hi[l]] = [fixed + faintLo[l], fixed + faintHi[l]];
      [this.#middle[l], this.#spread[l]] = [fixed + (faintLo[l] + faintHi[l]) / 2, (faintHi[l] - faintLo[l]) / 2];
    }
    for (const own of this.#choices) addRange(own, lo, hi);
    this.#freeChoices = this.#choices.length;
  }

  #takeTied({ query: { rows }, pairs }: Part, place: number): void {
    const own = this.#ties.subarray(place * DIGITS * ROW).subarray(0, pairs[place].length * ROW);
    for (const [i, { a, b }] of pairs[place].entries()) {
      const [atA, atB] = [rowOf(positionOfA(place), a) * ROW, rowOf(positionOfB(place), b) * ROW];
      for (let l = 0; l < COLUMNS; l++) own[i * ROW + l] = rows[atA + l] + rows[atB + l];
    }
    addRange(own, this.#lo, this.#hi);
    this.#choices.push(own);
  }

  /** Finds the sides, and moves the center to the middle between them. */
  measureSides(): void {
    const { axes, center, sides, part: { query: { sizes } } } = this;
    const box = this.#box;
    this.isMeasured = true;
    for (let i = 0; i < KEY_WIDTH && this.part.box === undefined; i++) {
      box[2 * i] = center[i] + this.apart(this.part.axes[i]);
      box[2 * i + 1] = center[i] + this.hi;
    }
    center.fill(0);
    for (let i = 0; i < KEY_WIDTH; i++) {
      const middle = (box[2 * i] + box[2 * i + 1]) / 2;
      for (let l = 0; l < KEY_WIDTH; l++) center[l] += middle * axes[i * KEY_WIDTH + l];
    }
    let size = 0;
    for (let l = 0; l < KEY_WIDTH; l++) size += sizes[l] / this.leastWeight + Math.abs(center[l]);
    this.skew = (SKEW + FLOAT64) * size;
    for (let i = 0; i < KEY_WIDTH; i++) {
      const middle = dot(axes, i * KEY_WIDTH, center);
      sides[i] = Math.max(middle - box[2 * i], box[2 * i + 1] - middle) + FLOAT64 * size;
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
    const x = dot(direction, 0, this.center);
    const [middle, spread] = [this.#middle, this.#spread];
    const sum = dot(middle, 0, direction) - x * middle[KEY_WIDTH];
    let far = 0;
    for (let l = 0; l < KEY_WIDTH; l++) far += Math.abs(direction[l]) * spread[l];
    far += Math.abs(x) * spread[KEY_WIDTH];
    let lo = sum - far;
    let hi = sum + far;
    for (const rows of this.#choices) {
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
    let offset = 0;
    for (let i = 0; i < KEY_WIDTH; i++) offset += w[i] * dot(this.axes, i * KEY_WIDTH, this.center);
    if (this.#hull.least(w) - offset < enough) return -Infinity;
    return this.leastAlong(this.#along(w), offset) - offset;
  }

  /** The direction in the space of o. */
  #along(w: ArrayLike<number>): Float64Array {
    const direction = this.#direction.fill(0);
    for (let i = 0; i < KEY_WIDTH; i++) {
      for (let l = 0; l < KEY_WIDTH; l++) direction[l] += w[i] * this.axes[i * KEY_WIDTH + l];
    }
    return direction;
  }

  /** A direction along which every input of the part lies beyond its cell, so that the cell is empty; undefined where none is found. */
  separate(): number[] | undefined {
    const [box, hull] = [this.#box, this.#hull];
    for (let round = 0; round < MOST_SEPARATIONS; round++) {
      const known = hull.excluding(box);
      if (known !== undefined) return known;
      const direction = hull.towards(box);
      if (direction === undefined) return undefined;
      const nearest = hull.least(direction);
      const along = this.#along(direction);
      const least = this.leastAlong(along, nearest < Infinity ? nearest : dot(along, 0, this.center));
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
    for (let i = 0; i < (FIRST_QUERY + step + 1) * DIGITS; i++) this.#projected[i] = dot(rows, i * ROW, w);
    let [x, best] = [start, -Infinity];
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const cost = this.#cheapest(x);
      if (cost === Infinity) return Infinity;
      best = Math.max(best, x + cost / (cost < 0 ? this.leastWeight : this.mostWeight) - this.#error(w, x));
      if (!(Math.abs(cost) > 1e-12 * this.leastWeight)) break;
      outputOf(this.part.query, this.input(), this.#output);
      x += cost / this.#output[KEY_WIDTH];
    }
    return best;
  }

  /** The least sum of projected - x e over the part's inputs, place by place by the carry into the next. */
  #cheapest(x: number): number {
    const { step, token, rows } = this.part.query;
    const [projected, costs, from, least] = [this.#projected, this.#costs, this.#from, this.#leastCost.fill(Infinity)];
    for (let i = 0; i < rowOf(FIRST_QUERY + step, 0); i++) costs[i] = projected[i] - x * rows[i * ROW + KEY_WIDTH];
    least[0] = 0;
    for (let place = 0; place < OPERAND_DIGITS; place++) {
      this.#pairs(place);
      const firstSum = rowOf(positionOfSum(place), 0);
      for (let carry = 0; carry < 2; carry++) {
        for (let pair = 0; pair < PAIR_SUMS; pair++) {
          const out = pair + carry > 9 ? 1 : 0;
          const digit = pair + carry - 10 * out;
          const total = least[2 * place + carry] + this.#pairCost[pair] + costs[firstSum + digit];
          if (total >= least[2 * place + 2 + out]) continue;
          least[2 * place + 2 + out] = total;
          from[2 * place + out] = 2 * pair + carry;
        }
      }
    }
    const last = rowOf(positionOfSum(OPERAND_DIGITS), 0);
    const without = least[2 * OPERAND_DIGITS] + costs[last];
    const withCarry = least[2 * OPERAND_DIGITS + 1] + costs[last + 1];
    this.#lastCarry = Number(withCarry < without);
    const asking = rowOf(FIRST_QUERY + step, token);
    return Math.min(without, withCarry) + costs[PLUS_ROW] + (projected[asking] - x * rows[asking * ROW + KEY_WIDTH]);
  }

  /** The cheapest pair of digits of each sum at a place. */
  #pairs(place: number): void {
    const [pairs, costs, pairA, at] = [this.part.pairs[place], this.#costs, this.#pairA, place * PAIR_SUMS];
    const [atA, atB] = [rowOf(positionOfA(place), 0), rowOf(positionOfB(place), 0)];
    const pairCost = this.#pairCost.fill(Infinity);
    const [first, last] = [pairs[0], pairs[pairs.length - 1]];
    const tied = isTied(pairs) ? first.a + first.b : -1;
    for (let a = first.a; a <= last.a; a++) { // to read the pairs takes twice as long (measured)
      for (let b = 0; b < DIGITS; b++) {
        const cost = costs[atA + a] + costs[atB + b];
        if (cost >= pairCost[a + b] || tied >= 0 && a + b !== tied) continue;
        pairCost[a + b] = cost;
        pairA[at + a + b] = a;
      }
    }
  }

  /** The input that was the cheapest last. */
  input(): Digits<number[]> {
    const a = new Array<number>(OPERAND_DIGITS);
    const b = new Array<number>(OPERAND_DIGITS);
    let carry = this.#lastCarry;
    for (let place = OPERAND_DIGITS - 1; place >= 0; place--) {
      const from = this.#from[2 * place + carry];
      a[place] = this.#pairA[place * PAIR_SUMS + (from >> 1)];
      b[place] = (from >> 1) - a[place];
      carry = from & 1;
    }
    return { a, b };
  }
}

/** Whether the pairs that a place may have share a sum. */
function isTied(pairs: Part["pairs"][number]): boolean {
  return pairs.length < DIGITS ** 2;
}

/** Adds the least and the most of each column of some rows. */
function addRange(rows: Float64Array, lo: Float64Array, hi: Float64Array): void {
  for (let l = 0; l < COLUMNS; l++) {
    let least = Infinity;
    let most = -Infinity;
    for (let at = l; at < rows.length; at += ROW) {
      least = Math.min(least, rows[at]);
      most = Math.max(most, rows[at]);
    }
    lo[l] += least;
    hi[l] += most;
  }
}

/** o of one input, and the sum of the weights, into `o`, [7]. */
export function outputOf({ rows, step, token }: Query, { a, b }: Digits, o: Float64Array): void {
  o.fill(0);
  const add = (position: number, digit: number) => {
    const at = rowOf(position, digit) * ROW;
    for (let l = 0; l < COLUMNS; l++) o[l] += rows[at + l];
  };
  add(OPERAND_DIGITS, 0);
  add(FIRST_QUERY + step, token);
  let carry = 0;
  for (let place = 0; place < OPERAND_DIGITS; place++) {
    add(positionOfA(place), a[place]);
    add(positionOfB(place), b[place]);
    const all = a[place] + b[place] + carry;
    carry = all > 9 ? 1 : 0;
    if (place < step - 1) add(positionOfSum(place), all % 10);
  }
  for (let l = 0; l < KEY_WIDTH; l++) o[l] /= o[KEY_WIDTH];
}
