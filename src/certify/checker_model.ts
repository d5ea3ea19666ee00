/**
 * The bound of a region, for the checker: no code of the prover's, only the model's definition, which is src/model/ and the formulas of the
 * reference engine. docs/certificate.md has the formulas, by the names used here.
 *
 * @module
 */
import { gelu, geluBackward } from "../engine/reference/gelu.ts";
import { layerNorm } from "../engine/reference/layer_norm.ts";
import { linear, rowOf, sum } from "../engine/reference/linear.ts";
import { forward, QkvRow, tensorsOf } from "../engine/reference/model.ts";
import { HIDDEN, type ModelName, TOKENS, variantOf, WIDTH } from "../model/variant.ts";
import { EQUALS, FIRST_QUERY, PLUS, promptTokens, targetTokens } from "../model/vocabulary.ts";

type Range = readonly [lo: number, hi: number];
/** For each position the digits that may stand there. */
export type Sets = readonly (readonly number[])[];
/** What is asked, the token that asks, and the right answer. */
export type Region = readonly [step: number, token: number, wanted: number];

const add = (x: Range, y: Range): Range => [x[0] + y[0], x[1] + y[1]];
const scale = (f: number, x: Range): Range => f < 0 ? [f * x[1], f * x[0]] : [f * x[0], f * x[1]];
const from = (start: number, x: Range): Range => [start + Math.min(x[0], 0), start + Math.max(x[1], 0)];
const reachOf = (x: Range) => Math.max(-x[0], x[1]);
const square = (x: Range): Range => [x[0] > 0 ? x[0] ** 2 : x[1] < 0 ? x[1] ** 2 : 0, reachOf(x) ** 2];
const within = (x: Range, lo: number, hi: number): Range => [Math.max(x[0], lo), Math.min(x[1], hi)];
function multiply(x: Range, y: Range): Range {
  const [p, q, r, s] = [x[0] * y[0], x[0] * y[1], x[1] * y[0], x[1] * y[1]];
  return [Math.min(p, q, r, s), Math.max(p, q, r, s)];
}
function dot(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i] * y[i];
  return total;
}
function combine(factors: ArrayLike<number>, of: readonly Range[]): Range {
  let total: Range = [0, 0];
  for (let i = 0; i < factors.length; i++) total = add(total, scale(factors[i], of[i]));
  return total;
}
function centered(x: Float64Array): Float64Array {
  const mean = x.reduce((total, value) => total + value, 0) / x.length;
  return x.map((value) => value - mean);
}
/** 0 … n - 1. */
export const times = (n: number) => Array.from({ length: n }, (_, i) => i);

/** All that the second derivative of GELU can be over a range, for either form ("GELU"). */
const SECOND = {
  erf([lo, hi]: Range): Range {
    const second = (x: number) => (2 - x * x) * Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);
    const values = [lo, hi, ...[-2, 0, 2].filter((x) => lo < x && x < hi)].map(second);
    return [Math.min(...values), Math.max(...values)];
  },
  tanh([lo, hi]: Range): Range {
    const [s, c] = [Math.sqrt(2 / Math.PI), 0.044715];
    const oneMinusSquare = (x: number) => 1 - Math.tanh(s * (x + c * x ** 3)) ** 2;
    const slope = (x: number) => s * (1 + 3 * c * x * x);
    const x = (lo + hi) / 2;
    const t = Math.tanh(s * (x + c * x ** 3));
    const middle = oneMinusSquare(x) * (slope(x) + x / 2 * (6 * s * c * x - 2 * t * slope(x) ** 2));
    const near = within([middle - 0.44 * (hi - lo), middle + 0.44 * (hi - lo)], -0.13, 0.81);
    if (lo <= 0 && hi >= 0) return near;
    const [a, b] = [Math.min(Math.abs(lo), Math.abs(hi)), reachOf([lo, hi])];
    const tail = (oneMinusSquare(a) + 1e-12) * (slope(b) + b / 2 * (6 * s * c * b + 2 * slope(b) ** 2));
    return within(near, -tail, tail);
  },
};

/** r = n^(-1/2), r' and r'' along a segment, from n at its start, the box of z, z.z' and |z'|^2 + z.z'' ("Norms"). */
function inverseRoot(n: number, z: Range[], zDz: Range, halfBend: Range, epsilon: number): [Range, Range, Range] {
  const [least, most] = z.reduce((total, range) => add(total, scale(1 / WIDTH, square(range))), [epsilon, epsilon]);
  const [lo, hi] = within(from(n, scale(2 / WIDTH, zDz)), least, most);
  const r: Range = [hi ** -0.5, lo ** -0.5];
  const [cube, fifth]: Range[] = [[r[0] ** 3, r[1] ** 3], [r[0] ** 5, r[1] ** 5]];
  const bend = scale(3 / WIDTH ** 2, multiply(fifth, square(zDz)));
  return [r, scale(-1 / WIDTH, multiply(cube, zDz)), add(bend, scale(-1 / WIDTH, multiply(cube, halfBend)))];
}

