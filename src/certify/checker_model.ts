/**
 * The bound of a region, for the checker: no code of the prover's, only the model's definition, which is src/model/ and the formulas of the
 * reference engine. docs/certificate.md has the formulas and why they hold, by the names used here in quotes.
 *
 * @module
 */
import { gelu, geluBackward } from "../engine/reference/gelu.ts";
import { layerNorm } from "../engine/reference/layer_norm.ts";
import { linear, rowOf, sum } from "../engine/reference/linear.ts";
import { forward, QkvRow, tensorsOf } from "../engine/reference/model.ts";
import { HIDDEN, type ModelName, TOKENS, variantOf, WIDTH } from "../model/variant.ts";
import { EQUALS, FIRST_QUERY, PLUS, promptTokens, targetTokens } from "../model/vocabulary.ts";

type Vector = ArrayLike<number>;
type Range = readonly [lo: number, hi: number];
/** What a quantity and its first two derivatives can be along the segments from a center. */
type Jet = readonly [Range, Range, Range];
/** A linear function e.x2 of the last residual stream, by its 21 factors: 7 of x1, which are e, and 14 of the activations. */
type Reading = Float64Array;
/** A position that asks: its residual stream; e of each token, and e v on any direction, at [position * 10 + digit] ("Attention"). */
type Query = { x0: Float64Array; weights: Float64Array; onto: Float64Array[]; project: (w: Vector) => Float64Array };
/** A box along axes, and what is left over the region of each direction after some axes, once it is known ("Cells"). */
type Cell = { axes: Float64Array[]; box: Range[]; rests: Range[][] };
/** A set of inputs: a region, with the digits that may stand at each position, or what a cell leaves of it. */
export type Part = {
  query: Query;
  region: readonly [step: number, token: number, wanted: number];
  sets: readonly (readonly number[])[];
  cell?: Cell;
};

const ZERO: Range = [0, 0];
const add = (x: Range, y: Range): Range => [x[0] + y[0], x[1] + y[1]];
const meet = (x: Range, y: Range): Range => [Math.max(x[0], y[0]), Math.min(x[1], y[1])];
const scale = (f: number, x: Range): Range => f < 0 ? [f * x[1], f * x[0]] : [f * x[0], f * x[1]];
const multiply = ([a, b]: Range, [c, d]: Range): Range => {
  return [Math.min(a * c, a * d, b * c, b * d), Math.max(a * c, a * d, b * c, b * d)];
};
const square = ([a, b]: Range): Range => [a > 0 ? a * a : b < 0 ? b * b : 0, Math.max(-a, b) ** 2];
/** What a quantity can be along a segment that starts at a value and moves it by that much: start + [0, 1] x. */
const from = (start: number, x: Range): Range => [start + Math.min(x[0], 0), start + Math.max(x[1], 0)];
/** 0 … n - 1. */
export const times = (n: number) => Array.from({ length: n }, (_, i) => i);

/** x.y */
export function dot(x: Vector, y: Vector): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i] * y[i];
  return total;
}

/** The same where y is known by ranges. */
function combine(x: Vector, y: readonly Range[]): Range {
  let [lo, hi] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    lo += x[i] * y[i][x[i] < 0 ? 1 : 0];
    hi += x[i] * y[i][x[i] < 0 ? 0 : 1];
  }
  return [lo, hi];
}

/** The sum of the rows, each times its factor. */
function mix(factors: Vector, rows: readonly Vector[]): Float64Array {
  const total = new Float64Array(WIDTH);
  for (let k = 0; k < factors.length; k++) {
    for (let m = 0; m < WIDTH; m++) total[m] += factors[k] * rows[k][m];
  }
  return total;
}

function centered(x: Float64Array): Float64Array {
  const mean = x.reduce((total, value) => total + value, 0) / x.length;
  return x.map((value) => value - mean);
}

/** Second derivative of a product, but for the part that its second factor's own makes. */
const bendOf = ([, x1, x2]: Jet, y: Range, y1: Range) => add(multiply(x2, y), scale(2, multiply(x1, y1)));

