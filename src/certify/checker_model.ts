/**
 * The bound of a region, for the checker: no code of the prover's, only the model's definition, which is src/model/ and the formulas of the
 * reference engine. docs/certificate.md has the formulas, by the names used here in quotes.
 *
 * @module
 */
import { gelu, geluBackward } from "../engine/reference/gelu.ts";
import { layerNorm } from "../engine/reference/layer_norm.ts";
import { linear, rowOf, sum } from "../engine/reference/linear.ts";
import { forward, tensorsOf } from "../engine/reference/model.ts";
import { HIDDEN, type ModelName, TOKENS, variantOf, WIDTH } from "../model/variant.ts";
import { EQUALS, FIRST_QUERY, PLUS, promptTokens, targetTokens } from "../model/vocabulary.ts";

type Range = readonly [lo: number, hi: number];
type Vector = ArrayLike<number>;
/** For each position the digits that may stand there. */
export type Sets = readonly (readonly number[])[];
/** What is asked, the token that asks, and the right answer. */
export type Region = readonly [step: number, token: number, wanted: number];
/** A box along axes, and what is left of the 28 directions after the first axes, once it is known ("Cells"). */
export type Cell = { axes: Vector[]; box: readonly Range[]; rests: Range[][] };

const add = (x: Range, y: Range): Range => [x[0] + y[0], x[1] + y[1]];
const scale = (f: number, x: Range): Range => f < 0 ? [f * x[1], f * x[0]] : [f * x[0], f * x[1]];
const from = (start: number, x: Range): Range => [start + Math.min(x[0], 0), start + Math.max(x[1], 0)];
const reachOf = (x: Range) => Math.max(-x[0], x[1]);
const square = (x: Range): Range => [x[0] > 0 ? x[0] ** 2 : x[1] < 0 ? x[1] ** 2 : 0, reachOf(x) ** 2];
const meet = (x: Range, y: Range): Range => [Math.max(x[0], y[0]), Math.min(x[1], y[1])];
function multiply([a, b]: Range, [c, d]: Range): Range {
  return [Math.min(a * c, a * d, b * c, b * d), Math.max(a * c, a * d, b * c, b * d)];
}
/** x.y */
export function dot(x: Vector, y: Vector): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i] * y[i];
  return total;
}
function combine(factors: Vector, of: readonly Range[]): Range {
  let [lo, hi] = [0, 0];
  for (let i = 0; i < factors.length; i++) {
    lo += factors[i] * of[i][factors[i] < 0 ? 1 : 0];
    hi += factors[i] * of[i][factors[i] < 0 ? 0 : 1];
  }
  return [lo, hi];
}
function centered(x: Float64Array): Float64Array {
  const mean = x.reduce((total, value) => total + value, 0) / x.length;
  return x.map((value) => value - mean);
}
/** 0 … n - 1. */
export const times = (n: number) => Array.from({ length: n }, (_, i) => i);
/** What a function can be over a range, that is monotone but for its turns. */
function over(f: (x: number) => number, range: Range, turns: number[]): Range {
  const values = [...range, ...turns.filter((x) => range[0] < x && x < range[1])].map(f);
  return [Math.min(...values), Math.max(...values)];
}

