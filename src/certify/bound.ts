/**
 * A lower bound of the margin over one region: how much more the right token gets than any other, whatever the free digits are.
 *
 * @module
 */
import { HIDDEN, TOKENS, WIDTH } from "../model/variant.ts";
import { principalAxes } from "./axes.ts";
import { Cells } from "./cells.ts";
import { attentionOf, type Digits, digitsIn, Minimizer, type WeightRange } from "./extremes.ts";
import { DIRECTIONS, type Head, INTO_HIDDEN } from "./head.ts";
import { DIGITS } from "./places.ts";
import { ENTRY, type Query } from "./query.ts";
import type { Region } from "./region.ts";

/**
 * How a region is cut in two: at a position, some digits (as bits) to the first part; or, where `position` is negative, along axis -1 - position,
 * what is at most `at` to the first part, what is at least `at` to the second.
 */
export interface Cut {
  position: number;
  at: number;
}

/** What is known of the margin over a region. */
export interface RegionBound {
  /** No input of the region has a smaller margin; Infinity where the region holds none. */
  bound: number;
  /** The smallest margin met, and the input that has it. */
  found?: { margin: number; input: Digits };
  /** How to cut it; undefined where it is a single input. */
  cut?: Cut;
}

/**
 * Subtracted from every bound, in logits, for float64: each figure is made by fewer than 10^4 roundings of 2^-53 relative to terms no larger
 * than `scale`, the largest logit, gradient product or curvature met, 10^-12 together; a thousandfold of that is taken.
 */
export const ROUNDING = 1e-9;

/** Below that weight of all tokens together nothing is known. */
const LEAST_WEIGHT = 1e-100;
/** A position that moves the hidden units by this share of what the widest axis does is cut rather than the axis: it then means one digit. */
const HEAVY = 20;
/** Cells of so many regions of a query are kept. */
const MOST_CELLS = 64;
/** Steps from one input to a worse one. */
const DESCENT = 4;

/** What is known of a query. */
interface Prepared {
  /** [28, positions * 10]: its entries projected on each direction. */
  onDirections: Float64Array[];
  axes: Float64Array;
  /** By the digits of their region. */
  cells: Map<string, Cells>;
}

/** Bounds margins over regions of one model. */
export class Bounder {
  readonly #head: Head;
  readonly #minimizer = new Minimizer();
  readonly #gradient = new Float64Array(WIDTH);
  readonly #center = new Float64Array(WIDTH);
  readonly #o = new Float64Array(WIDTH);
  readonly #lo = new Float64Array(DIRECTIONS);
  readonly #hi = new Float64Array(DIRECTIONS);
  readonly #prepared = new Map<Query, Prepared>();
  // of the query at hand
  #onDirections: Prepared["onDirections"] = [];
  #axes: Prepared["axes"] = new Float64Array(0);
  #cells: Prepared["cells"] = new Map();

  /** Takes what stands above the attention. */
  constructor(head: Head) {
    this.#head = head;
  }

  #prepare(query: Query, step: number): void {
    let prepared = this.#prepared.get(query);
    if (prepared === undefined) {
      const onDirections = Array.from({ length: DIRECTIONS }, (_, i) => {
        const projected = new Float64Array(query.positions * DIGITS);
        query.project(this.#head.directions.subarray(i * WIDTH, (i + 1) * WIDTH), projected);
        return projected;
      });
      prepared = { onDirections, axes: principalAxes(query, step), cells: new Map() };
      this.#prepared.set(query, prepared);
    }
    this.#onDirections = prepared.onDirections;
    this.#axes = prepared.axes;
    this.#cells = prepared.cells;
  }

