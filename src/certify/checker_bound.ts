/**
 * The least margin over a part, for the checker, from the model's definition alone: src/model/ and the formulas of the reference engine.
 * docs/certificate.md says why it holds, under the names in quotes.
 *
 * @module
 */
import { GELU } from "../engine/reference/gelu.ts";
import { rowOf, sum } from "../engine/reference/linear.ts";
import { forward, teacherForcedLogits, tensorsOf } from "../engine/reference/model.ts";
import { HIDDEN, type ModelName, variantOf, WIDTH } from "../model/variant.ts";
import { EQUALS, FIRST_QUERY, PLUS, targetTokens } from "../model/vocabulary.ts";

export type Range = readonly [lo: number, hi: number];
/** x = x[0] + x[1 … 7].(o - center) + x[8 …].errors, each error of an input between -1 and 1 times its size ("Forms"). */
type Form = number[];
/** Between what w.(o - center) lies, by what is known of o. */
type Along = (w: number[]) => Range;
/** A position that asks: its residual stream; of each token at 10 position + digit the coordinates of e v, and e ("Attention"). */
export type Query = { step: number; token: number; x0: ArrayLike<number>; columns: number[][] };
/** A set of inputs: the digits that may stand at each position and, in a cell, between what o lies along axes ("Cells"). */
export type Part = { query: Query; wanted: number; sets: readonly number[][]; axes: readonly number[][]; box: Range[] };

/** 0 … n - 1. */
export const times = (n: number) => Array.from({ length: n }, (_, i) => i);
/** A cell is halved so many times more along its longest side, where that is needed ("Cells"). */
const MORE_CUTS = 10;
/** Where one piece does not suffice curves are looked at in so many ("Forms"). */
const PIECES = 16;
const SQUARE = { value: (x: number) => x * x, derivative: (x: number) => 2 * x };
const INVERSE_ROOT = { value: (x: number) => x ** -0.5, derivative: (x: number) => -0.5 * x ** -1.5 };
/** Where gelu' of either form turns, and beyond what it never goes there: elsewhere it is monotone ("GELU"). */
const TURNS = [[-1.43, -1.41, -0.1289932], [1.41, 1.43, 1.1289932]];

/** x.y */
export function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i] * y[i];
  return total;
}

/** The sum of the rows, each times its factor. */
function mix(factors: ArrayLike<number>, rows: readonly number[][]): number[] {
  const total = rows[0].map((x) => factors[0] * x);
  for (let k = 1; k < factors.length; k++) {
    const [factor, row] = [factors[k], rows[k]];
    for (let i = 0; i < total.length; i++) total[i] += factor * row[i];
  }
  return total;
}

/** A model and its bounds. */
export class CheckedModel {
  readonly #variant;
  readonly #tensors;
  /** Rows of the projection, of w1 and w2, and of the token embedding. */
  readonly #layers;

  constructor(model: ModelName, parameters: Float32Array) {
    this.#variant = variantOf(model);
    this.#tensors = tensorsOf(Float64Array.from(parameters), this.#variant);
    const { projection, w1, w2, tokenEmbedding } = this.#tensors;
    const rowsOf = (w: Float64Array, n: number) => times(w.length / n).map((i) => Array.from(rowOf(w, i, n)));
    this.#layers = [rowsOf(projection, WIDTH), rowsOf(w1, WIDTH), rowsOf(w2, HIDDEN), rowsOf(tokenEmbedding, WIDTH)];
  }