/** What the first two derivatives of GELU can be over a range, for either form ("GELU"). */
const DERIVATIVES = {
  erf(range: Range): [Range, Range] {
    const slope = (x: number) => geluBackward(Float64Array.of(1), Float64Array.of(x), "erf")[0];
    const second = (x: number) => (2 - x * x) * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    return [over(slope, range, [-Math.SQRT2, Math.SQRT2]), over(second, range, [-2, 0, 2])];
  },
  tanh([lo, hi]: Range): [Range, Range] {
    const [s, c, x, radius] = [Math.sqrt(2 / Math.PI), 0.044715, (lo + hi) / 2, (hi - lo) / 2];
    const tanh = (x: number) => Math.tanh(s * (x + c * x ** 3));
    const [u1, u2] = [(x: number) => s * (1 + 3 * c * x * x), (x: number) => 6 * s * c * x];
    const middle = (1 - tanh(x) ** 2) * (u1(x) + x / 2 * (u2(x) - 2 * tanh(x) * u1(x) ** 2));
    const [a, b] = [lo > 0 ? lo : hi < 0 ? hi : NaN, reachOf([lo, hi])];
    const far = (1 - tanh(a) ** 2 + 1e-12) * (u1(b) + b / 2 * (u2(b) + 2 * u1(b) ** 2));
    const tail = Number.isFinite(far) ? far : 1; // where 0 lies inside, nothing is known by the tail
    const second = meet(meet([middle - 0.88 * radius, middle + 0.88 * radius], [-0.13, 0.81]), [-tail, tail]);
    const at = geluBackward(Float64Array.of(1), Float64Array.of(x), "tanh")[0];
    return [meet([at - reachOf(second) * radius, at + reachOf(second) * radius], [-0.14, 1.14]), second];
  },
};

/** What a quantity and its first two derivatives can be along the segments from a center. */
type Jet = readonly [Range, Range, Range];
const ZERO: Range = [0, 0];
const ONE: Jet = [[1, 1], ZERO, ZERO];
function product([x, x1, x2]: Jet, [y, y1, y2]: Jet): Jet {
  const first = add(multiply(x1, y), multiply(x, y1));
  return [multiply(x, y), first, add(add(multiply(x2, y), multiply(x, y2)), scale(2, multiply(x1, y1)))];
}

/** r = n^(-1/2), from n at the start of the segments, the box of z, z.z' and |z'|^2 + z.z'' ("Norms"). */
function inverseRoot(n: number, z: Range[], zDz: Range, halfBend: Range, epsilon: number): Jet {
  const box = z.reduce((total, range) => add(total, scale(1 / WIDTH, square(range))), [epsilon, epsilon] as Range);
  const [lo, hi] = meet(from(n, scale(2 / WIDTH, zDz)), box);
  const power = (p: number): Range => [hi ** p, lo ** p];
  const bend = scale(3 / WIDTH ** 2, multiply(power(-2.5), square(zDz)));
  const cube = scale(-1 / WIDTH, power(-1.5));
  return [power(-0.5), multiply(cube, zDz), add(bend, multiply(cube, halfBend))];
}

/** A position that asks: its residual stream, e of each token, and e v on any direction, at [position * 10 + digit] ("Attention"). */
type Query = { x0: Float64Array; weights: Float64Array; project: (w: Vector) => Float64Array; onto: Float64Array[] };

/** A set of inputs: a region, or what its digits and its cell leave of it. */
export type Part = { query: Query; region: Region; sets: Sets; cell?: Cell };

/** A model and its bounds. */
export class CheckedModel {
  readonly #variant;
  readonly #tensors;
  readonly #alpha: Float64Array[];
  /** Columns of the projection: what o[l] moves in the residual stream. */
  readonly #columns: Float64Array[];
  /** The 28 directions of o: itself, the centered stream, the hidden units ("Directions"). */
  readonly #directions: Float64Array[];
  readonly #w2Columns: Float64Array[];