  /**
   * Bounds the margins over a region from below, by Taylor's theorem at a center o* amid the region: for every o there is a point on
   * the segment from o* to o with m(o) = m(o*) + g.(o - o*) + m''/2. The second term's minimum is exact, the third's is an interval's.
   *
   * @param enough A bound that large need not be improved
   */
  bound(query: Query, region: Region, enough = Infinity): RegionBound {
    this.#prepare(query, region.step);
    const [head, center, gradient] = [this.#head, this.#center, this.#gradient];
    const weights = this.#findCenter(query, region);
    if (!(weights.leastWeight > LEAST_WEIGHT)) {
      return { bound: -Infinity, cut: this.#cut(query, region, weights, undefined) };
    }
    const { box } = region;
    let cells: Cells | undefined;
    if (box === undefined) {
      for (let i = 0; i < DIRECTIONS; i++) this.#range(query, region, i, weights);
    } else {
      cells = this.#cellsOf(query, region, weights);
      cells.centerOf(box, center);
      if (!cells.ranges(box, center, this.#lo, this.#hi)) return { bound: Infinity };
    }
    head.expandAt(query.x0, center);
    head.curvature(this.#lo, this.#hi);

    // the competitors by a bound that is quickly had: the last of them need no better one
    const competitors = [];
    for (let other = 0; other < TOKENS; other++) {
      if (other === region.wanted) continue;
      head.marginGradient(region.wanted, other, gradient);
      let slope = 0;
      for (let l = 0; l < WIDTH; l++) slope += gradient[l] * (gradient[l] > 0 ? this.#lo[l] : this.#hi[l]);
      const margin = head.logits[region.wanted] - head.logits[other];
      const bend = head.marginBend(region.wanted, other);
      const scale = 1 + Math.abs(head.logits[region.wanted]) + Math.abs(head.logits[other]) + Math.abs(slope) +
        Math.abs(bend);
      const rest = margin + bend / 2 - ROUNDING * scale;
      if (!Number.isFinite(rest + slope)) {
        return { bound: -Infinity, cut: this.#cut(query, region, weights, undefined) };
      }
      competitors.push({ other, rest, quick: rest + slope });
    }
    competitors.sort((x, y) => x.quick - y.quick || x.other - y.other);

    let bound = Infinity;
    let closest: number | undefined;
    for (const { other, rest, quick } of competitors) {
      if (quick >= bound) break;
      let least = quick;
      if (quick < enough) {
        head.marginGradient(region.wanted, other, gradient);
        const slope = cells === undefined
          ? this.#leastSlope(query, region, weights)
          : cells.least(box!, gradient, center);
        if (slope === Infinity) return { bound: Infinity }; // no input lies in the region
        if (rest + slope > least) least = rest + slope;
      }
      if (!(least >= bound)) [bound, closest] = [least, other];
    }
    if (bound >= enough || closest === undefined) return { bound };
    const cut = this.#cut(query, region, weights, closest); // before the center is left
    return { bound, found: this.#descend(query, region, weights, closest), cut };
  }

  #leastSlope(query: Query, region: Region, weights: WeightRange): number {
    const start = dot(this.#gradient, this.#center);
    return this.#minimizer.least(region, query, this.#gradient, start, weights) - start;
  }

  /** The smallest margin met on the way from the center: from input to input, each the least by the gradient at the one before. */
  #descend(query: Query, region: Region, weights: WeightRange, closest: number): RegionBound["found"] {
    const gradient = this.#gradient;
    let found: RegionBound["found"];
    let other = closest;
    const at = this.#center.slice();
    for (let round = 0; round < (region.box === undefined ? DESCENT : 1); round++) {
      this.#head.expandAt(query.x0, at);
      this.#head.marginGradient(region.wanted, other, gradient);
      if (!Number.isFinite(this.#minimizer.least(region, query, gradient, dot(gradient, at), weights))) break;
      const input = this.#minimizer.input(region);
      const margin = this.marginOf(query, region, input);
      if (found !== undefined && !(margin < found.margin)) break;
      found = { margin, input };
      at.set(this.#o);
      let lowest = Infinity;
      for (let t = 0; t < TOKENS; t++) {
        const value = this.#head.logits[region.wanted] - this.#head.logits[t];
        if (t !== region.wanted && value < lowest) [lowest, other] = [value, t];
      }
    }
    return found;
  }

  #cellsOf(query: Query, { box: _, ...region }: Region, weights: WeightRange): Cells {
    const key = `${region.token} ${region.wanted} ${region.digits}`;
    let cells = this.#cells.get(key);
    if (cells === undefined) {
      if (this.#cells.size >= MOST_CELLS) this.#cells.delete(this.#cells.keys().next().value!);
      const center = this.#center.slice();
      const { directions } = this.#head;
      cells = new Cells(region, query, {
        ...{ axes: this.#axes, directions, weights, center, minimizer: this.#minimizer },
      });
      this.#cells.set(key, cells);
    }
    return cells;
  }

  /**
   * How to cut a region: at the position or along the axis that moves the hidden units most, each counted by how much it bends the margin over
   * `closest`. Digits are parted in the order of the hidden unit that they move most, a box in the middle.
   */
  #cut(query: Query, region: Region, weights: WeightRange, closest: number | undefined): Cut | undefined {
    const importance = this.#head.importance(region.wanted, closest);
    const { digits } = region;
    let [heaviest, heaviestMove] = [-1, -1];
    for (let position = 0; position < digits.length; position++) {
      const allowed = digitsIn(digits[position]);
      if (allowed.length < 2) continue;
      let move = 0;
      for (let k = 0; k < HIDDEN; k++) {
        const projected = this.#onDirections[INTO_HIDDEN + k];
        const x = dot(this.#head.directions.subarray((INTO_HIDDEN + k) * WIDTH), this.#center);
        let [least, most] = [Infinity, -Infinity];
        for (const digit of allowed) {
          const at = position * DIGITS + digit;
          const value = projected[at] - x * query.weights[at];
          least = Math.min(least, value);
          most = Math.max(most, value);
        }
        move += importance[k] * (most - least);
      }
      if (!(move <= heaviestMove)) [heaviest, heaviestMove] = [position, move];
    }
    if (heaviest < 0) return undefined;
    if (closest !== undefined) {
      const box = region.box ?? this.#cellsOf(query, region, weights).box;
      const weight = (weights.leastWeight + weights.mostWeight) / 2;
      let [widest, widestMove] = [-1, -1];
      for (let i = 0; i < WIDTH; i++) {
        const axis = this.#axes.subarray(i * WIDTH, (i + 1) * WIDTH);
        let move = 0;
        for (let k = 0; k < HIDDEN; k++) {
          move += importance[k] * Math.abs(dot(this.#head.directions.subarray((INTO_HIDDEN + k) * WIDTH), axis));
        }
        move *= box[2 * i + 1] - box[2 * i];
        if (move > widestMove) [widest, widestMove] = [i, move];
      }
      if (widest >= 0 && heaviestMove / weight < HEAVY * widestMove) {
        const at = Number(((box[2 * widest] + box[2 * widest + 1]) / 2).toPrecision(6));
        if (box[2 * widest] < at && at < box[2 * widest + 1]) return { position: -1 - widest, at };
      }
    }
    return { position: heaviest, at: this.#firstDigits(digits[heaviest], heaviest) };
  }

  /** Half of a position's digits: the lower half in the direction of a hidden unit that they move most. */
  #firstDigits(mask: number, position: number): number {
    let order = [...digitsIn(mask)];
    let widest = -1;
    for (let k = 0; k < HIDDEN; k++) {
      const projected = this.#onDirections[INTO_HIDDEN + k];
      const at = (digit: number) => projected[position * DIGITS + digit];
      const sorted = order.toSorted((x, y) => at(x) - at(y) || x - y);
      const width = at(sorted.at(-1)!) - at(sorted[0]);
      if (width > widest) [order, widest] = [sorted, width];
    }
    return order.slice(0, order.length >> 1).reduce((first, digit) => first | 1 << digit, 0);
  }

  /** The parts of a region that is cut. */
  parts(query: Query, region: Region, { position, at }: Cut): [Region, Region] {
    if (position >= 0) {
      return [at, region.digits[position] & ~at].map((side) => {
        const digits = region.digits.slice();
        digits[position] = side;
        return { ...region, digits };
      }) as [Region, Region];
    }
    this.#prepare(query, region.step);
    const own = region.box ?? this.#cellsOf(query, region, this.#findCenter(query, region)).box;
    return [1, 0].map((end) => {
      const box = own.slice();
      box[2 * (-1 - position) + end] = at;
      return { ...region, box };
    }) as [Region, Region];
  }

  /** The axes of a query. */
  axesOf(query: Query, step: number): Float64Array {
    this.#prepare(query, step);
    return this.#axes;
  }

  /** The smallest margin over the competitors for one input of a region. */
  marginOf(query: Query, region: Region, input: Digits): number {
    attentionOf(region.step, query, input, this.#o);
    const logits = this.#head.logitsAt(query.x0, this.#o);
    let margin = Infinity;
    for (let other = 0; other < TOKENS; other++) {
      if (other !== region.wanted) margin = Math.min(margin, logits[region.wanted] - logits[other]);
    }
    return margin;
  }

  /** The center: o of the middles of what each position can add to numerator and weight. Any center is right, a middle one is tight. */
  #findCenter({ entries }: Query, { digits }: Region): WeightRange {
    const center = this.#center.fill(0);
    let leastWeight = 0;
    let mostWeight = 0;
    for (let position = 0; position < digits.length; position++) {
      const allowed = digitsIn(digits[position]);
      for (let l = 0; l < ENTRY; l++) {
        let least = Infinity;
        let most = -Infinity;
        for (const digit of allowed) {
          const value = entries[(position * DIGITS + digit) * ENTRY + l];
          if (value < least) least = value;
          if (value > most) most = value;
        }
        if (l < WIDTH) {
          center[l] += (least + most) / 2;
        } else {
          leastWeight += least;
          mostWeight += most;
        }
      }
    }
    for (let l = 0; l < WIDTH; l++) center[l] /= (leastWeight + mostWeight) / 2;
    return { leastWeight, mostWeight };
  }

  /** Bounds w.(o - o*) for direction i: it is sum_j e_j (w.v_j - w.o*) / Z, each position's term least or greatest on its own. */
  #range({ weights }: Query, { digits }: Region, i: number, { leastWeight, mostWeight }: WeightRange): void {
    const { directions } = this.#head;
    let x = 0;
    for (let l = 0; l < WIDTH; l++) x += directions[i * WIDTH + l] * this.#center[l];
    const projected = this.#onDirections[i];
    let lo = 0;
    let hi = 0;
    for (let position = 0; position < digits.length; position++) {
      let least = Infinity;
      let most = -Infinity;
      for (const digit of digitsIn(digits[position])) {
        const at = position * DIGITS + digit;
        const value = projected[at] - x * weights[at];
        if (value < least) least = value;
        if (value > most) most = value;
      }
      lo += least;
      hi += most;
    }
    this.#lo[i] = lo / (lo < 0 ? leastWeight : mostWeight);
    this.#hi[i] = hi / (hi > 0 ? leastWeight : mostWeight);
  }
}

function dot(x: Float64Array, y: Float64Array): number {
  let sum = 0;
  for (let l = 0; l < WIDTH; l++) sum += x[l] * y[l];
  return sum;
}