  /** The margin of one input at a step. */
  marginOf(a: number, b: number, step: number): number {
    const logits = teacherForcedLogits(this.#tensors, this.#variant, Float64Array.of(a, b))[step];
    const wanted = targetTokens(a, b)[step];
    return Math.min(...Array.from(logits, (logit) => logits[wanted] - logit).toSpliced(wanted, 1));
  }

  /** Position 21 + step asking with a token. @throws {Error} If a number overflows */
  query(step: number, token: number): Query {
    const { tokenEmbedding, positionEmbedding } = this.#tensors;
    const asking = FIRST_QUERY + step;
    const fixed = new Map([[10, PLUS], [21, EQUALS], [asking, token]]);
    const filled = times(10).map((digit) => times(asking + 1).map((at) => fixed.get(at) ?? digit));
    const rows = filled.map((tokens) => forward(this.#tensors, this.#variant, tokens, asking + 1).qkv);
    const slots = times(10 * asking + 10).map((i) => rows[i % 10][Math.floor(i / 10)]);
    const scores = slots.map(({ key }) => dot(rows[0][asking].query, key) / Math.sqrt(WIDTH));
    const shift = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - shift));
    const columns = times(WIDTH + 1).map((l) => weights.map((e, i) => e * (slots[i].value[l] ?? 1)));
    if (!columns.every((column) => column.every(Number.isFinite))) throw new Error("a number overflows");
    const x0 = sum(rowOf(tokenEmbedding, token, WIDTH), rowOf(positionEmbedding, asking, WIDTH));
    return { step, token, x0, columns };
  }

  /** Whether every margin over a part is at least `claim`; a cell may be halved some times more ("Cells"). */
  holds(part: Part, claim: number, cuts = MORE_CUTS): boolean {
    const { query: { columns }, axes, box } = part;
    const [least, most] = extremes(part, columns[WIDTH]);
    if (!(least > 1e-100)) return false;
    const middles = columns.slice(0, WIDTH).map((column) => dot(extremes(part, column), [1, 1]) / (least + most));
    const center = mix([1, ...box.map(([lo, hi], i) => (lo + hi) / 2 - dot(axes[i], middles))], [middles, ...axes]);
    /** Between what a sum of costs / Z lies, each position on its own ("Attention"). */
    const within = (costs: number[]): Range => {
      const [lo, hi] = extremes(part, costs);
      return [lo / (lo < 0 ? least : most), hi / (hi > 0 ? least : most)];
    };
    const apart = (w: number[]) => within(mix([...w, -dot(w, center)], columns));
    const tied = (w: number[]) => rangeOf(part, w).map((x) => x - dot(w, center)) as [number, number];
    /** Of w itself, and of what is left of it after each of the axes, whatever tells most ("Cells"). */
    const inCell = (over: Along) =>
      function along(w: number[], axis = 0): Range {
        const [lo, hi] = over(w);
        if (axis === axes.length) return [lo, hi];
        const share = dot(w, axes[axis]);
        const ends = box[axis].map((side) => share * (side - dot(axes[axis], center)));
        const rest = along(mix([1, -share], [w, axes[axis]]), axis + 1);
        return [Math.max(lo, Math.min(...ends) + rest[0]), Math.min(hi, Math.max(...ends) + rest[1])];
      };
    const sides = center.map((at, l) => Math.max(...within(mix([1, -at], [columns[l], columns[WIDTH]])).map(Math.abs)));
    const boxed = (w: number[]): Range => {
      let most = 0;
      for (let l = 0; l < WIDTH; l++) most += Math.abs(w[l]) * sides[l];
      return [-most, most];
    };
    const holds = (along: Along, pieces: number) => this.#least(part, center, along, pieces) >= claim;
    if (holds(boxed, 1) || holds(inCell(apart), PIECES) || holds(inCell(tied), PIECES)) return true;
    const widths = box.map(([lo, hi]) => hi - lo);
    const longest = widths.indexOf(Math.max(...widths));
    if (longest < 0 || cuts === 0) return false;
    const [lo, hi] = box[longest];
    const halves: Range[] = [[lo, (lo + hi) / 2], [(lo + hi) / 2, hi]];
    return halves.every((side) => this.holds({ ...part, box: box.with(longest, side) }, claim, cuts - 1));
  }

  /** The least margin over a part, from below, where `along` tells between what w.(o - center) lies ("Forms"). */
  #least({ query: { x0 }, wanted }: Part, center: number[], along: Along, pieces: number): number {
    const { norm2, finalNorm } = this.#tensors;
    const [projection, w1, w2, tokenEmbedding] = this.#layers;
    const errors: number[] = [];
    let empty = false; // whether no input lies in the part
    /** Between what x - x[0] lies. */
    const move = (x: Form): Range => {
      const error = errors.reduce((total, size, i) => total + Math.abs(x[8 + i]) * size, 0);
      const [lo, hi] = along(x.slice(1, 8));
      empty ||= lo - hi > 1e-8 * (1 + Math.abs(x[0]));
      return [lo - error, hi + error];
    };
    const widest = (x: Form) => Math.max(...move(x).map(Math.abs));
    /** value + slope (x - x[0]), but for an error of that size. */
    const nearly = (value: number, slope: number, x: Form, error: number): Form => {
      const y = x.map((part) => slope * part);
      y[0] = value;
      y[7 + errors.push(error)] = 1;
      return y;
    };
    /** f(x) as a line and an error, by f in the middle of each piece and what f' can be there: it is monotone but for its turns. */
    const curve = (x: Form, { value, derivative }: typeof GELU.erf, turns: number[][] = []): Form => {
      const [lo, hi] = move(x);
      const half = (hi - lo) / 2 / pieces;
      const slope = derivative(x[0] + (lo + hi) / 2);
      let [least, most] = [Infinity, -Infinity];
      for (let i = 0; i < pieces; i++) {
        const at = x[0] + lo + (2 * i + 1) * half;
        const slopes = [derivative(at - half), derivative(at + half)];
        for (const [first, last, turned] of turns) if (at - half < last && first < at + half) slopes.push(turned);
        const error = Math.max(...slopes.map((other) => Math.abs(other - slope))) * half;
        const rest = value(at) - slope * (at - x[0]);
        least = Math.min(least, rest - error);
        most = Math.max(most, rest + error);
      }
      return nearly((least + most) / 2, slope, x, (most - least) / 2);
    };
    const linear = (x: Form[], w: number[][]) => w.map((row) => mix(row, x));
    /** LayerNorm and the linear layer after it: r times what the layer makes of the centered x. */
    const normedLinear = (x: Form[], { weight, bias }: typeof norm2, w: number[][]) => {
      const seventh = x.map(() => 1 / WIDTH);
      const mean = mix(seventh, x);
      const z = x.map((own) => mix([1, -1], [own, mean]));
      const n = mix(seventh, z.map((own) => curve(own, SQUARE)));
      n[0] += this.#variant.layerNormEpsilon;
      const r = curve(n, INVERSE_ROOT);
      return w.map((row) => {
        const own = mix(row.map((factor, m) => factor * weight[m]), z);
        return nearly(r[0] * own[0] + dot(row, bias), 1, mix([own[0], r[0]], [r, own]), widest(r) * widest(own));
      });
    };
    const none = times(finalNorm ? 58 : 36).map(() => 0); // as many errors there will be
    const o = center.map((at, l) => [at, ...center.map((_, m) => +(m === l)), ...none]);
    o.forEach(move); // to see where no input lies
    const x1 = linear(o, projection).map((x, m) => x.with(0, x0[m] + x[0]));
    const activated = normedLinear(x1, norm2, w1).map((h) => curve(h, GELU[this.#variant.gelu], TURNS));
    const x2 = linear(activated, w2).map((x, m) => mix([1, 1], [x1[m], x]));
    const logits = finalNorm ? normedLinear(x2, finalNorm, tokenEmbedding) : linear(x2, tokenEmbedding);
    const margins = logits.toSpliced(wanted, 1).map((logit) => mix([1, -1], [logits[wanted], logit]));
    const least = Math.min(...margins.map((margin) => margin[0] + move(margin)[0]));
    if (empty) return Infinity;
    return least - 1e-9 * (1 + Math.abs(least) + 2 * Math.max(...logits.map(([logit]) => Math.abs(logit))));
  }
}

/** The least and the greatest sum of costs, one token a position, each chosen on its own. */
function extremes({ sets }: Part, costs: number[]): Range {
  let [lo, hi] = [0, 0];
  for (let at = 0; at < sets.length; at++) {
    let [least, most] = [Infinity, -Infinity];
    for (const digit of sets[at]) {
      least = Math.min(least, costs[10 * at + digit]);
      most = Math.max(most, costs[10 * at + digit]);
    }
    lo += least;
    hi += most;
  }
  return [lo, hi];
}

/** What w.o can be over a region ("Ties"). */
export function rangeOf(part: Part, w: number[]): Range {
  return [leastOver(part, w), -leastOver(part, mix([-1], [w]))];
}

/** The least w.o over a region, from below: x + min sum e (w.v - x) / Z for the best of a few x ("Ties"); Infinity where there is no input. */
function leastOver(part: Part, w: number[]): number {
  const [least, most] = extremes(part, part.query.columns[WIDTH]);
  let [x, best] = [0, -Infinity];
  for (let round = 0; round < 8; round++) {
    const [cost, weight] = cheapest(part, mix([...w, -x], part.query.columns));
    best = Math.max(best, x + cost / (cost < 0 ? least : most));
    if (!(Math.abs(cost) > 1e-12 * least && cost < Infinity)) break;
    x += cost / weight;
  }
  return best;
}

/** The cheapest input of a region, place by place, by the carry into the next: its cost, Infinity where there is none, and its Z ("Ties"). */
function cheapest({ query: { step, token, columns }, wanted, sets }: Part, costs: number[]): Range {
  const weights = columns[WIDTH];
  let least: Range[] = [[0, 0], [Infinity, 0]];
  for (let place = 0; place < 10; place++) {
    const written = place < step - 1;
    const allowed = written ? sets[22 + place] : place < step ? [token] : place === step ? [wanted] : times(10);
    const next: Range[] = [[Infinity, 0], [Infinity, 0]];
    for (const a of sets[9 - place]) {
      for (const b of sets[20 - place]) {
        for (const carry of [0, 1]) {
          const [digit, out] = [(a + b + carry) % 10, +(a + b + carry > 9)];
          const [atA, atB, atSum] = [90 - 10 * place + a, 200 - 10 * place + b, 220 + 10 * place + digit];
          const cost = least[carry][0] + costs[atA] + costs[atB] + (written ? costs[atSum] : 0);
          if (cost >= next[out][0] || !allowed.includes(digit)) continue;
          next[out] = [cost, least[carry][1] + weights[atA] + weights[atB] + (written ? weights[atSum] : 0)];
        }
      }
    }
    least = next;
  }
  const [cost, weight] = step > 9 ? least[step === 10 ? wanted : token] : least[+(least[1][0] < least[0][0])];
  const fixed = [100, 210, 210 + 10 * step].slice(0, step > 0 ? 3 : 2);
  return [fixed.reduce((total, i) => total + costs[i], cost), fixed.reduce((total, i) => total + weights[i], weight)];
}