  constructor(model: ModelName, parameters: Float32Array) {
    this.#variant = variantOf(model);
    this.#tensors = tensorsOf(Float64Array.from(parameters), this.#variant);
    const { norm2, projection, w1, w2 } = this.#tensors;
    this.#alpha = times(HIDDEN).map((k) => centered(rowOf(w1, k, WIDTH).map((w, m) => w * norm2.weight[m])));
    const unit = times(WIDTH).map((l) => new Float64Array(WIDTH).fill(1, l, l + 1));
    this.#columns = unit.map((e) => linear(e, projection));
    const onto = (row: Float64Array) => Float64Array.from(this.#columns, (column) => dot(row, centered(column)));
    this.#directions = [...unit, ...unit.map(onto), ...this.#alpha.map(onto)];
    this.#w2Columns = times(HIDDEN).map((k) => w2.filter((_, i) => i % HIDDEN === k));
  }

  /** The margin of one input at a step. */
  marginOf(a: number, b: number, step: number): number {
    const targets = targetTokens(a, b);
    const tokens = [...promptTokens(a, b), ...targets.slice(0, -1)];
    const { logits } = forward(this.#tensors, this.#variant, tokens, FIRST_QUERY).queries[step];
    return Math.min(...[...logits].filter((_, t) => t !== targets[step]).map((logit) => logits[targets[step]] - logit));
  }

  /** Position 21 + step asking with a token. */
  query(step: number, token: number): Query {
    const { tokenEmbedding, positionEmbedding } = this.#tensors;
    const asking = FIRST_QUERY + step;
    const rows = times(10).map((digit) => {
      const tokens = times(asking + 1).map((at) =>
        at === asking ? token : at === 10 ? PLUS : at === 21 ? EQUALS : digit
      );
      return forward(this.#tensors, this.#variant, tokens, asking).qkv;
    });
    const slots = times(10 * asking + 10).map((i) => rows[i % 10][Math.floor(i / 10)]);
    const scores = slots.map(({ key }) => dot(slots[10 * asking].query, key) / Math.sqrt(WIDTH));
    const shift = Math.max(...scores);
    const weights = Float64Array.from(scores, (score) => Math.exp(score - shift));
    const project = (w: Vector) => weights.map((e, i) => e * dot(w, slots[i].value));
    const x0 = sum(rowOf(tokenEmbedding, token, WIDTH), rowOf(positionEmbedding, asking, WIDTH));
    return { x0, weights, project, onto: this.#directions.map(project) };
  }

  /** Whether every margin over a region, or a cell of it, is at least `claim`, by Taylor's theorem at its center ("The bound of a region"). */
  holds(part: Part, claim: number): boolean {
    const { query: { x0, weights, onto }, region, sets, cell } = part;
    const { projection, norm2, w1, w2, tokenEmbedding, finalNorm } = this.#tensors;
    const { gelu: form, layerNormEpsilon: epsilon } = this.#variant;
    const [least, most] = extremes(sets, weights, weights, 0);
    if (!(least > 1e-100)) return false;
    const center = Float64Array.from(times(WIDTH), (l) => {
      if (cell) return cell.axes.reduce((total, axis, i) => total + axis[l] * (cell.box[i][0] + cell.box[i][1]) / 2, 0);
      const [lo, hi] = extremes(sets, onto[l], weights, 0);
      return (lo + hi) / (least + most);
    });
    const ranges = this.#directions.map((w, i): Range => {
      if (cell) {
        const rests = cell.rests[i] ??= restsOf(w, cell.axes).map((rest) => rangeOf(part, rest));
        const [lo, hi] = sumsOf(w, cell).map((inBox, n) => add(inBox, rests[n])).reduce(meet);
        return [lo - dot(w, center), hi - dot(w, center)];
      }
      const [lo, hi] = extremes(sets, onto[i], weights, dot(w, center));
      return [lo / (lo < 0 ? least : most), hi / (hi > 0 ? least : most)];
    });
    if (ranges.some(([lo, hi]) => lo > hi + 1e-8 * (1 + Math.abs(lo)))) return true; // no input lies in the cell

    const x1 = sum(x0, linear(center, projection));
    const z = centered(x1);
    const n = dot(z, z) / WIDTH + epsilon;
    const hidden = linear(layerNorm(x1, norm2, epsilon).y, w1);
    const x2 = sum(x1, linear(gelu(hidden, form), w2));
    const logits = linear(finalNorm ? layerNorm(x2, finalNorm, epsilon).y : x2, tokenEmbedding);
    if (!logits.every(Number.isFinite)) return false;
    // how x2 moves with each coordinate of o
    const slopes = geluBackward(hidden.map(() => 1), hidden, form);
    const dx2 = this.#columns.map((column) => {
      const dHidden = linear(normSlope(z, n, column).map((d, m) => d * norm2.weight[m]), w1);
      return sum(column, linear(dHidden.map((d, k) => d * slopes[k]), w2));
    });

    // second derivatives along the segments from the center: of each activation, but for what all have in common ("Norms")
    const dz = ranges.slice(WIDTH, 2 * WIDTH);
    const dzSquared = dz.reduce((total, d) => total + square(d)[1], 0);
    const zDz = add(combine(z, dz), [0, dzSquared]);
    const r = inverseRoot(n, dz.map((d, m) => from(z[m], d)), zDz, [0, dzSquared], epsilon);
    const units = this.#alpha.map((alpha, k) => {
      const alphaDz = ranges[2 * WIDTH + k];
      const [, slope, bend] = product(r, [from(dot(alpha, z), alphaDz), alphaDz, ZERO]);
      const [first, second] = DERIVATIVES[form](from(hidden[k], slope));
      const rest = (first[1] - first[0]) / 2 * reachOf(bend);
      return { middle: (first[0] + first[1]) / 2, curve: add(multiply(second, square(slope)), [-rest, rest]) };
    });
    const curves = units.map(({ curve }) => curve);
    const bendOf = (e: Float64Array): Range => { // of e.x2
      const factors = this.#w2Columns.map((column) => dot(e, column));
      const v = z.map((_, m) => factors.reduce((total, f, k) => total + f * units[k].middle * this.#alpha[k][m], 0));
      const vDz = combine(v, dz);
      return add(combine(factors, curves), product(r, [from(dot(v, z), vDz), vDz, ZERO])[2]);
    };
    const slopeOf = (e: Float64Array): Range => combine(dx2.map((row) => dot(e, row)), ranges.slice(0, WIDTH));
    const [y, unit] = [centered(x2), times(WIDTH).map((m) => centered(new Float64Array(WIDTH).fill(1, m, m + 1)))];
    const ny = dot(y, y) / WIDTH + epsilon;
    let outer = ONE;
    if (finalNorm) {
      const second = unit.map(bendOf);
      const first = unit.map((e, m) => add(slopeOf(e), from(0, second[m])));
      const box = first.map((range, m) => from(y[m], range));
      const total = (of: (m: number) => Range) => times(WIDTH).reduce((all, m) => add(all, of(m)), ZERO);
      const halfBend = total((m) => add(square(first[m]), multiply(box[m], second[m])));
      outer = inverseRoot(ny, box, total((m) => multiply(box[m], first[m])), halfBend, epsilon);
    }

    return times(TOKENS).every((other) => {
      const answer = rowOf(tokenEmbedding, region[2], WIDTH).map((x, m) => x - tokenEmbedding[other * WIDTH + m]);
      if (other === region[2]) return true;
      const e = finalNorm ? centered(answer.map((x, m) => x * finalNorm.weight[m])) : answer; // the reading is r3 e.y
      const [bend, move] = [bendOf(e), slopeOf(e)];
      const turn = finalNorm ? add(move, from(0, bend)) : move;
      const second = product(outer, [from(dot(e, y), turn), turn, bend])[2][0];
      const gradient = dx2.map((row) => dot(e, finalNorm ? normSlope(y, ny, row) : row));
      const margin = logits[region[2]] - logits[other];
      const size = 1 + Math.abs(logits[region[2]]) + Math.abs(logits[other]) + Math.abs(second);
      const proves = (slope: number) => margin + slope + second / 2 - 1e-9 * (size + Math.abs(slope)) >= claim;
      if (proves(combine(gradient, ranges)[0])) return true;
      const start = dot(gradient, center);
      const inBox = cell && sumsOf(gradient, cell);
      const rests = cell ? restsOf(gradient, cell.axes) : [gradient];
      return rests.some((rest, i) => {
        const lowest = leastOver(part, rest) + (inBox ? inBox[i][0] : 0);
        return lowest === Infinity || proves(lowest - start); // no input lies in the region, or
      });
    });
  }
}

