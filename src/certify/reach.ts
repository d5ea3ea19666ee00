/**
 * Between what w . o lies over a part, where o is the attention's output. docs/certificate.md, "Attention", "Ties" and "Cells", says why.
 *
 * A proof asks a million times, so nothing here makes an array that it need not.
 */
import { FLOAT64 } from "../checker/forms.ts";
import { SKEW } from "../checker/attention.ts";
import { DIGITS, KEY_WIDTH, ROW, rowOf } from "../engine/wasm/decoding_tables.ts";
import { OPERAND_DIGITS, positionOfA, positionOfB, positionOfSum } from "../model/vocabulary.ts";
import { type Part, tiedPlace } from "./groups.ts";
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
  /** The upper end that {@linkcode apart} found last. */
  hi = 0;
  leastWeight = 0;
  mostWeight = 0;
  #query!: Query;
  #part!: Part;
  /** [n, 8], the rows that are chosen from, choice by choice: the query's free rows, then those of tied digits. Where each choice ends. */
  readonly #rows = new Float64Array(MOST_ROWS * ROW);
  readonly #ends = new Int32Array(MOST_ROWS);
  #choices = 0;
  /** [7]: between what the sum of each column lies. */
  readonly #columnLo = new Float64Array(KEY_WIDTH + 1);
  readonly #columnHi = new Float64Array(KEY_WIDTH + 1);
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
  /** By place: the sum of its digits, and the digit of a; -1 where they are free. */
  readonly #sums = new Int8Array(OPERAND_DIGITS);
  readonly #digits = new Int8Array(OPERAND_DIGITS);
  /** The least cost up to each place, by the carry into it. */
  readonly #leastCost = new Float64Array(2 * (OPERAND_DIGITS + 1));
  /** The carry into each place that the cheapest way to each carry out of it came with, and its pair's sum. */
  readonly #from = new Int8Array(2 * 2 * OPERAND_DIGITS);
  #lastCarry = 0;

  /** Takes a part: lays out the rows to choose from, and finds between what the sum of each column lies. */
  take(query: Query, part: Part): void {
    const { group: { step, sums }, fixed, cell } = part;
    const { freeRows } = query;
    this.taken++;
    this.#part = part;
    this.#choices = freeRows.length / (DIGITS * ROW);
    if (query !== this.#query) {
      this.#query = query;
      this.#rows.set(freeRows);
      for (let c = 0; c < this.#choices; c++) this.#ends[c] = (c + 1) * DIGITS * ROW;
    }
    const [least, most] = [this.#columnLo, this.#columnHi];
    least.set(query.lo);
    most.set(query.hi);
    this.#sums.fill(-1);
    this.#digits.fill(-1);
    for (let i = 0; i < sums.length; i++) this.#addTie(tiedPlace(step, i), sums[i], fixed[i] ?? -1);
    this.leastWeight = least[KEY_WIDTH] * (1 - FLOAT64);
    this.mostWeight = most[KEY_WIDTH] * (1 + FLOAT64);
    const middleWeight = this.leastWeight + this.mostWeight;
    for (let l = 0; l < KEY_WIDTH; l++) this.center[l] = (least[l] + most[l]) / middleWeight;
    this.axes = cell?.axes ?? UNITS;
    if (cell !== undefined && this.#hull?.axes !== this.axes) this.#hull = new Hull(this.axes);
  }

  /** The choice of two digits with a given sum, whose rows are added up. @param digit That of a where it is given, or -1 */
  #addTie(place: number, sum: number, digit: number): void {
    this.#sums[place] = sum;
    this.#digits[place] = digit;
    const { rows } = this.#query;
    const own = this.#rows;
    const start = this.#choices === 0 ? 0 : this.#ends[this.#choices - 1];
    let end = start;
    const [first, last] = digit < 0 ? [Math.max(0, sum - 9), Math.min(9, sum)] : [digit, digit];
    for (let a = first; a <= last; a++) {
      const [atA, atB] = [rowOf(positionOfA(place), a) * ROW, rowOf(positionOfB(place), sum - a) * ROW];
      for (let l = 0; l <= KEY_WIDTH; l++) own[end + l] = rows[atA + l] + rows[atB + l];
      end += ROW;
    }
    this.#ends[this.#choices++] = end;
    for (let l = 0; l <= KEY_WIDTH; l++) {
      let [least, most] = [Infinity, -Infinity];
      for (let i = start + l; i < end; i += ROW) {
        least = Math.min(least, own[i]);
        most = Math.max(most, own[i]);
      }
      this.#columnLo[l] += least;
      this.#columnHi[l] += most;
    }
  }

  /** Finds the sides, and moves the center to the middle between them. */
  measureSides(): void {
    const { axes, center, sides } = this;
    const box = this.#part.cell?.box ?? this.#box;
    for (let i = 0; i < KEY_WIDTH && box === this.#box; i++) {
      box[2 * i] = center[i] + this.apart(UNITS, i * KEY_WIDTH);
      box[2 * i + 1] = center[i] + this.hi;
    }
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

  /** Each choice on its own: by the least and the greatest sum of e (w . key - x), where x = w . center. @returns The lower end */
  apart(w: Float64Array, at: number): number {
    const direction = this.#along(w, at);
    const [w0, w1, w2] = [direction[0], direction[1], direction[2]];
    const [w3, w4, w5] = [direction[3], direction[4], direction[5]];
    const x = dot(direction, 0, this.center);
    const { middle, spread } = this.#query;
    const sum = dot(middle, 0, direction) - x * middle[KEY_WIDTH];
    let far = 0;
    for (let l = 0; l < KEY_WIDTH; l++) far += Math.abs(direction[l]) * spread[l];
    far += Math.abs(x) * spread[KEY_WIDTH];
    let lo = sum - far;
    let hi = sum + far;
    const own = this.#rows;
    for (let c = 0, i = 0; c < this.#choices; c++) {
      const end = this.#ends[c];
      let least = Infinity;
      let most = -Infinity;
      for (; i < end; i += ROW) {
        const cost = w0 * own[i] + w1 * own[i + 1] + w2 * own[i + 2] + w3 * own[i + 3] + w4 * own[i + 4] +
          w5 * own[i + 5] - x * own[i + 6];
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
  least(w: Float64Array, at: number, enough = -Infinity): number {
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
    const { group: { step, token, target } } = this.#part;
    const { rows, positions } = this.#query;
    const costs = this.#costs;
    for (let i = 0; i < positions * DIGITS; i++) costs[i] = this.#projected[i] - x * rows[i * ROW + KEY_WIDTH];
    const from = this.#from;
    const least = this.#leastCost.fill(Infinity);
    least[0] = 0;
    for (let place = 0; place < OPERAND_DIGITS; place++) {
      this.#pairs(place);
      const isWritten = place < step - 1;
      const atSum = positionOfSum(place);
      const only = place === step - 1 ? token : place === step ? target : -1;
      for (let carry = 0; carry < 2; carry++) {
        const soFar = least[2 * place + carry];
        if (soFar === Infinity) continue;
        for (let pair = 0; pair < PAIR_SUMS; pair++) {
          const out = pair + carry > 9 ? 1 : 0;
          const digit = pair + carry - 10 * out;
          if (only >= 0 && digit !== only) continue;
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
  #pairs(place: number): void {
    const [tied, digit, costs] = [this.#sums[place], this.#digits[place], this.#costs];
    const [atA, atB] = [rowOf(positionOfA(place), 0), rowOf(positionOfB(place), 0)];
    const pairCost = this.#pairCost.fill(Infinity);
    for (let a = digit < 0 ? 0 : digit; a <= (digit < 0 ? 9 : digit); a++) {
      for (let b = 0; b < DIGITS; b++) {
        const cost = costs[atA + a] + costs[atB + b];
        if (cost >= pairCost[a + b] || tied >= 0 && a + b !== tied) continue;
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
