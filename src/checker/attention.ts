/**
 * Between what w . o lies over a part, where o is the attention's output: a quotient of sums, one row a position.
 *
 * docs/certificate.md explains this file under "Attention", "Ties" and "Cells".
 */
import { DIGITS, KEY_WIDTH, ROW } from "../engine/wasm/decoding_tables.ts";
import { OPERAND_DIGITS } from "../model/vocabulary.ts";
import { type Choices, outputRounding, type Part, type Range, WEIGHT } from "./query.ts";
import { FLOAT64 } from "./rounding.ts";

const UNITS = Array.from({ length: KEY_WIDTH }, (_, l) => Array.from({ length: KEY_WIDTH }, (_, i) => Number(i === l)));
const NOTHING = UNITS[0].map(() => 0);
const MOST_ROUNDS = 8;

/** A way to bound w . (o - center) over a part. */
export type Reach = (w: number[]) => Range;

/** What is known of the attention over a part. */
export class Attention {
  /** Near the middle of what o can be, [6]. Nothing depends on how near. */
  readonly center: Float64Array;
  /** How far each coordinate of o can be from it. */
  readonly sides: Float64Array;
  /** How far the coordinates that the kernels compute may be from o. */
  readonly rounding: Float64Array;
  readonly #part: Part;
  readonly #choices: Choices;
  /** Between what the sum of the weights lies. */
  readonly #weight: Range;
  /** Whether two bounds were found to exclude each other: then there is no input in the part. */
  isEmpty = false;