/** How the norm's output z / sqrt(n) moves where its input moves by dx. */
function normSlope(z: Float64Array, n: number, dx: Float64Array): Float64Array {
  const dz = centered(dx);
  const dr = -(n ** -1.5) * dot(z, dz) / WIDTH;
  return dz.map((d, m) => n ** -0.5 * d + dr * z[m]);
}

/** After how many axes a rest is looked at. */
const PREFIXES = [0, 1, 2, 3, WIDTH];

/** What is left of a direction after some axes. */
function restsOf(w: Vector, axes: Vector[]): Float64Array[] {
  const without = (n: number) => (x: number, l: number) =>
    axes.slice(0, n).reduce((rest, axis) => rest - dot(w, axis) * axis[l], x);
  return PREFIXES.map((n) => Float64Array.from(w, without(n)));
}

/** What the same axes can add over a box. */
function sumsOf(w: Vector, { axes, box }: Cell): Range[] {
  return PREFIXES.map((n) => combine(axes.slice(0, n).map((axis) => dot(w, axis)), box));
}

/** What w.o can be over a region. */
export function rangeOf(part: Part, w: Vector): Range {
  return [leastOver(part, w), -leastOver(part, Float64Array.from(w, (x) => -x))];
}

/** The least w.o over a region, from below: x + min sum e (w.v - x) / Z for the best of a few x ("Ties"). */
function leastOver({ query: { weights, project }, region, sets }: Part, w: Vector): number {
  const [least, most] = extremes(sets, weights, weights, 0);
  const projected = project(w);
  let [x, best] = [0, -Infinity];
  for (let round = 0; round < 8; round++) {
    const costs = projected.map((value, i) => value - x * weights[i]);
    if (!costs.every(Number.isFinite)) return NaN;
    const [cost, weight] = cheapest(region, sets, costs, weights);
    if (cost === Infinity) return Infinity;
    best = Math.max(best, x + cost / (cost < 0 ? least : most));
    if (Math.abs(cost) < 1e-12 * least) break;
    x += cost / weight;
  }
  return best;
}

