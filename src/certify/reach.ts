/**
 * Between what w . o lies over a part, where o is the attention's output. docs/certificate.md, "Attention", "Ties" and "Cells", says why.
 *
 * A proof asks a million times, so nothing here makes an array that it need not.
 */
import { FLOAT64 } from "../checker/forms.ts";
import { SKEW } from "../checker/attention.ts";
import { DIGITS, KEY_WIDTH, ROW, rowOf } from "../engine/wasm/decoding_tables.ts";
import { OPERAND_DIGITS, positionOfA, positionOfB, positionOfSum } from "../model/vocabulary.ts";
import { ANY_DIGIT, type Part } from "./groups.ts";
import { dot, Hull } from "./hull.ts";
import type { Query } from "./query.ts";

const MOST_ROWS = 34 * DIGITS;
const PAIR_SUMS = 19;
const MOST_ROUNDS = 8;
/** Questions about a cell, and by how much the answer to one must lie beyond what was known. */
const MOST_SEPARATIONS = 24;
const PROGRESS = 1e-6;
/** The unit vectors of o's space. */
const UNITS = Float64Array.from({ length: KEY_WIDTH ** 2 }, (_, i) => Number(i % (KEY_WIDTH + 1) === 0));
/** Digits of a set, by its bits. */
export const DIGITS_OF: readonly (readonly number[])[] = Array.from(
  { length: 2 ** DIGITS },
  (_, bits) => Array.from({ length: DIGITS }, (_, digit) => digit).filter((digit) => bits >> digit & 1),
);

/** The digits of an input, ones first. */
export type Digits<Values = ArrayLike<number>> = { readonly a: Values; readonly b: Values };

/**
 * Bounds over one part at a time. A direction w is six numbers of an array, from an index on, by the part's axes: w . t, where t_i is
 * axis_i . (o - center). What is no cell has the coordinates of o for axes.
 */
export class Reach {
  /** Near the middle of what o can be, [6]. */
  readonly center = new Float64Array(KEY_WIDTH);
  /** How far o can be from it along each axis. */
  readonly sides = new Float64Array(KEY_WIDTH);
  /** [6, 6], one a row. */
  axes: Float64Array = UNITS;
  /** How far o - center may be from the sum of its t_i axis_i, in each coordinate. */
  skew = 0;
  /** Counts the parts taken. */
  taken = 0;
  /** Results of {@linkcode apart}. */
  lo = 0;
  hi = 0;
  leastWeight = 0;
  mostWeight = 0;
  #query!: Query;
  #part!: Part;
  /** [n, 8], the rows that are chosen from, choice by choice; where each choice ends. */
  readonly #rows = new Float64Array(MOST_ROWS * ROW);
  readonly #ends = new Int32Array(MOST_ROWS);
  #choices = 0;
  #end = 0;
  /** [7]: the middle of the sum of each column of the rows that no choice is made for, and how far it may be from there. */
  readonly #fixed = new Float64Array(KEY_WIDTH + 1);
  readonly #spread = new Float64Array(KEY_WIDTH + 1);
  /** [7]: between what the sum of each column lies. */
  readonly #columnLo = new Float64Array(KEY_WIDTH + 1);
  readonly #columnHi = new Float64Array(KEY_WIDTH + 1);
  /** The query whose free positions, none of them cut, come first in `rows`; what is known of these choices. */
  #laidOut: Query | undefined;
  #freeChoices = 0;
  readonly #freeLo = new Float64Array(KEY_WIDTH + 1);
  readonly #freeHi = new Float64Array(KEY_WIDTH + 1);
  readonly #direction = new Float64Array(KEY_WIDTH);
  readonly #box = new Float64Array(2 * KEY_WIDTH);
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