/** r = (|z|^2 / 7 + epsilon)^(-1/2), from z and z.z' where the segments start and what z' and z'' can be on them ("Norms"). */
function inverseRoot(z: Vector, start: Range, z1: Range[], z2: Range[], epsilon: number): Jet {
  const box = z1.map((range, m) => from(z[m], range));
  const bend = z1.reduce((total, range, m) => add(total, add(square(range), multiply(box[m], z2[m]))), ZERO);
  const slope = add(start, from(0, bend));
  const squares = box.reduce((total, range) => add(total, square(range)), ZERO);
  const n = meet(from(dot(z, z), scale(2, slope)), squares).map((total) => total / WIDTH + epsilon);
  const power = (p: number): Range => [n[1] ** p, n[0] ** p];
  const cube = scale(-1 / WIDTH, power(-1.5));
  const second = add(scale(3 / WIDTH ** 2, multiply(power(-2.5), square(slope))), multiply(cube, bend));
  return [power(-0.5), multiply(cube, slope), second];
}

/** gelu'' of either form ("GELU"). */
const BENDS = {
  erf: (x: number) => (2 - x * x) * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI),
  tanh(x: number) {
    const [s, c] = [Math.sqrt(2 / Math.PI), 0.044715];
    const [t, u1, u2] = [Math.tanh(s * (x + c * x ** 3)), s * (1 + 3 * c * x * x), 6 * s * c * x];
    return (1 - t * t) * (u1 + x / 2 * (u2 - 2 * t * u1 * u1));
  },
};
/** Where gelu' and gelu'' of either form turn, and beyond what they never go there: elsewhere they are monotone ("GELU"). */
const SLOPE_TURNS = [[-1.43, -1.41, -0.1289932], [1.41, 1.43, 1.1289932]];
const BEND_TURNS = [[-2.03, -1.99, -0.107982], [-0.01, 0.01, 0.7978846], [1.99, 2.03, -0.107982]];

