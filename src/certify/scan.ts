/**
 * A quick lower bound of the margin for many regions that leave the same digits free. It is looser than that of bound.ts, and settles
 * nearly all of them at a small part of the cost.
 *
 * @module
 */
import { TOKENS, WIDTH } from "../model/variant.ts";
import { ROUNDING } from "./bound.ts";
import { digitsIn } from "./extremes.ts";
import { DIRECTIONS, type Head } from "./head.ts";
import { DIGITS } from "./places.ts";
import { ENTRY, type Query } from "./query.ts";
import type { Region } from "./region.ts";

/** Pieces of a tabulated function. */
const PIECES = 24;
const POINTS = PIECES + 1;

/**
 * What the free digits can add to w.o for each direction w: for any x the least and the greatest of sum_j e_j (w.v_j - x) over them. The least is
 * a minimum of functions that are linear in x, so it is concave and lies above its chords; the greatest is convex and lies below them. Both are
 * tabulated, and the chords are the bounds.
 */
class Extremes {
  readonly #start = new Float64Array(DIRECTIONS);
  readonly #width = new Float64Array(DIRECTIONS);
  /** (28, 25) */
  readonly #least = new Float64Array(DIRECTIONS * POINTS);
  readonly #most = new Float64Array(DIRECTIONS * POINTS);

  /** Tabulates for the x of direction i between `from[i]` and `to[i]`. */
  constructor(
    { directions }: Head,
    query: Query,
    free: readonly number[],
    digits: Uint16Array,
    from: Float64Array,
    to: Float64Array,
  ) {
    const projected = new Float64Array(query.positions * DIGITS);
    for (let i = 0; i < DIRECTIONS; i++) {
      query.project(directions.subarray(i * WIDTH, (i + 1) * WIDTH), projected);
      this.#start[i] = from[i];
      this.#width[i] = Math.max((to[i] - from[i]) / PIECES, Number.MIN_VALUE);
      for (const position of free) {
        const allowed = digitsIn(digits[position]);
        for (let point = 0; point < POINTS; point++) {
          const x = from[i] + point * this.#width[i];
          let least = Infinity;
          let most = -Infinity;
          for (const digit of allowed) {
            const at = position * DIGITS + digit;
            const value = projected[at] - x * query.weights[at];
            if (value < least) least = value;
            if (value > most) most = value;
          }
          this.#least[i * POINTS + point] += least;
          this.#most[i * POINTS + point] += most;
        }
      }
    }
  }

  /** The least at x, which lies between the ends. */
  least(i: number, x: number): number {
    return this.#chord(this.#least, i, x);
  }

  /** The greatest at x, which lies between the ends. */
  most(i: number, x: number): number {
    return this.#chord(this.#most, i, x);
  }

  #chord(table: Float64Array, i: number, x: number): number {
    const place = (x - this.#start[i]) / this.#width[i];
    const piece = Math.min(PIECES - 1, Math.max(0, Math.floor(place)));
    const t = Math.min(1, Math.max(0, place - piece));
    const at = i * POINTS + piece;
    return table[at] + t * (table[at + 1] - table[at]);
  }
}

/**
 * Bounds the margins over each of the regions, which must leave the same positions free, each with the same digits.
 *
 * As in bound.ts, but the minimum of g.(o - o*) is taken over the box that holds o, coordinate by coordinate.
 *
 * @param tokenEmbedding From which the logits are read, [14, 7]
 * @returns One lower bound a region
 */