  /** Takes a part. @returns Whether there may be an input in it */
  take(query: Query, part: Part): boolean {
    this.#query = query;
    this.#part = part;
    this.taken++;
    if (!this.#gather()) return false;
    const { center } = this;
    const [least, most] = [this.#columnLo, this.#columnHi];
    this.leastWeight = least[KEY_WIDTH] * (1 - FLOAT64);
    this.mostWeight = most[KEY_WIDTH] * (1 + FLOAT64);
    const middleWeight = this.leastWeight + this.mostWeight;
    for (let l = 0; l < KEY_WIDTH; l++) center[l] = (least[l] + most[l]) / middleWeight;
    this.axes = part.cell?.axes ?? UNITS;
    if (part.cell !== undefined && this.#hull?.axes !== this.axes) this.#hull = new Hull(this.axes);
    return true;
  }

  /** Finds the sides, and moves the center to the middle between them. */
  measureSides(): void {
    const { axes, center, sides } = this;
    const given = this.#part.cell?.box;
    const box = this.#box;
    for (let i = 0; i < KEY_WIDTH && given === undefined; i++) {
      this.apart(UNITS, i * KEY_WIDTH);
      box[2 * i] = center[i] + this.lo;
      box[2 * i + 1] = center[i] + this.hi;
    }
    box.set(given ?? box);
    center.fill(0);
    for (let i = 0; i < KEY_WIDTH; i++) {
      const middle = (box[2 * i] + box[2 * i + 1]) / 2;
      for (let l = 0; l < KEY_WIDTH; l++) center[l] += middle * axes[i * KEY_WIDTH + l];
    }
    let size = 0;
    for (let l = 0; l < KEY_WIDTH; l++) size += this.#query.sizes[l] / this.leastWeight + Math.abs(center[l]);
    this.skew = (SKEW + FLOAT64) * size;
    for (let i = 0; i < KEY_WIDTH; i++) {
      const middle = dot(axes, i * KEY_WIDTH, center);
      sides[i] = Math.max(middle - box[2 * i], box[2 * i + 1] - middle) + FLOAT64 * size;
    }
  }

  /**
   * Lays out the rows to choose from, those of two positions with a given sum of digits added up, and finds between what the sum of each column
   * lies. @returns Whether each choice has a row
   */
  #gather(): boolean {
    const { group: { step, sum, before }, digits } = this.#part;
    const { free, carrying, fixedRow, faintLo, faintHi } = this.#query;
    let isCut = false;
    for (const position of free) isCut ||= digits[position] !== ANY_DIGIT;
    if (isCut || this.#laidOut !== this.#query) {
      this.#laidOut = isCut ? undefined : this.#query;
      for (let l = 0; l <= KEY_WIDTH; l++) {
        const [lo, hi] = isCut ? [0, 0] : [faintLo[l], faintHi[l]];
        this.#columnLo[l] = fixedRow[l] + lo;
        this.#columnHi[l] = fixedRow[l] + hi;
        this.#fixed[l] = fixedRow[l] + (lo + hi) / 2;
        this.#spread[l] = (hi - lo) / 2;
      }
      this.#choices = this.#end = 0;
      for (const position of isCut ? free : carrying) if (!this.#addChoice(position, -1, 0)) return false;
      this.#freeLo.set(this.#columnLo);
      this.#freeHi.set(this.#columnHi);
      this.#freeChoices = this.#choices;
    }
    this.#columnLo.set(this.#freeLo);
    this.#columnHi.set(this.#freeHi);
    this.#choices = this.#freeChoices;
    this.#end = this.#choices > 0 ? this.#ends[this.#choices - 1] : 0;
    return (sum === undefined || this.#addChoice(positionOfA(step), positionOfB(step), sum)) &&
      (before === undefined || this.#addChoice(positionOfA(step - 1), positionOfB(step - 1), before));
  }

  /** The rows of a position, or of two with a given sum. @returns Whether there is one */
  #addChoice(position: number, partner: number, sum: number): boolean {
    const { digits } = this.#part;
    const { rows } = this.#query;
    const own = this.#rows;
    const start = this.#end;
    for (const digit of DIGITS_OF[digits[position]]) {
      const at = (position * DIGITS + digit) * ROW;
      const other = sum - digit;
      if (partner >= 0 && (other < 0 || other > 9 || (digits[partner] >> other & 1) === 0)) continue;
      const with_ = (partner * DIGITS + other) * ROW;
      for (let l = 0; l <= KEY_WIDTH; l++) {
        own[this.#end + l] = partner < 0 ? rows[at + l] : rows[at + l] + rows[with_ + l];
      }
      this.#end += ROW;
    }
    if (this.#end === start) return false;
    this.#ends[this.#choices++] = this.#end;
    for (let l = 0; l <= KEY_WIDTH; l++) {
      let [least, most] = [Infinity, -Infinity];
      for (let i = start + l; i < this.#end; i += ROW) {
        least = Math.min(least, own[i]);
        most = Math.max(most, own[i]);
      }
      this.#columnLo[l] += least;
      this.#columnHi[l] += most;
    }
    return true;
  }

  /** The least and the greatest sum of w . (e key) + f e. */
  #range(w0: number, w1: number, w2: number, w3: number, w4: number, w5: number, f: number): void {
    const [own, fixed, spread] = [this.#rows, this.#fixed, this.#spread];
    const middle = w0 * fixed[0] + w1 * fixed[1] + w2 * fixed[2] + w3 * fixed[3] + w4 * fixed[4] + w5 * fixed[5] +
      f * fixed[6];
    const far = Math.abs(w0) * spread[0] + Math.abs(w1) * spread[1] + Math.abs(w2) * spread[2] +
      Math.abs(w3) * spread[3] + Math.abs(w4) * spread[4] + Math.abs(w5) * spread[5] + Math.abs(f) * spread[6];
    let lo = middle - far;
    let hi = middle + far;
    let i = 0;
    for (let c = 0; c < this.#choices; c++) {
      const end = this.#ends[c];
      let least = Infinity;
      let most = -Infinity;
      for (; i < end; i += ROW) {
        const cost = w0 * own[i] + w1 * own[i + 1] + w2 * own[i + 2] + w3 * own[i + 3] + w4 * own[i + 4] +
          w5 * own[i + 5] + f * own[i + 6];
        least = cost < least ? cost : least;
        most = cost > most ? cost : most;
      }
      lo += least;
      hi += most;
    }
    this.lo = lo;
    this.hi = hi;
  }

  /** What float64 may get wrong in w . o - x. */
  #error(w: Float64Array, x: number): number {
    const { sizes } = this.#query;
    let [size, offset] = [Math.abs(x) * sizes[KEY_WIDTH], 0];
    for (let l = 0; l < KEY_WIDTH; l++) {
      size += Math.abs(w[l]) * sizes[l];
      offset += Math.abs(w[l] * this.center[l]);
    }
    return FLOAT64 * (size / this.leastWeight + offset);
  }

  /** Each choice on its own. */
  apart(w: Float64Array, at: number): void {
    const direction = this.#along(w, at);
    const x = dot(direction, 0, this.center);
    this.#range(direction[0], direction[1], direction[2], direction[3], direction[4], direction[5], -x);
    const error = this.#error(direction, x);
    this.lo = this.lo / (this.lo < 0 ? this.leastWeight : this.mostWeight) - error;
    this.hi = this.hi / (this.hi > 0 ? this.leastWeight : this.mostWeight) + error;
  }

  /**
   * The lower end alone: with ties, where the digits of the sum are as the operands and their carries make them, or as {@linkcode apart}.
   *
   * @param enough A bound below it may be -Infinity
   */
  least(w: Float64Array, at: number, isTied = true, enough = -Infinity): number {
    if (!isTied) {
      this.apart(w, at);
      return this.lo;
    }
    let offset = 0;
    for (let i = 0; i < KEY_WIDTH; i++) offset += w[at + i] * dot(this.axes, i * KEY_WIDTH, this.center);
    if (this.#part.cell !== undefined && this.#hull!.least(w, at) - offset < enough) return -Infinity;
    return this.#leastTied(this.#along(w, at), offset) - offset;
  }

  /** The direction in the space of o. */
  #along(w: ArrayLike<number>, at: number): Float64Array {
    const direction = this.#direction.fill(0);
    for (let i = 0; i < KEY_WIDTH; i++) {
      for (let l = 0; l < KEY_WIDTH; l++) direction[l] += w[at + i] * this.axes[i * KEY_WIDTH + l];
    }
    return direction;
  }

  /** A direction along which every input of the part lies beyond its cell, so that the cell is empty; undefined where none is found. */
  separate(): number[] | undefined {
    const { box } = this.#part.cell!;
    const hull = this.#hull!;
    for (let round = 0; round < MOST_SEPARATIONS; round++) {
      const known = hull.excluding(box);
      if (known !== undefined) return known;
      const direction = hull.towards(box);
      if (direction === undefined) return undefined;
      const nearest = hull.least(direction, 0);
      const along = this.#along(direction, 0);
      const least = this.#leastTied(along, nearest < Infinity ? nearest : dot(along, 0, this.center));
      outputOf(this.#query, this.input(), this.#output);
      hull.add(direction, least, this.#output);
      if (!(least < nearest - PROGRESS)) return hull.excluding(box);
    }
    return undefined;
  }

  /**
   * The least w . o, from below: x + min sum e (w . key - x) / sum e for the best of a few x. The quotient of the minimizing input
   * becomes the next x, until the least is 0 (Dinkelbach 1967, "On nonlinear fractional programming"). Infinity where there is no input.
   */
  #leastTied(w: Float64Array, start: number): number {
    const { rows, positions } = this.#query;
    for (let i = 0; i < positions * DIGITS; i++) this.#projected[i] = dot(rows, i * ROW, w);
    let [x, best] = [start, -Infinity];
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const cost = this.#cheapest(x);
      if (cost === Infinity) return Infinity;
      best = Math.max(best, x + cost / (cost < 0 ? this.leastWeight : this.mostWeight) - this.#error(w, x));
      if (!(Math.abs(cost) > 1e-12 * this.leastWeight)) break;
      x += cost / outputOf(this.#query, this.input(), this.#output);
    }
    return best;
  }

  /** The input of the part for which direction . o is nearly least; undefined where there is none. */
  worst(direction: Float64Array, start: number): Digits<number[]> | undefined {
    return this.#leastTied(direction, start) === Infinity ? undefined : this.input();
  }

  /** The least sum of projected - x e over the part's inputs, place by place by the carry into the next; {@linkcode input} gives the one. */
  #cheapest(x: number): number {
    const { group: { step, token, target, sum, before }, digits } = this.#part;
    const { rows, positions } = this.#query;
    const costs = this.#costs;
    for (let i = 0; i < positions * DIGITS; i++) costs[i] = this.#projected[i] - x * rows[i * ROW + KEY_WIDTH];
    const from = this.#from;
    const least = this.#leastCost.fill(Infinity);
    least[0] = 0;
    for (let place = 0; place < OPERAND_DIGITS; place++) {
      this.#pairs(place, place === step ? sum : place === step - 1 ? before : undefined);
      const isWritten = place < step - 1;
      const atSum = positionOfSum(place);
      const only = place === step - 1 ? 1 << token : place === step ? 1 << target : ANY_DIGIT;
      const allowed = isWritten ? digits[atSum] : only;
      for (let carry = 0; carry < 2; carry++) {
        const soFar = least[2 * place + carry];
        if (soFar === Infinity) continue;
        for (let pair = 0; pair < PAIR_SUMS; pair++) {
          const out = pair + carry > 9 ? 1 : 0;
          const digit = pair + carry - 10 * out;
          if ((allowed >> digit & 1) === 0) continue;
          const total = soFar + this.#pairCost[pair] + (isWritten ? costs[atSum * DIGITS + digit] : 0);
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

  /** The cheapest pair of digits of each sum at a place, or of one sum alone. */
  #pairs(place: number, tied: number | undefined): void {
    const { digits } = this.#part;
    const [atA, atB] = [positionOfA(place), positionOfB(place)];
    const costs = this.#costs;
    const pairCost = this.#pairCost.fill(Infinity);
    for (const a of DIGITS_OF[digits[atA]]) {
      const costA = costs[atA * DIGITS + a];
      for (const b of DIGITS_OF[digits[atB]]) {
        const cost = costA + costs[atB * DIGITS + b];
        if (cost >= pairCost[a + b] || tied !== undefined && a + b !== tied) continue;
        pairCost[a + b] = cost;
        this.#pairA[place * PAIR_SUMS + a + b] = a;
      }
    }
  }

  /** The input of the last {@linkcode #cheapest}. */
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