/** What a function can be over a range, by its values at the ends and where it turns. */
function over(range: Range, atLo: number, atHi: number, turns: number[][]): Range {
  let [least, most] = [Math.min(atLo, atHi), Math.max(atLo, atHi)];
  for (const [start, end, value] of turns) {
    if (range[0] >= end || start >= range[1]) continue;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return [least, most];
}

/** A model and its bounds. */
export class CheckedModel {
  readonly #variant;
  readonly #tensors;
  readonly #epsilon: number;
  /** Of the projection: how each coordinate of the residual stream moves with o. */
  readonly #rows: Float64Array[];
  /** alpha_k of each hidden unit ("Directions"). */
  readonly #alpha: Float64Array[];
  /** The 28 directions of o: itself, the centered stream, the hidden units ("Directions"). */
  readonly #directions: Float64Array[];
  /** What the centered stream at the end is read by, and at [wanted][other] the margin. */
  readonly #coordinates: Reading[];
  readonly #margins: Reading[][];

  constructor(model: ModelName, parameters: Float32Array) {
    this.#variant = variantOf(model);
    this.#epsilon = this.#variant.layerNormEpsilon;
    this.#tensors = tensorsOf(Float64Array.from(parameters), this.#variant);
    const { norm2, projection, w1, tokenEmbedding, finalNorm } = this.#tensors;
    this.#alpha = times(HIDDEN).map((k) => centered(rowOf(w1, k, WIDTH).map((w, m) => w * norm2.weight[m])));
    const unit = times(WIDTH).map((l) => new Float64Array(WIDTH).fill(1, l, l + 1));
    this.#rows = unit.map((_, m) => rowOf(projection, m, WIDTH));
    this.#directions = [...unit, ...[...unit, ...this.#alpha].map((w) => mix(centered(w), this.#rows))];
    this.#coordinates = unit.map((w) => this.#reading(centered(w)));
    const embeddings = times(TOKENS).map((t) => rowOf(tokenEmbedding, t, WIDTH));
    this.#margins = embeddings.map((wanted) =>
      embeddings.map((other) => {
        const e = wanted.map((x, m) => (x - other[m]) * (finalNorm?.weight[m] ?? 1));
        return this.#reading(finalNorm ? centered(e) : e);
      })
    );
  }

  #reading(e: Float64Array): Reading {
    const columns = times(HIDDEN).map((k) => this.#tensors.w2.filter((_, i) => i % HIDDEN === k));
    return Float64Array.of(...e, ...columns.map((column) => dot(e, column)));
  }

  /** The margin of one input at a step. */
  marginOf(a: number, b: number, step: number): number {
    const targets = targetTokens(a, b);
    const tokens = [...promptTokens(a, b), ...targets.slice(0, -1)];
    const { logits } = forward(this.#tensors, this.#variant, tokens, FIRST_QUERY).queries[step];
    return Math.min(...[...logits].filter((_, t) => t !== targets[step]).map((logit) => logits[targets[step]] - logit));
  }

  /** Position 21 + step asking with a token. @throws {RangeError} If a number overflows */
  query(step: number, token: number): Query {
    const { tokenEmbedding, positionEmbedding, norm1, qkv } = this.#tensors;
    const asking = FIRST_QUERY + step;
    const embed = (t: number, at: number) => sum(rowOf(tokenEmbedding, t, WIDTH), rowOf(positionEmbedding, at, WIDTH));
    const fixed = new Map([[10, PLUS], [21, EQUALS], [asking, token]]);
    const slots = times(10 * asking + 10).map((i) => {
      const at = Math.floor(i / 10);
      return new QkvRow(linear(layerNorm(embed(fixed.get(at) ?? i % 10, at), norm1, this.#epsilon).y, qkv));
    });
    const scores = slots.map(({ key }) => dot(slots[10 * asking].query, key) / Math.sqrt(WIDTH));
    const shift = Math.max(...scores);
    const weights = Float64Array.from(scores, (score) => Math.exp(score - shift));
    const project = (w: Vector) => weights.map((e, i) => e * dot(w, slots[i].value));
    const onto = this.#directions.map(project);
    if (![weights, ...onto].every((row) => row.every(Number.isFinite))) throw new RangeError("a number overflows");
    return { x0: embed(token, asking), weights, onto, project };
  }

  /** A center of what o can be over a part, and what each of the directions can be from there. */
  #spread(part: Part): [center: Float64Array, ranges: Range[]] {
    const { query: { weights, onto }, sets, cell } = part;
    if (cell) {
      const center = mix(cell.box.map(([lo, hi]) => (lo + hi) / 2), cell.axes);
      const ranges = this.#directions.map((w, i) => {
        const parts = apart(w, cell);
        const rests = cell.rests[i] ??= parts.map(({ rest }) => rangeOf(part, rest));
        const range = parts.map(({ along }, n) => add(along, rests[n])).reduce(meet);
        return add(range, [-dot(w, center), -dot(w, center)]);
      });
      return [center, ranges];
    }
    const [least, most] = extremes(sets, weights, weights, 0);
    const middles = onto.slice(0, WIDTH).map((projected) => extremes(sets, projected, weights, 0));
    const center = Float64Array.from(middles, ([lo, hi]) => (lo + hi) / (least + most));
    const ranges = this.#directions.map((w, i): Range => {
      const [lo, hi] = extremes(sets, onto[i], weights, dot(w, center));
      return [lo / (lo < 0 ? least : most), hi / (hi > 0 ? least : most)];
    });
    return [center, ranges];
  }

  /** Whether every margin over a part is at least `claim`, by Taylor's theorem at its center ("The bound of a region"). */
  holds(part: Part, claim: number): boolean {
    const { query: { x0, weights }, region: [, , wanted], sets, cell } = part;
    const { projection, norm2, w1, w2, tokenEmbedding, finalNorm } = this.#tensors;
    const [epsilon, form] = [this.#epsilon, this.#variant.gelu];
    if (!(extremes(sets, weights, weights, 0)[0] > 1e-100)) return false;
    const [center, ranges] = this.#spread(part);
    if (ranges.some(([lo, hi]) => lo > hi + 1e-8 * (1 + Math.abs(lo)))) return true; // no input lies in the cell
    const [d, dz, hiddenDz] = [ranges.slice(0, WIDTH), ranges.slice(WIDTH, 2 * WIDTH), ranges.slice(2 * WIDTH)];

    // the model at the center
    const x1 = sum(x0, linear(center, projection));
    const normed = layerNorm(x1, norm2, epsilon);
    const hidden = linear(normed.y, w1);
    const slopes = geluBackward(hidden.map(() => 1), hidden, form);
    const x2 = sum(x1, linear(gelu(hidden, form), w2));
    const last = finalNorm && layerNorm(x2, finalNorm, epsilon);
    const logits = linear(last?.y ?? x2, tokenEmbedding);
    if (!logits.every(Number.isFinite)) return false;

    const proves = (other: number, change: number, more: number) => {
      const margin = logits[wanted] - logits[other];
      const size = 1 + Math.abs(logits[wanted]) + Math.abs(logits[other]) + Math.abs(change) + Math.abs(more);
      return margin + change + more - 1e-9 * size >= claim;
    };

    // the first derivatives on the segments of r, the hidden units and the activations; for most regions they suffice ("First order")
    const z = centered(x1);
    const r = inverseRoot(z, combine(z, dz), dz, dz.map(() => ZERO), epsilon);
    const alphaZ = this.#alpha.map((alpha) => dot(alpha, z));
    const along = alphaZ.map((start, k) => from(start, hiddenDz[k]));
    const firsts = along.map((range, k) => add(multiply(r[1], range), multiply(r[0], hiddenDz[k])));
    const h = firsts.map((first, k) => from(hidden[k], first));
    const atEnds = geluBackward(new Float64Array(2 * HIDDEN).fill(1), Float64Array.from(h.flat()), form);
    const gelu1 = h.map((range, k) => over(range, atEnds[2 * k], atEnds[2 * k + 1], SLOPE_TURNS));
    const changes = [
      ...this.#rows.map((row) => combine(row, d)),
      ...firsts.map((first, k) => multiply(gelu1[k], first)),
    ];
    const open = times(TOKENS).filter((other) => {
      const change = combine(this.#margins[wanted][other], changes)[0];
      return other !== wanted && (finalNorm || !proves(other, change, 0));
    });
    if (open.length === 0) return true;

    // how the parts of x2 move with o at the center, and what they make of the second derivative ("Norms")
    const zMoves = mix(z, this.#directions.slice(WIDTH, 2 * WIDTH));
    const moves = alphaZ.map((start, k) =>
      normMoves(normed.inverseDeviation, start, this.#directions[2 * WIDTH + k], zMoves).map((x) => x * slopes[k])
    );
    const middles = this.#alpha.map((alpha, k) => alpha.map((x) => x * (gelu1[k][0] + gelu1[k][1]) / 2));
    const curves = h.map((range, k) => {
      const gelu2 = over(range, BENDS[form](range[0]), BENDS[form](range[1]), BEND_TURNS);
      const radius = (gelu1[k][1] - gelu1[k][0]) / 2;
      return add(multiply(gelu2, square(firsts[k])), multiply([-radius, radius], bendOf(r, along[k], hiddenDz[k])));
    });
    const derivatives = (reading: Reading): [gradient: Float64Array, bend: Range] => {
      const factors = reading.subarray(WIDTH);
      const v = mix(factors, middles);
      const vDz = combine(v, dz);
      const bend = add(combine(factors, curves), bendOf(r, from(dot(v, z), vDz), vDz));
      return [mix(reading, [...this.#rows, ...moves]), bend];
    };

    let outer: Jet = [[1, 1], ZERO, ZERO]; // the last norm's scale
    const y = centered(x2);
    let yMoves = y;
    if (last) {
      [yMoves] = derivatives(this.#reading(y));
      const ofY = this.#coordinates.map(derivatives);
      const y1 = ofY.map(([moves, second]) => add(combine(moves, d), from(0, second)));
      outer = inverseRoot(y, combine(yMoves, d), y1, ofY.map(([, second]) => second), epsilon);
    }
    return open.every((other) => {
      const e = this.#margins[wanted][other];
      const [moves, bend] = derivatives(e);
      const turn = add(combine(moves, d), from(0, bend));
      const eY = dot(y, e);
      const second = add(multiply(outer[0], bend), bendOf(outer, from(eY, turn), turn))[0];
      const gradient = last ? normMoves(last.inverseDeviation, eY, moves, yMoves) : moves;
      if (proves(other, combine(gradient, d)[0], second / 2)) return true;
      return apart(gradient, cell).some(({ along, rest }) => {
        const least = leastOver(part, rest);
        return least === Infinity || proves(other, along[0] + least - dot(gradient, center), second / 2); // no input, or
      });
    });
  }
}

/** The gradient of r w.z, from those of w.z and |z|^2 / 2 ("Norms"). */
function normMoves(r: number, wz: number, moves: Float64Array, zMoves: Vector): Float64Array {
  return moves.map((move, l) => r * move - r ** 3 / WIDTH * wz * zMoves[l]);
}

/** A direction taken apart after n axes, for each n that is tried: what these can add over the box, and what is left ("Cells"). */
function apart(w: Float64Array, cell: Cell = { axes: [], box: [], rests: [] }): { along: Range; rest: Float64Array }[] {
  return [0, 1, 2, 3, WIDTH].filter((n) => n <= cell.axes.length).map((n) => {
    const factors = cell.axes.slice(0, n).map((axis) => dot(w, axis));
    const taken = mix(factors, cell.axes);
    return { along: combine(factors, cell.box), rest: w.map((x, l) => x - taken[l]) };
  });
}

/** What w.o can be over a region. */
export function rangeOf(part: Part, w: Float64Array): Range {
  return [leastOver(part, w), -leastOver(part, w.map((x) => -x))];
}

/** The least w.o over a region, from below: x + min sum e (w.v - x) / Z for the best of a few x ("Ties"); Infinity where there is no input. */
function leastOver(part: Part, w: Float64Array): number {
  const { weights, project } = part.query;
  const [least, most] = extremes(part.sets, weights, weights, 0);
  const projected = project(w);
  let [x, best] = [0, -Infinity];
  for (let round = 0; round < 8; round++) {
    const costs = projected.map((value, i) => value - x * weights[i]);
    if (!costs.every(Number.isFinite)) return NaN;
    const [cost, weight] = cheapest(part, costs);
    if (cost === Infinity) return Infinity;
    best = Math.max(best, x + cost / (cost < 0 ? least : most));
    if (Math.abs(cost) < 1e-12 * least) break;
    x += cost / weight;
  }
  return best;
}

/** The least and the greatest sum of e (w.v - x), one token a position, each chosen on its own. */
function extremes(sets: Part["sets"], projected: Float64Array, weights: Float64Array, x: number): Range {
  let [lo, hi] = [0, 0];
  for (let at = 0; at < sets.length; at++) {
    let [least, most] = [Infinity, -Infinity];
    for (let i = 0; i < sets[at].length; i++) {
      const slot = 10 * at + sets[at][i];
      const value = projected[slot] - x * weights[slot];
      if (value < least) least = value;
      if (value > most) most = value;
    }
    lo += least;
    hi += most;
  }
  return [lo, hi];
}

/** The cheapest input of a region, place by place, by the carry into the next: its cost, Infinity where there is none, and its Z ("Ties"). */
function cheapest({ query: { weights }, region: [step, token, wanted], sets }: Part, costs: Float64Array): Range {
  let least: Range[] = [ZERO, [Infinity, 0]];
  for (let place = 0; place < 10; place++) {
    const written = place < step - 1;
    const allowed = written ? sets[22 + place] : place < step ? [token] : place === step ? [wanted] : times(10);
    const next: Range[] = [[Infinity, 0], [Infinity, 0]];
    for (const a of sets[9 - place]) {
      for (const b of sets[20 - place]) {
        for (const carry of [0, 1]) {
          const [digit, out] = [(a + b + carry) % 10, +(a + b + carry > 9)];
          const slots = [90 - 10 * place + a, 200 - 10 * place + b];
          if (written) slots.push(220 + 10 * place + digit);
          const cost = slots.reduce((total, slot) => total + costs[slot], least[carry][0]);
          if (cost >= next[out][0] || !allowed.includes(digit)) continue;
          next[out] = [cost, slots.reduce((total, slot) => total + weights[slot], least[carry][1])];
        }
      }
    }
    least = next;
  }
  const ends = step > 9 ? least[step === 10 ? wanted : token] : least[least[0][0] < least[1][0] ? 0 : 1];
  const fixed = [100, 210, ...(step > 0 ? [210 + 10 * step] : [])];
  return [ends[0] + fixed.reduce((t, i) => t + costs[i], 0), ends[1] + fixed.reduce((t, i) => t + weights[i], 0)];
}