  constructor(part: Part, choices: Choices) {
    this.#part = part;
    this.#choices = choices;
    const columns = UNITS.map((unit) => choices.range(unit, 0));
    const [least, most] = choices.range(NOTHING, 1);
    this.#weight = [least * (1 - FLOAT64), most * (1 + FLOAT64)];
    const middle = Float64Array.from(columns, ([lo, hi]) => (lo + hi) / (least + most));
    const { axes, box } = part;
    this.center = middle.slice();
    axes.forEach((axis, i) => {
      const shift = (box[i][0] + box[i][1]) / 2 - dot(axis, middle);
      for (let l = 0; l < KEY_WIDTH; l++) this.center[l] += shift * axis[l];
    });
    this.sides = Float64Array.from(UNITS, (unit, l) => {
      const [lo, hi] = this.apart(unit);
      const bySides = axes.reduce((sum, axis, i) => sum + Math.abs(axis[l]) * (box[i][1] - box[i][0]) / 2, 0);
      // axes span the space, but are rounded
      return axes.length > 0
        ? Math.min(Math.max(-lo, hi), bySides + 1e-5 * (bySides + norm(this.center)))
        : Math.max(-lo, hi);
    });
    this.rounding = outputRounding(part.query, this.#weight[0]);
  }

  /** By how far each coordinate can be from the center. */
  readonly boxed: Reach = (w) => {
    let most = 0;
    for (let l = 0; l < KEY_WIDTH; l++) most += Math.abs(w[l]) * this.sides[l];
    return [-most, most];
  };

  /** Each choice on its own: w . o - x = sum e (w . key - x) / sum e, with x = w . center. */
  readonly apart: Reach = (w) => {
    const [least, most] = this.#weight;
    const x = dot(w, this.center);
    const [lo, hi] = this.#choices.range(w, -x);
    const error = this.#error(w, x);
    return [lo / (lo < 0 ? least : most) - error, hi / (hi > 0 ? least : most) + error];
  };

  /** The lower end alone of {@linkcode tied}. */
  readonly tiedFromBelow: Reach = (w) => [this.#leastTied(w) - dot(w, this.center), Infinity];

  /** With the digits of the sum as the operands and their carries make them ("Ties"). */
  readonly tied: Reach = (w) => {
    const x = dot(w, this.center);
    return [this.#leastTied(w) - x, -this.#leastTied(w.map((value) => -value)) - x];
  };

  /** In a cell: by the box, which the axes take w apart along, and by `reach`, where there is one ("Cells"). */
  inCell(reach?: Reach): Reach {
    const { axes, box } = this.#part;
    return (w) => {
      let rest = w;
      let [lo, hi] = [0, 0];
      axes.forEach((axis, i) => {
        const share = dot(rest, axis);
        rest = rest.map((value, l) => value - share * axis[l]);
        const middle = dot(axis, this.center);
        const error = FLOAT64 * Math.abs(share) * (Math.abs(box[i][0]) + Math.abs(box[i][1]) + norm(this.center));
        lo += Math.min(share * (box[i][0] - middle), share * (box[i][1] - middle)) - error;
        hi += Math.max(share * (box[i][0] - middle), share * (box[i][1] - middle)) + error;
      });
      const left = this.boxed(rest)[1] + FLOAT64 * norm(w) * norm(this.sides); // next to nothing: axes span the space, but are rounded
      const [from, to] = reach?.(w) ?? [-Infinity, Infinity];
      [lo, hi] = [Math.max(lo - left, from), Math.min(hi + left, to)];
      this.isEmpty ||= lo > hi;
      return [lo, hi];
    };
  }

  /** What float64 may get wrong in (sum e (w . key - x)) / sum e. */
  #error(w: ArrayLike<number>, x: number): number {
    const { sizes } = this.#part.query;
    let [size, offset] = [Math.abs(x) * sizes[WEIGHT], 0];
    for (let l = 0; l < KEY_WIDTH; l++) {
      size += Math.abs(w[l]) * sizes[l];
      offset += Math.abs(w[l] * this.center[l]);
    }
    return FLOAT64 * (size / this.#weight[0] + offset);
  }

  /** The least w . o, from below: x + min sum e (w . key - x) / sum e, for the best of a few x; Infinity where there is no input. */
  #leastTied(w: readonly number[]): number {
    const [least, most] = this.#weight;
    let [x, best] = [dot(w, this.center), -Infinity];
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const [cost, weight] = cheapest(this.#part, w, x);
      best = Math.max(best, x + cost / (cost < 0 ? least : most) - this.#error(w, x));
      if (!(Math.abs(cost) > 1e-12 * least && cost < Infinity)) break;
      x += cost / weight;
    }
    return best;
  }
}

/** The cheapest input of a part, place by place, by the carry into the next: its sum of e (w . key - x), Infinity where there is none; its sum of e. */
function cheapest(
  { query: { step, token, rows }, target, digits, ties }: Part,
  w: readonly number[],
  x: number,
): Range {
  const costOf = (position: number, digit: number): Range => {
    const at = (position * DIGITS + digit) * ROW;
    let cost = -x * rows[at + WEIGHT];
    for (let l = 0; l < KEY_WIDTH; l++) cost += w[l] * rows[at + l];
    return [cost, rows[at + WEIGHT]];
  };
  let states: Range[] = [[0, 0], [Infinity, 0]];
  for (let place = 0; place < OPERAND_DIGITS; place++) {
    const [atA, atB, atSum] = [OPERAND_DIGITS - 1 - place, 2 * OPERAND_DIGITS - place, 2 * OPERAND_DIGITS + 2 + place];
    // the cheapest pair of digits of each sum, or of the tied one
    const tied = ties.find(([a]) => a === atA)?.[2];
    const pairs: Range[] = Array.from({ length: 19 }, () => [Infinity, 0]);
    const costsB = digits[atB].map((digit) => costOf(atB, digit));
    for (const a of digits[atA]) {
      const [costA, weightA] = costOf(atA, a);
      digits[atB].forEach((b, j) => {
        const cost = costA + costsB[j][0];
        if (cost < pairs[a + b][0] && (tied ?? a + b) === a + b) pairs[a + b] = [cost, weightA + costsB[j][1]];
      });
    }
    const isWritten = place < step - 1;
    const digit = place === step - 1 ? token : place === step ? target : undefined;
    const next: Range[] = [[Infinity, 0], [Infinity, 0]];
    for (const carry of [0, 1]) {
      for (let sum = 0; sum < pairs.length; sum++) {
        const [own, out] = [(sum + carry) % 10, Number(sum + carry > 9)];
        if ((digit ?? own) !== own || isWritten && !digits[atSum].includes(own)) continue;
        const [cost, weight] = isWritten ? costOf(atSum, own) : [0, 0];
        const total = states[carry][0] + pairs[sum][0] + cost;
        if (total < next[out][0]) next[out] = [total, states[carry][1] + pairs[sum][1] + weight];
      }
    }
    states = next;
  }
  const last = step < OPERAND_DIGITS ? Number(states[1][0] < states[0][0]) : step === OPERAND_DIGITS ? target : token;
  const fixed = [OPERAND_DIGITS, ...(step > 0 ? [2 * OPERAND_DIGITS + 1 + step] : [])].map((at) => costOf(at, 0));
  return fixed.reduce<Range>(([cost, weight], [c, e]) => [cost + c, weight + e], states[last]);
}

export function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < KEY_WIDTH; i++) total += x[i] * y[i];
  return total;
}

/** The sum of the sizes, at least as large as the length of x. */
function norm(x: ArrayLike<number>): number {
  return Array.prototype.reduce.call(x, (total: unknown, value) => total as number + Math.abs(value), 0) as number;
}
