import type { Range } from "../checker/forms.ts";
import type { Part } from "../checker/groups.ts";
import { KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";

/** Shares moved for one box. */
const MOST_DRAWS = 200;
/** A hull that comes so near to a box is taken to meet it. */
const TOUCHING = 1e-6;
/** A box is excluded by so much that the checker, whose float64 is rounded otherwise, finds it, too. */
const SLACK = 2e-5;
const AXIS_STEPS = 1e12;

/**
 * The axes along which a part is cut, [6, 6]: the longest of the losses, then the longest part that is perpendicular to it
 * of the others, and so on. Along the principal axes of o a hard proof takes a hundred times as many cells (measured).
 */
export function lossAxes(losses: readonly Float64Array[]): number[][] {
  const axes: Float64Array[] = [];
  const rest = (own: Float64Array) =>
    axes.reduce((left, axis) => left.map((value, l) => value - dot(left, axis) * axis[l]), own);
  const length = (own: Float64Array) => Math.sqrt(dot(own, own));
  const unit = (own: Float64Array) => own.map((value) => value / length(own));
  // where the losses span less, any other direction will do
  const small = 1e-9 * Math.max(0, ...losses.map(length)) || 1;
  const others = Array.from({ length: KEY_WIDTH }, (_, i) => new Float64Array(KEY_WIDTH).fill(small, i, i + 1));
  while (axes.length < KEY_WIDTH) {
    const left = [...losses, ...others].map(rest);
    const longest = left.reduce((most, own) => length(own) > length(most) ? own : most);
    axes.push(unit(rest(unit(longest)))); // twice, as rounding tilts what is left of a long one
  }
  // certificates hold them with few digits
  return axes.map((axis) => Array.from(axis, (value) => Math.round(value * AXIS_STEPS) / AXIS_STEPS));
}

/** An output by the axes, and its share in the point that is near to a box. */
type Output = { readonly at: Float64Array; share: number };

/**
 * The convex hull of what the attention's output can be over a part, by the axes of the part's cells, as far as it is known: outputs of inputs, and
 * half-spaces that hold all of them. Most cells are settled by what was found for others.
 */
export class Hull {
  readonly #halfSpaces: { direction: number[]; least: number }[] = [];
  readonly #outputs: Output[] = [];
  /** That which {@linkcode least} found last. */
  #nearest!: Output;
  /** A point of the convex hull of the outputs, and the direction to it from the last box. */
  readonly #near = new Float64Array(KEY_WIDTH);
  readonly #away = new Float64Array(KEY_WIDTH);

  constructor(readonly axes: Part["axes"]) {}

  /** Adds the least along a direction, and the output that has it. */
  add(direction: number[], least: number, output: Float64Array): void {
    this.#halfSpaces.push({ direction, least });
    const at = Float64Array.from(this.axes, (axis) => dot(axis, output));
    if (this.#outputs.length === 0) this.#near.set(at);
    this.#outputs.push({ at, share: this.#outputs.length === 0 ? 1 : 0 });
  }

  /** The direction of a half-space that excludes a box. */
  excluding(box: readonly Range[]): number[] | undefined {
    return this.#halfSpaces.find(({ direction, least }) => {
      let [most, size] = [0, 1];
      for (let i = 0; i < KEY_WIDTH; i++) {
        const [[lo, hi], w] = [box[i], direction[i]];
        most += w * (w > 0 ? hi : lo);
        size += Math.abs(w) * Math.max(Math.abs(lo), Math.abs(hi));
      }
      return least > most + SLACK * size;
    })?.direction;
  }

  /** The least of the known outputs along a direction; Infinity where none is known. */
  least(w: ArrayLike<number>): number {
    let least = Infinity;
    for (const output of this.#outputs) {
      const along = dot(output.at, w);
      if (along < least) [least, this.#nearest] = [along, output];
    }
    return least;
  }

  /**
   * A direction along which the known outputs lie beyond a box; undefined where none is found. It is about that from the box to the nearest point of
   * their convex hull, to which `near` is drawn: shares move from the farthest of the outputs that it is made of to the nearest of all (Mitchell,
   * Demyanov and Malozemov 1974, "Finding the point of a polyhedron closest to the origin").
   */
  towards(box: readonly Range[]): number[] | undefined {
    const [near, away] = [this.#near, this.#away];
    if (this.#outputs.length === 0) return new Array<number>(KEY_WIDTH).fill(0.408); // any will do
    for (let draw = 0; draw < MOST_DRAWS; draw++) {
      for (let i = 0; i < KEY_WIDTH; i++) away[i] = near[i] - Math.min(Math.max(near[i], box[i][0]), box[i][1]);
      const square = dot(away, away);
      if (square < TOUCHING ** 2) return undefined;
      const least = this.least(away);
      if (dot(away, near) - least < square / 2) {
        const distance = Math.sqrt(square);
        // with few digits, so that it is short to write down; a cell that is hardly outside needs more
        const decimals = Math.max(3, Math.ceil(1.5 - Math.log10(distance)));
        return Array.from(away, (value) => Number((value / distance).toFixed(decimals)));
      }
      const nearest = this.#nearest;
      let [most, farthest] = [-Infinity, nearest];
      for (const output of this.#outputs) {
        const along = output.share === 0 ? -Infinity : dot(output.at, away);
        if (along > most) [most, farthest] = [along, output];
      }
      const way = nearest.at.map((value, i) => value - farthest.at[i]);
      const moved = Math.min(farthest.share, (most - least) / dot(way, way));
      farthest.share -= moved;
      nearest.share += moved;
      for (let i = 0; i < KEY_WIDTH; i++) near[i] += moved * way[i];
    }
    return undefined;
  }
}

/** The product of vectors of six. */
export function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  return x[0] * y[0] + x[1] * y[1] + x[2] * y[2] + x[3] * y[3] + x[4] * y[4] + x[5] * y[5];
}
