/**
 * A quick lower bound of the margin for many regions that leave the same digits free. It is looser than that of bound.ts, and settles
 * nearly all of them at a twentieth of the cost.
 *
 * @module
 */
import { TOKENS, WIDTH } from "../model/variant.ts";
import { ROUNDING } from "./bound.ts";
import { DIRECTIONS, type Head } from "./head.ts";
import type { Interval } from "./interval.ts";
import { DIGITS } from "./places.ts";
import { ENTRY, type Query } from "./query.ts";
import type { Region } from "./region.ts";

/** Pieces of a {@linkcode Polyline}. */
const PIECES = 24;

/**
 * What the free digits can add to w.o: for any x the least and the greatest of sum_j e_j (w.v_j - x) over them. The least is a minimum of
 * functions that are linear in x, so it is concave and lies above its chords; the greatest is convex and lies below them. Both are
 * tabulated, and the chords are the bounds.
 */
class Polyline {
  readonly #start: number;
  readonly #width: number;
  readonly #least = new Float64Array(PIECES + 1);
  readonly #most = new Float64Array(PIECES + 1);

  constructor(
    query: Query,
    direction: Float64Array,
    free: readonly number[],
    digits: Uint16Array,
    from: number,
    to: number,
  ) {
    const projected = new Float64Array(query.positions * DIGITS);
    query.project(direction, projected);
    this.#start = from;
    this.#width = Math.max((to - from) / PIECES, Number.MIN_VALUE);
    for (let i = 0; i <= PIECES; i++) {
      const x = from + i * this.#width;
      for (const position of free) {
        let least = Infinity;
        let most = -Infinity;
        for (let digit = 0; digit < DIGITS; digit++) {
          if ((digits[position] >> digit & 1) === 0) continue;
          const at = position * DIGITS + digit;
          const value = projected[at] - x * query.entries[at * ENTRY + WIDTH];
          if (value < least) least = value;
          if (value > most) most = value;
        }
        this.#least[i] += least;
        this.#most[i] += most;
      }
    }
  }

  /** Bounds the sum at x, which lies between the ends. */
  at(x: number): Interval {
    const place = (x - this.#start) / this.#width;
    const i = Math.min(PIECES - 1, Math.max(0, Math.floor(place)));
    const t = Math.min(1, Math.max(0, place - i));
    return {
      lo: this.#least[i] + t * (this.#least[i + 1] - this.#least[i]),
      hi: this.#most[i] + t * (this.#most[i + 1] - this.#most[i]),
    };
  }
}

/**
 * Bounds the margins over each of the regions, which must leave the same positions free, each with the same digits.
 *
 * As in bound.ts, but the minimum of g.(o - o*) is taken over the box that holds o, coordinate by coordinate.
 *
 * @returns One lower bound a region
 */
export function quickBounds(head: Head, query: Query, regions: readonly Region[]): Float64Array {
  const bounds = new Float64Array(regions.length);
  const { entries } = query;
  const positions = Array.from(regions[0].digits.keys());
  const settled = positions.filter((position) =>
    regions.every(({ digits }) => (digits[position] & digits[position] - 1) === 0)
  );
  const free = positions.filter((position) => !settled.includes(position));
  const { middle, leastWeight, mostWeight } = middleOf(query, free, regions[0].digits);

  // [regions, 8]: numerator and weight of the settled tokens; [regions, 7]: the centers
  const fixed = new Float64Array(regions.length * ENTRY);
  const centers = new Float64Array(regions.length * WIDTH);
  for (const [i, { digits }] of regions.entries()) {
    const sum = fixed.subarray(i * ENTRY, (i + 1) * ENTRY);
    for (const position of settled) {
      const entry = (position * DIGITS + Math.log2(digits[position])) * ENTRY;
      for (let l = 0; l < ENTRY; l++) sum[l] += entries[entry + l];
    }
    for (let l = 0; l < WIDTH; l++) centers[i * WIDTH + l] = (sum[l] + middle[l]) / (sum[WIDTH] + middle[WIDTH]);
  }

  const { directions } = head;
  const dot = (i: number, vectors: Float64Array, at: number) => {
    let sum = 0;
    for (let l = 0; l < WIDTH; l++) sum += directions[i * WIDTH + l] * vectors[at + l];
    return sum;
  };
  const polylines = Array.from({ length: DIRECTIONS }, (_, i) => {
    let from = Infinity;
    let to = -Infinity;
    for (let r = 0; r < regions.length; r++) {
      const x = dot(i, centers, r * WIDTH);
      from = Math.min(from, x);
      to = Math.max(to, x);
    }
    return new Polyline(query, directions.subarray(i * WIDTH, (i + 1) * WIDTH), free, regions[0].digits, from, to);
  });

  const ranges: Interval[] = new Array(DIRECTIONS);
  const gradient = new Float64Array(WIDTH);
  for (const [r, { wanted }] of regions.entries()) {
    const weight = fixed[r * ENTRY + WIDTH];
    const least = weight + leastWeight;
    if (!(least > 1e-100)) {
      bounds[r] = -Infinity;
      continue;
    }
    const most = weight + mostWeight;
    for (let i = 0; i < DIRECTIONS; i++) {
      const x = dot(i, centers, r * WIDTH);
      const sum = polylines[i].at(x);
      const settledSum = dot(i, fixed, r * ENTRY) - x * weight;
      const [lo, hi] = [sum.lo + settledSum, sum.hi + settledSum];
      ranges[i] = { lo: lo / (lo < 0 ? least : most), hi: hi / (hi > 0 ? least : most) };
    }
    head.expandAt(query.x0, centers.subarray(r * WIDTH, (r + 1) * WIDTH));
    head.curvature(ranges);
    let bound = Infinity;
    for (let other = 0; other < TOKENS; other++) {
      if (other === wanted) continue;
      head.marginGradient(wanted, other, gradient);
      let slope = 0;
      for (let l = 0; l < WIDTH; l++) slope += gradient[l] * (gradient[l] > 0 ? ranges[l].lo : ranges[l].hi);
      const bend = head.marginBend(wanted, other);
      const [right, wrong] = [head.logits[wanted], head.logits[other]];
      const scale = 1 + Math.abs(right) + Math.abs(wrong) + Math.abs(slope) + Math.abs(bend);
      const least = right - wrong + slope + bend / 2 - ROUNDING * scale;
      bound = Math.min(bound, Number.isFinite(least) ? least : -Infinity);
    }
    bounds[r] = bound;
  }
  return bounds;
}

/** The middles and the extremes of what the free digits can add. */
function middleOf({ entries }: Query, free: readonly number[], digits: Uint16Array) {
  const middle = new Float64Array(ENTRY);
  let leastWeight = 0;
  let mostWeight = 0;
  for (const position of free) {
    for (let l = 0; l < ENTRY; l++) {
      let least = Infinity;
      let most = -Infinity;
      for (let digit = 0; digit < DIGITS; digit++) {
        if ((digits[position] >> digit & 1) === 0) continue;
        const value = entries[(position * DIGITS + digit) * ENTRY + l];
        if (value < least) least = value;
        if (value > most) most = value;
      }
      middle[l] += (least + most) / 2;
      if (l === WIDTH) {
        leastWeight += least;
        mostWeight += most;
      }
    }
  }
  return { middle, leastWeight, mostWeight };
}