/** A model and its bounds. */
export class CheckedModel {
  readonly #variant;
  readonly #tensors;
  readonly #alpha: Float64Array[];
  /** Columns of the projection; the same, centered: what o[l] moves in the residual stream. */
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

  /** Position 21 + step asking with a token: e of each token, and e v on each direction, at [position * 10 + digit] ("Attention"). */
  query(step: number, token: number) {
    const { tokenEmbedding, positionEmbedding, norm1, qkv } = this.#tensors;
    const asking = FIRST_QUERY + step;
    const embed = (id: number, at: number) =>
      sum(rowOf(tokenEmbedding, id, WIDTH), rowOf(positionEmbedding, at, WIDTH));
    const slots = times(10 * asking + 10).map((i) => {
      const at = Math.floor(i / 10);
      const id = at === asking ? token : at === 10 ? PLUS : at === 21 ? EQUALS : i % 10;
      return new QkvRow(linear(layerNorm(embed(id, at), norm1, this.#variant.layerNormEpsilon).y, qkv));
    });
    const scores = slots.map(({ key }) => dot(slots[10 * asking].query, key) / Math.sqrt(WIDTH));
    const shift = Math.max(...scores);
    const weights = Float64Array.from(scores, (score) => Math.exp(score - shift));
    const projections = this.#directions.map((w) => weights.map((e, i) => e * dot(w, slots[i].value)));
    return { x0: embed(token, asking), weights, projections };
  }

  /** Whether every margin over a region is at least `claim`, by Taylor's theorem at its center ("The bound of a region"). */
  holds(
    { x0, weights, projections }: ReturnType<CheckedModel["query"]>,
    region: Region,
    sets: Sets,
    claim: number,
  ): boolean {
    const { projection, norm2, w1, w2, tokenEmbedding, finalNorm } = this.#tensors;
    const { gelu: form, layerNormEpsilon: epsilon } = this.#variant;
    const [least, most] = extremes(sets, weights, weights, 0);
    if (!(least > 1e-100)) return false;
    const lower = (total: number) => total / (total < 0 ? least : most);
    const center = Float64Array.from(times(WIDTH), (l) => {
      const [lo, hi] = extremes(sets, projections[l], weights, 0);
      return (lo + hi) / (least + most);
    });
    const ranges = this.#directions.map((w, i): Range => {
      const [lo, hi] = extremes(sets, projections[i], weights, dot(w, center));
      return [lower(lo), -lower(-hi)];
    });

    const x1 = sum(x0, linear(center, projection));
    const z = centered(x1);
    const n = dot(z, z) / WIDTH + epsilon;
    const hidden = linear(layerNorm(x1, norm2, epsilon).y, w1);
    const x2 = sum(x1, linear(gelu(hidden, form), w2));
    const logits = linear(finalNorm ? layerNorm(x2, finalNorm, epsilon).y : x2, tokenEmbedding);
    if (!logits.every(Number.isFinite)) return false;
    const y = centered(x2);
    const ny = dot(y, y) / WIDTH + epsilon;

    // one row for each coordinate of o: how it moves x2, and what the logits are read from
    const slopes = geluBackward(hidden.map(() => 1), hidden, form);
    const dx2 = this.#columns.map((column) => {
      const dHidden = linear(normSlope(z, n, column).map((d, m) => d * norm2.weight[m]), w1);
      return sum(column, linear(dHidden.map((d, k) => d * slopes[k]), w2));
    });
    const jacobian = finalNorm ? dx2.map((row) => normSlope(y, ny, row).map((d, m) => d * finalNorm.weight[m])) : dx2;

