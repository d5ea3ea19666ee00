import { KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";

/** Shares moved for one box. */
const MOST_DRAWS = 200;
/** A hull that comes so near to a box is taken to meet it. */
const TOUCHING = 1e-6;
/** A box is excluded by so much that the checker, whose float64 is rounded otherwise, finds it, too. */
const SLACK = 2e-5;
const AXIS_STEPS = 1e12;

/**
 * The axes along which a part is cut, as the rows of a (6, 6) matrix: the longest of the losses, then the longest part that is perpendicular to it
 * of the others, and so on. Along the principal axes of o a hard proof takes a hundred times as many cells (measured).
 */
export function lossAxes(losses: readonly Float64Array[]): number[][] {
  const axes: Float64Array[] = [];
  const rest = (own: Float64Array) =>
    axes.reduce((left, axis) => left.map((value, l) => value - dot(left, 0, axis) * axis[l]), own);
  const length = (own: Float64Array) => Math.sqrt(dot(own, 0, own));
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

/**
 * The convex hull of what the attention's output can be over a part, by the axes of the part's cells, as far as it is known: outputs of inputs, and
 * half-spaces that hold all of them. Most cells are settled by what was found for others.
 */
export class Hull {
  /** Six numbers each. */
  readonly #outputs: number[] = [];
  readonly #halfSpaces: { direction: number[]; least: number }[] = [];
  /** The share of each output in `near`, a point of their convex hull, and the direction to it from the last box. */
  readonly #shares: number[] = [];
  readonly #near = new Float64Array(KEY_WIDTH);
  readonly #away = new Float64Array(KEY_WIDTH);

  /** @param axes [6, 6], one a row */
  constructor(private readonly axes: Float64Array) {}

  /** Adds the least along a direction, and the output that has it. */
  add(direction: number[], least: number, output: Float64Array): void {
    this.#halfSpaces.push({ direction, least });
    this.#shares.push(this.#outputs.length === 0 ? 1 : 0);
    for (let i = 0; i < KEY_WIDTH; i++) this.#outputs.push(dot(this.axes, i * KEY_WIDTH, output));
    if (this.#shares.length === 1) this.#near.set(this.#outputs);
  }

  /** The direction of a half-space that excludes a box, [6, 2]. */
  excluding(box: Float64Array): number[] | undefined {
    return this.#halfSpaces.find(({ direction, least }) => {
      let [most, size] = [0, 1];
      for (let i = 0; i < KEY_WIDTH; i++) {
        const [lo, hi, w] = [box[2 * i], box[2 * i + 1], direction[i]];
        most += w * (w > 0 ? hi : lo);
        size += Math.abs(w) * Math.max(Math.abs(lo), Math.abs(hi));
      }
      return least > most + SLACK * size;
    })?.direction;
  }

  /** The least of the known outputs along a direction; Infinity where none is known. */
  least(w: ArrayLike<number>): number {
    const outputs = this.#outputs;
    const [w0, w1, w2, w3, w4, w5] = [w[0], w[1], w[2], w[3], w[4], w[5]];
    let least = Infinity;
    for (let p = 0; p < outputs.length; p += KEY_WIDTH) {
      const along = w0 * outputs[p] + w1 * outputs[p + 1] + w2 * outputs[p + 2] + w3 * outputs[p + 3] +
        w4 * outputs[p + 4] + w5 * outputs[p + 5];
      if (along < least) [least, this.#first] = [along, p];
    }
    return least;
  }
  /** Where the last of them starts. */
  #first = 0;

  /**
   * A direction along which the known outputs lie beyond a box; undefined where none is found. It is about that from the box to the nearest point of
   * their convex hull, to which `near` is drawn: shares move from the farthest of the outputs that it is made of to the nearest of all (Mitchell,
   * Demyanov and Malozemov 1974, "Finding the point of a polyhedron closest to the origin").
   */
  towards(box: Float64Array): number[] | undefined {
    const [outputs, shares, near, away] = [this.#outputs, this.#shares, this.#near, this.#away];
    if (outputs.length === 0) return new Array<number>(KEY_WIDTH).fill(0.408); // any will do
    for (let draw = 0; draw < MOST_DRAWS; draw++) {
      for (let i = 0; i < KEY_WIDTH; i++) away[i] = near[i] - Math.min(Math.max(near[i], box[2 * i]), box[2 * i + 1]);
      const square = dot(away, 0, away);
      if (square < TOUCHING ** 2) return undefined;
      const least = this.least(away);
      if (dot(away, 0, near) - least < square / 2) {
        const distance = Math.sqrt(square);
        // with few digits, so that it is short to write down; a cell that is hardly outside needs more
        const decimals = Math.max(3, Math.ceil(1.5 - Math.log10(distance)));
        return Array.from(away, (value) => Number((value / distance).toFixed(decimals)));
      }
      let [most, farthest] = [-Infinity, 0];
      for (let p = 0; p < outputs.length; p += KEY_WIDTH) {
        if (shares[p / KEY_WIDTH] === 0) continue;
        const along = dot(outputs, p, away);
        if (along > most) [most, farthest] = [along, p];
      }
      let far = 0;
      for (let i = 0; i < KEY_WIDTH; i++) far += (outputs[this.#first + i] - outputs[farthest + i]) ** 2;
      const moved = Math.min(shares[farthest / KEY_WIDTH], (most - least) / far);
      shares[farthest / KEY_WIDTH] -= moved;
      shares[this.#first / KEY_WIDTH] += moved;
      for (let i = 0; i < KEY_WIDTH; i++) near[i] += moved * (outputs[this.#first + i] - outputs[farthest + i]);
    }
    return undefined;
  }
}

/** Six numbers of `values` from `at` on, times six others. */
export function dot(values: ArrayLike<number>, at: number, others: Float64Array): number {
  return values[at] * others[0] + values[at + 1] * others[1] + values[at + 2] * others[2] +
    values[at + 3] * others[3] + values[at + 4] * others[4] + values[at + 5] * others[5];
}