export function quickBounds(
  head: Head,
  tokenEmbedding: Float64Array,
  query: Query,
  regions: readonly Region[],
): Float64Array {
  const bounds = new Float64Array(regions.length);
  const { entries } = query;
  const positions = Array.from(regions[0].digits.keys());
  const settled = positions.filter((position) =>
    regions.every(({ digits }) => (digits[position] & digits[position] - 1) === 0)
  );
  const free = positions.filter((position) => !settled.includes(position));
  const { middle, leastWeight, mostWeight } = middleOf(query, free, regions[0].digits);

  // [regions, 8]: numerator and weight of the settled tokens
  const fixed = new Float64Array(regions.length * ENTRY);
  for (const [i, { digits }] of regions.entries()) {
    for (const position of settled) {
      const entry = (position * DIGITS + (31 - Math.clz32(digits[position]))) * ENTRY;
      for (let l = 0; l < ENTRY; l++) fixed[i * ENTRY + l] += entries[entry + l];
    }
  }

  const { directions } = head;
  const along = (i: number, vectors: Float64Array, at: number) => {
    let sum = 0;
    for (let l = 0; l < WIDTH; l++) sum += directions[i * WIDTH + l] * vectors[at + l];
    return sum;
  };
  const middles = new Float64Array(DIRECTIONS);
  for (let i = 0; i < DIRECTIONS; i++) middles[i] = along(i, middle, 0);
  // (regions, 28): the settled tokens' numerators on each direction
  const settledSums = new Float64Array(regions.length * DIRECTIONS);
  const from = new Float64Array(DIRECTIONS).fill(Infinity);
  const to = new Float64Array(DIRECTIONS).fill(-Infinity);
  for (let r = 0; r < regions.length; r++) {
    const weight = fixed[r * ENTRY + WIDTH] + middle[WIDTH];
    for (let i = 0; i < DIRECTIONS; i++) {
      const sum = along(i, fixed, r * ENTRY);
      settledSums[r * DIRECTIONS + i] = sum;
      const x = (sum + middles[i]) / weight;
      if (x < from[i]) from[i] = x;
      if (x > to[i]) to[i] = x;
    }
  }
  const extremes = new Extremes(head, query, free, regions[0].digits, from, to);

  const lo = new Float64Array(DIRECTIONS);
  const hi = new Float64Array(DIRECTIONS);
  const center = new Float64Array(WIDTH);
  const gradient = new Float64Array(WIDTH);
  const movesLo = new Float64Array(WIDTH);
  const movesHi = new Float64Array(WIDTH);
  /** The least margin at the centers so far: what is above it need not be known closely. */
  let narrowest = Infinity;
  for (let r = 0; r < regions.length; r++) {
    const { wanted } = regions[r];
    const weight = fixed[r * ENTRY + WIDTH];
    const least = weight + leastWeight;
    if (!(least > 1e-100)) {
      bounds[r] = -Infinity;
      continue;
    }
    const most = weight + mostWeight;
    for (let l = 0; l < WIDTH; l++) center[l] = (fixed[r * ENTRY + l] + middle[l]) / (weight + middle[WIDTH]);
    for (let i = 0; i < DIRECTIONS; i++) {
      const x = (settledSums[r * DIRECTIONS + i] + middles[i]) / (weight + middle[WIDTH]);
      const settledSum = settledSums[r * DIRECTIONS + i] - x * weight;
      const low = extremes.least(i, x) + settledSum;
      const high = extremes.most(i, x) + settledSum;
      lo[i] = low / (low < 0 ? least : most);
      hi[i] = high / (high > 0 ? least : most);
    }
    head.expandAt(query.x0, center);
    head.curvature(lo, hi);
    head.outputMoves(movesLo, movesHi);
    const right = head.logits[wanted];
    let bound = Infinity;
    let own = Infinity;
    for (let other = 0; other < TOKENS; other++) {
      if (other === wanted) continue;
      const margin = right - head.logits[other];
      let move = 0;
      for (let m = 0; m < WIDTH; m++) {
        const factor = tokenEmbedding[wanted * WIDTH + m] - tokenEmbedding[other * WIDTH + m];
        move += factor * (factor > 0 ? movesLo[m] : movesHi[m]);
      }
      let value = margin + move - ROUNDING * (1 + Math.abs(right) + Math.abs(margin) + Math.abs(move));
      if (margin < own) own = margin;
      if (!(value >= narrowest)) {
        // that competitor by itself: what moves right and wrong alike does not matter then
        head.marginGradient(wanted, other, gradient);
        let slope = 0;
        for (let l = 0; l < WIDTH; l++) slope += gradient[l] * (gradient[l] > 0 ? lo[l] : hi[l]);
        const bend = head.marginBend(wanted, other);
        const scale = 1 + Math.abs(right) + Math.abs(margin) + Math.abs(slope) + Math.abs(bend);
        const single = margin + slope + bend / 2 - ROUNDING * scale;
        if (!(single < value)) value = single;
      }
      bound = Math.min(bound, Number.isFinite(value) ? value : -Infinity);
    }
    if (own < narrowest) narrowest = own;
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
      for (const digit of digitsIn(digits[position])) {
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