    // second derivatives along the segments from the center, of each activation and of what the logits are read from
    const dz = ranges.slice(WIDTH, 2 * WIDTH);
    const boxOfZ = dz.map((d, m) => from(z[m], d));
    const dzSquared = dz.reduce((total, d) => total + square(d)[1], 0);
    const [r, r1, r2] = inverseRoot(n, boxOfZ, add(combine(z, dz), [0, dzSquared]), [0, dzSquared], epsilon);
    const bends = this.#alpha.map((alpha, k): Range => {
      const alphaDz = ranges[2 * WIDTH + k];
      const alphaZ = from(dot(alpha, z), alphaDz);
      const slope = add(multiply(r1, alphaZ), multiply(r, alphaDz));
      const bend = add(multiply(r2, alphaZ), scale(2, multiply(r1, alphaDz)));
      const reached = from(hidden[k], slope);
      const second = SECOND[form](reached);
      const middle = geluBackward(Float64Array.of(1), Float64Array.of((reached[0] + reached[1]) / 2), form)[0];
      const reach = reachOf(second) * (reached[1] - reached[0]) / 2;
      const first = within([middle - reach, middle + reach], -0.14, 1.14);
      return add(multiply(second, square(slope)), multiply(first, bend));
    });
    const outputBends = finalNorm && this.#bendFinalNorm(y, ny, dx2, bends, ranges);

    const wanted = region[2];
    for (const other of times(TOKENS)) {
      if (other === wanted) continue;
      const answer = rowOf(tokenEmbedding, wanted, WIDTH).map((x, m) => x - tokenEmbedding[other * WIDTH + m]);
      const gradient = jacobian.map((row) => dot(answer, row));
      const bend = outputBends
        ? combine(answer.map((x, m) => x * finalNorm!.weight[m]), outputBends)[0]
        : combine(this.#w2Columns.map((column) => dot(answer, column)), bends)[0];
      const size = 1 + Math.abs(logits[wanted]) + Math.abs(logits[other]) + Math.abs(bend);
      const bound = (slope: number) =>
        logits[wanted] - logits[other] + slope + bend / 2 - 1e-9 * (size + Math.abs(slope));
      if (bound(combine(gradient, ranges)[0]) >= claim) continue;
      const x = dot(gradient, center);
      const costs = weights.map((e, i) => gradient.reduce((total, g, l) => total + g * projections[l][i], -x * e));
      if (!costs.every(Number.isFinite)) return false;
      const total = cheapest(region, sets, costs);
      if (total === Infinity) return true; // no input lies in the region
      if (!(bound(lower(total)) >= claim)) return false;
    }
    return true;
  }

  #bendFinalNorm(y0: Float64Array, n: number, dx2: Float64Array[], bends: Range[], ranges: Range[]): Range[] {
    const columns = dx2.map(centered);
    const w2 = this.#w2Columns.map(centered);
    const second = times(WIDTH).map((m) => combine(w2.map((row) => row[m]), bends));
    const first = times(WIDTH).map((m) => add(combine(columns.map((row) => row[m]), ranges), from(0, second[m])));
    const y = first.map((range, m) => from(y0[m], range));
    const total = (of: (m: number) => Range) => times(WIDTH).reduce((all, m) => add(all, of(m)), [0, 0] as Range);
    const halfBend = total((m) => add(square(first[m]), multiply(y[m], second[m])));
    const yDy = total((m) => multiply(y[m], first[m]));
    const [r, r1, r2] = inverseRoot(n, y, yDy, halfBend, this.#variant.layerNormEpsilon);
    return y.map((value, m) => add(add(multiply(r2, value), scale(2, multiply(r1, first[m]))), multiply(r, second[m])));
  }
}

/** How the norm's output z / sqrt(n) moves where its input moves by dx. */
function normSlope(z: Float64Array, n: number, dx: Float64Array): Float64Array {
  const dz = centered(dx);
  const dr = -(n ** -1.5) * dot(z, dz) / WIDTH;
  return dz.map((d, m) => n ** -0.5 * d + dr * z[m]);
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

/** The least total cost of the inputs of a region, place by place, by the carry into the next; Infinity where there is none ("Ties"). */
function cheapest([step, token, wanted]: Region, sets: Sets, costs: Float64Array): number {
  let least = [0, Infinity];
  for (const place of times(10)) {
    const [atA, atB, atSum] = [9 - place, 20 - place, 22 + place];
    const allowed = place === step ? [wanted] : place === step - 1 ? [token] : place < step ? sets[atSum] : times(10);
    const next = [Infinity, Infinity];
    for (const a of sets[atA]) {
      for (const b of sets[atB]) {
        const own = costs[10 * atA + a] + costs[10 * atB + b];
        for (const carry of [0, 1]) {
          const [digit, out] = [(a + b + carry) % 10, +(a + b + carry > 9)];
          if (!allowed.includes(digit)) continue;
          next[out] = Math.min(next[out], least[carry] + own + (place < step - 1 ? costs[10 * atSum + digit] : 0));
        }
      }
    }
    least = next;
  }
  const ends = step === 10 ? least[wanted] : step === 11 ? least[token] : Math.min(...least);
  return ends + costs[100] + costs[210] + (step > 0 ? costs[210 + 10 * step] : 0);
}
