/**
 * Ranges of the attention's output over a cell: the inputs of a region whose output lies in a box along the query's axes.
 *
 * Where the attention is spread over many positions, fixing one digit after the other hardly narrows what it can give. Halving a box does.
 *
 * @module
 */
import { WIDTH } from "../model/variant.ts";
import type { Minimizer, WeightRange } from "./extremes.ts";
import { DIRECTIONS } from "./head.ts";
import type { Query } from "./query.ts";
import type { Region } from "./region.ts";

/**
 * A direction w is taken apart as w = sum over the first n axes of (w.u) u + rest, for each of these n. Over a cell w.o is at least the least of
 * rest.o over the whole region plus the least of the sum over the box, and the largest of these bounds counts. No n is wrong, whatever the axes
 * are: with n = 0 the region alone counts. With n = 7 hardly anything is left, and the box counts.
 */
const PREFIXES = [0, 1, 2, 3] as const;

/** What a region's cells share. */
export class Cells {
  readonly #region: Region;
  readonly #query: Query;
  readonly #axes: Float64Array;
  readonly #directions: Float64Array;
  readonly #weights: WeightRange;
  readonly #minimizer: Minimizer;
  /** Where the search for each rest begins, whichever cell asks first: what comes out must not depend on that. */
  readonly #center: Float64Array;
  /** (4, 28): the ranges of the rests over the region, once they are asked for. */
  readonly #restLo = new Float64Array(PREFIXES.length * DIRECTIONS);
  readonly #restHi = new Float64Array(PREFIXES.length * DIRECTIONS);
  /** [28]: what the axes together leave of each direction. */
  readonly #crumb = new Float64Array(DIRECTIONS);
  #rested = false;
  /** (7, 2): the region's own box. */
  readonly box = new Float64Array(2 * WIDTH);
  readonly #rest = new Float64Array(WIDTH);

  /**
   * Finds the box of a region.
   *
   * @param axes (7, 7), one a row
   * @param directions (28, 7)
   * @param center Near what the attention gives in the region
   */
  constructor(
    region: Region,
    query: Query,
    { axes, directions, weights, center, minimizer }: {
      axes: Float64Array;
      directions: Float64Array;
      weights: WeightRange;
      center: Float64Array;
      minimizer: Minimizer;
    },
  ) {
    this.#region = region;
    this.#query = query;
    this.#axes = axes;
    this.#directions = directions;
    this.#weights = weights;
    this.#minimizer = minimizer;
    this.#center = center;
    for (let i = 0; i < WIDTH; i++) {
      const axis = axes.subarray(i * WIDTH, (i + 1) * WIDTH);
      this.box[2 * i] = this.#leastOver(axis, center);
      this.box[2 * i + 1] = -this.#leastOver(axis.map((x) => -x), center);
    }
  }

  #boundRests(): void {
    const center = this.#center;
    for (const [p, prefix] of PREFIXES.entries()) {
      for (let i = 0; i < DIRECTIONS; i++) {
        const rest = this.#restOf(this.#directions.subarray(i * WIDTH, (i + 1) * WIDTH), prefix);
        this.#restLo[p * DIRECTIONS + i] = this.#leastOver(rest, center);
        for (let l = 0; l < WIDTH; l++) rest[l] = -rest[l];
        this.#restHi[p * DIRECTIONS + i] = -this.#leastOver(rest, center);
      }
    }
    for (let i = 0; i < DIRECTIONS; i++) {
      this.#crumb[i] = this.#crumbs(this.#directions.subarray(i * WIDTH, (i + 1) * WIDTH));
    }
    this.#rested = true;
  }

  #restOf(direction: Float64Array, prefix: number): Float64Array {
    this.#rest.set(direction);
    for (let i = 0; i < prefix; i++) {
      const share = dot(direction, 0, this.#axes, i * WIDTH);
      for (let l = 0; l < WIDTH; l++) this.#rest[l] -= share * this.#axes[i * WIDTH + l];
    }
    return this.#rest;
  }

  #leastOver(direction: Float64Array, center: Float64Array): number {
    return this.#minimizer.least(this.#region, this.#query, direction, dot(direction, 0, center, 0), this.#weights);
  }

  /** Bounds |rest.o| for the hardly anything that is left of a direction after all axes, by the box of the coordinates of o. */
  #crumbs(direction: Float64Array): number {
    const rest = this.#restOf(direction, WIDTH);
    let sum = 0;
    for (let l = 0; l < WIDTH; l++) sum += Math.abs(rest[l]) * Math.max(-this.#restLo[l], this.#restHi[l]);
    return sum;
  }

  /** Writes the center of a cell. */
  centerOf(box: Float64Array, center: Float64Array): void {
    center.fill(0);
    for (let i = 0; i < WIDTH; i++) {
      const middle = (box[2 * i] + box[2 * i + 1]) / 2;
      for (let l = 0; l < WIDTH; l++) center[l] += middle * this.#axes[i * WIDTH + l];
    }
  }

  /** Bounds w.(o - center) over a cell for each direction. @returns Whether the cell may hold an input */
  ranges(box: Float64Array, center: Float64Array, lo: Float64Array, hi: Float64Array): boolean {
    if (!this.#rested) this.#boundRests();
    for (let i = 0; i < DIRECTIONS; i++) {
      const at = dot(this.#directions, i * WIDTH, center, 0);
      let [low, high, sumLo, sumHi] = [-Infinity, Infinity, 0, 0];
      for (let n = 0; n < WIDTH; n++) {
        if (n < PREFIXES.length) {
          low = Math.max(low, this.#restLo[n * DIRECTIONS + i] + sumLo);
          high = Math.min(high, this.#restHi[n * DIRECTIONS + i] + sumHi);
        }
        const share = dot(this.#directions, i * WIDTH, this.#axes, n * WIDTH);
        sumLo += Math.min(share * box[2 * n], share * box[2 * n + 1]);
        sumHi += Math.max(share * box[2 * n], share * box[2 * n + 1]);
      }
      if (low === Infinity) return false; // no input lies in the region
      low = Math.max(low, sumLo - this.#crumb[i]);
      high = Math.min(high, sumHi + this.#crumb[i]);
      if (low > high + 1e-9 * (1 + Math.abs(low) + Math.abs(high))) return false;
      lo[i] = low - at;
      hi[i] = high - at;
    }
    return true;
  }

  /**
   * Bounds g.(o - center) from below over a cell, by its box alone: what the region adds along some gradient may be lost when the cell is cut, or
   * along another center's gradient, and the checker, which halves cells where it must, would refuse what was proved so (measured).
   */
  least(box: Float64Array, gradient: Float64Array, center: Float64Array): number {
    let sum = 0;
    for (let i = 0; i < WIDTH; i++) {
      const share = dot(gradient, 0, this.#axes, i * WIDTH);
      sum += Math.min(share * box[2 * i], share * box[2 * i + 1]);
    }
    return sum - this.#crumbs(gradient) - dot(gradient, 0, center, 0);
  }
}

function dot(x: Float64Array, atX: number, y: Float64Array, atY: number): number {
  let sum = 0;
  for (let l = 0; l < WIDTH; l++) sum += x[atX + l] * y[atY + l];
  return sum;
}