/** The least and the greatest sum of e (w.v - x), one token a position, each chosen on its own. */
function extremes(sets: Sets, projected: Float64Array, weights: Float64Array, x: number): Range {
  let [lo, hi] = [0, 0];
  for (let at = 0; at < sets.length; at++) {
    let [least, most] = [Infinity, -Infinity];
    for (let i = 0; i < sets[at].length; i++) {
      const value = projected[10 * at + sets[at][i]] - x * weights[10 * at + sets[at][i]];
      if (value < least) least = value;
      if (value > most) most = value;
    }
    [lo, hi] = [lo + least, hi + most];
  }
  return [lo, hi];
}

/** The cheapest input of a region, place by place, by the carry into the next: its cost, Infinity where there is none, and its Z ("Ties"). */
function cheapest([step, token, wanted]: Region, sets: Sets, costs: Float64Array, weights: Float64Array): Range {
  let least: Range[] = [[0, 0], [Infinity, 0]];
  for (const place of times(10)) {
    const [atA, atB, atSum] = [90 - 10 * place, 200 - 10 * place, 220 + 10 * place];
    const allowed = [sets[22 + place], [token], [wanted], times(10)][Math.min(Math.max(place - step + 2, 0), 3)];
    const written = place < step - 1;
    const next: Range[] = [[Infinity, 0], [Infinity, 0]];
    for (const a of sets[9 - place]) {
      for (const b of sets[20 - place]) {
        for (const carry of [0, 1]) {
          const [digit, out] = [(a + b + carry) % 10, +(a + b + carry > 9)];
          const cost = least[carry][0] + costs[atA + a] + costs[atB + b] + (written ? costs[atSum + digit] : 0);
          if (!(cost < next[out][0]) || !allowed.includes(digit)) continue;
          const weight = weights[atA + a] + weights[atB + b] + (written ? weights[atSum + digit] : 0);
          next[out] = [cost, least[carry][1] + weight];
        }
      }
    }
    least = next;
  }
  const ends = step > 9 ? least[step === 10 ? wanted : token] : least[least[0][0] < least[1][0] ? 0 : 1];
  const fixed = [100, 210, ...(step > 0 ? [210 + 10 * step] : [])];
  return [ends[0] + fixed.reduce((t, i) => t + costs[i], 0), ends[1] + fixed.reduce((t, i) => t + weights[i], 0)];
}
