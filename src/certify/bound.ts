/**
 * A lower bound of the margin over one region: how much more the right token gets than any other, whatever the free digits are.
 *
 * @module
 */
import { TOKENS, WIDTH } from "../model/variant.ts";
import { attentionOf, type Digits, minimize } from "./extremes.ts";
import { DIRECTIONS, type Head } from "./head.ts";
import type { Interval } from "./interval.ts";
import { DIGITS } from "./places.ts";
import { ENTRY, type Query } from "./query.ts";
import type { Region } from "./region.ts";

/** What is known of the margin over a region. */
export interface RegionBound {
  /** No input of the region has a smaller margin; Infinity where the region holds none. */
  bound: number;
  /** The smallest margin met, and the input that has it. */
  found: { margin: number; input: Digits } | undefined;
  /** For each position how much its free digits move what bends the margin. */
  influence: Float64Array;
}

/**
 * Subtracted from every bound, in logits, for float64: each figure is made by fewer than 10^4 roundings of 2^-53 relative to terms no larger
 * than `scale`, the largest logit, gradient product or curvature met, 10^-12 together; a thousandfold of that is taken.
 */
export const ROUNDING = 1e-9;

/** Bounds margins over regions of one model. */
export class Bounder {
  readonly #head: Head;
  readonly #gradient = new Float64Array(WIDTH);
  readonly #center = new Float64Array(WIDTH);
  readonly #o = new Float64Array(WIDTH);
  readonly #ranges: Interval[] = new Array(DIRECTIONS);
  #projected = new Float64Array(0);
  #query: Query | undefined;
  /** [28, positions * 10]: the query's entries projected on each direction. */
  #onDirections: Float64Array[] = [];

  /** Takes what stands above the attention. */
  constructor(head: Head) {
    this.#head = head;
  }

  #prepare(query: Query): void {
    if (this.#query === query) return;
    this.#query = query;
    const size = query.positions * DIGITS;
    this.#projected = new Float64Array(size);
    this.#onDirections = Array.from({ length: DIRECTIONS }, (_, i) => {
      const projected = new Float64Array(size);
      query.project(this.#head.directions.subarray(i * WIDTH, (i + 1) * WIDTH), projected);
      return projected;
    });
  }

  /**
   * Bounds the margins over a region from below, by Taylor's theorem at a center o* amid the region: for every o there is a point on
   * the segment from o* to o with m(o) = m(o*) + g.(o - o*) + m''/2. The second term's minimum is exact, the third's is an interval's.
   */
  bound(query: Query, region: Region): RegionBound {
    this.#prepare(query);
    const head = this.#head;
    const center = this.#center;
    const influence = new Float64Array(region.digits.length);
    const weights = this.#findCenter(query, region);
    if (!(weights.leastWeight > 1e-100)) return { bound: -Infinity, found: undefined, influence };
    head.expandAt(query.x0, center);
    for (let i = 0; i < DIRECTIONS; i++) {
      this.#ranges[i] = this.#range(query, region, i, { ...weights, influence });
    }
    head.curvature(this.#ranges);
    const logits = head.logits.slice();

    let bound = Infinity;
    let found: RegionBound["found"];
    for (let other = 0; other < TOKENS; other++) {
      if (other === region.wanted) continue;
      head.marginGradient(region.wanted, other, this.#gradient);
      query.project(this.#gradient, this.#projected);
      let start = 0;
      for (let l = 0; l < WIDTH; l++) start += this.#gradient[l] * center[l];
      const minimum = minimize(region, query, this.#projected, start, weights);
      if (minimum.bound === Infinity) return { bound: Infinity, found: undefined, influence };
      const margin = logits[region.wanted] - logits[other];
      const bend = head.marginBend(region.wanted, other);
      const scale = 1 + Math.abs(logits[region.wanted]) + Math.abs(logits[other]) + Math.abs(minimum.bound) +
        Math.abs(bend);
      const least = margin + minimum.bound + bend / 2 - ROUNDING * scale;
      if (!Number.isFinite(least)) return { bound: -Infinity, found: undefined, influence };
      if (least < bound) {
        bound = least;
        found = { margin: 0, input: minimum };
      }
    }
    if (found !== undefined) found.margin = this.marginOf(query, region, found.input);
    return { bound, found, influence };
  }

  /**
   * Cuts a region in two at the position that moves the hidden units most: in their direction that it moves most, the lower half of its
   * digits and the upper.
   *
   * @returns The position and the digits of the first part; undefined where no position is free
   */
  split(query: Query, { digits }: Region, influence: Float64Array): { position: number; first: number } | undefined {
    this.#prepare(query);
    let position = -1;
    for (const [candidate, mask] of digits.entries()) {
      if ((mask & mask - 1) !== 0 && (position < 0 || influence[candidate] > influence[position])) position = candidate;
    }
    if (position < 0) return undefined;
    const allowed = Array.from({ length: DIGITS }, (_, digit) => digit).filter((digit) =>
      digits[position] >> digit & 1
    );
    let order = allowed;
    let widest = -1;
    for (const projected of this.#onDirections.slice(2 * WIDTH)) {
      const at = (digit: number) => projected[position * DIGITS + digit];
      const sorted = allowed.toSorted((x, y) => at(x) - at(y));
      const width = at(sorted.at(-1)!) - at(sorted[0]);
      if (width > widest) [order, widest] = [sorted, width];
    }
    const first = order.slice(0, allowed.length >> 1).reduce((mask, digit) => mask | 1 << digit, 0);
    return { position, first };
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
  #findCenter({ entries }: Query, { digits }: Region): { leastWeight: number; mostWeight: number } {
    const center = this.#center.fill(0);
    let leastWeight = 0;
    let mostWeight = 0;
    for (let position = 0; position < digits.length; position++) {
      const mask = digits[position];
      for (let l = 0; l < ENTRY; l++) {
        let least = Infinity;
        let most = -Infinity;
        for (let digit = 0; digit < DIGITS; digit++) {
          if ((mask >> digit & 1) === 0) continue;
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
  #range(
    { entries }: Query,
    { digits }: Region,
    i: number,
    { leastWeight, mostWeight, influence }: { leastWeight: number; mostWeight: number; influence: Float64Array },
  ): Interval {
    const { directions } = this.#head;
    let x = 0;
    for (let l = 0; l < WIDTH; l++) x += directions[i * WIDTH + l] * this.#center[l];
    const projected = this.#onDirections[i];
    let lo = 0;
    let hi = 0;
    for (let position = 0; position < digits.length; position++) {
      const mask = digits[position];
      let least = Infinity;
      let most = -Infinity;
      for (let digit = 0; digit < DIGITS; digit++) {
        if ((mask >> digit & 1) === 0) continue;
        const at = position * DIGITS + digit;
        const value = projected[at] - x * entries[at * ENTRY + WIDTH];
        if (value < least) least = value;
        if (value > most) most = value;
      }
      lo += least;
      hi += most;
      if (i >= 2 * WIDTH) influence[position] += most - least;
    }
    return { lo: lo / (lo < 0 ? leastWeight : mostWeight), hi: hi / (hi > 0 ? leastWeight : mostWeight) };
  }
}
