/**
 * The checker of certificates: small, separate and dull. It shares no code with the prover, only the model's definition: src/model/ and the
 * forward and backward formulas of the reference engine. docs/certificate.md has the theorem and the formulas, by the names used here.
 *
 * @module
 */
import { gelu, geluBackward } from "../engine/reference/gelu.ts";
import { layerNorm, layerNormBackward } from "../engine/reference/layer_norm.ts";
import { linear, linearBackward, rowOf, sum } from "../engine/reference/linear.ts";
import { forward, QkvRow, tensorsOf } from "../engine/reference/model.ts";
import { HIDDEN, type ModelName, TOKENS, variantOf, WIDTH } from "../model/variant.ts";
import { EOS, EQUALS, FIRST_QUERY, PLUS, promptTokens, QUERIES, targetTokens } from "../model/vocabulary.ts";

type Range = readonly [lo: number, hi: number];
type Split = 0 | [position: number, first: number, Split, Split];
/** For each position the digits that may stand there. */
type Sets = readonly (readonly number[])[];
type Region = readonly [step: number, token: number, wanted: number];

/** What {@linkcode checkCertificate} answers. */
export interface CheckResult {
  /** Whether the certificate proves what it says of these weights. */
  accepted: boolean;
  /** Why not; null where it is accepted. */
  reason: string | null;
  /** Regions whose bounds were computed. */
  regions: number;
}

const add = (x: Range, y: Range): Range => [x[0] + y[0], x[1] + y[1]];
const scale = (f: number, x: Range): Range => f < 0 ? [f * x[1], f * x[0]] : [f * x[0], f * x[1]];
const withZero = (x: Range): Range => [Math.min(x[0], 0), Math.max(x[1], 0)];
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
const centered = (x: Float64Array) => x.map((value) => value - x.reduce((all, each) => all + each, 0) / x.length);
const times = (n: number) => Array.from({ length: n }, (_, i) => i);
const column = (matrix: Float64Array, l: number, width: number) => matrix.filter((_, i) => i % width === l);

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

/** r = n^(-1/2), r' and r'' along a segment, from n at its start, z.z' and |z'|^2 + z.z'' ("Norms"). */
function inverseRoot(n: number, zDz: Range, halfBend: Range, epsilon: number): [Range, Range, Range] {
  const [lo, hi] = from(n, scale(2 / WIDTH, zDz));
  const r: Range = [hi ** -0.5, Math.max(epsilon, lo) ** -0.5];
  const [cube, fifth]: Range[] = [[r[0] ** 3, r[1] ** 3], [r[0] ** 5, r[1] ** 5]];
  const bend = scale(3 / WIDTH ** 2, multiply(fifth, square(zDz)));
  return [r, scale(-1 / WIDTH, multiply(cube, zDz)), add(bend, scale(-1 / WIDTH, multiply(cube, halfBend)))];
}

class Model {
  readonly #variant;
  readonly #tensors;
  readonly #alpha: Float64Array[];
  /** The 28 directions of o: itself, the centered stream, the hidden units ("Directions"). */
  readonly #directions: Float64Array[];

  constructor(model: ModelName, parameters: Float32Array) {
    this.#variant = variantOf(model);
    const { norm2, projection, w1 } = this.#tensors = tensorsOf(Float64Array.from(parameters), this.#variant);
    this.#alpha = times(HIDDEN).map((k) => centered(rowOf(w1, k, WIDTH).map((w, m) => w * norm2.weight[m])));
    const unit = times(WIDTH).map((l) => new Float64Array(WIDTH).fill(1, l, l + 1));
    const dz = unit.map((row) => unit.map((e) => dot(row, centered(linear(e, projection)))));
    const hidden = this.#alpha.map((row) => unit.map((e) => dot(row, centered(linear(e, projection)))));
    this.#directions = [...unit, ...[...dz, ...hidden].map((row) => Float64Array.from(row))];
  }

  /** The margin of one input at a step. */
  marginOf(a: number, b: number, step: number): number {
    const targets = targetTokens(a, b);
    const tokens = [...promptTokens(a, b), ...targets.slice(0, -1)];
    const { logits } = forward(this.#tensors, this.#variant, tokens, FIRST_QUERY).queries[step];
    return Math.min(...[...logits].filter((_, t) => t !== targets[step]).map((logit) => logits[targets[step]] - logit));
  }

  /** Position 21 + step asking with a token: e v and e of each token, [position][digit], and these on the directions ("Attention"). */
  query(step: number, token: number) {
    const { tokenEmbedding, positionEmbedding, norm1, qkv } = this.#tensors;
    const asking = FIRST_QUERY + step;
    const embed = (id: number, at: number) =>
      sum(rowOf(tokenEmbedding, id, WIDTH), rowOf(positionEmbedding, at, WIDTH));
    const slot = (id: number, at: number) =>
      new QkvRow(linear(layerNorm(embed(id, at), norm1, this.#variant.layerNormEpsilon).y, qkv));
    const { query } = slot(token, asking);
    const slots = times(asking + 1).map((at) =>
      (at === asking ? [token] : at === 10 ? [PLUS] : at === 21 ? [EQUALS] : times(10)).map((id) => slot(id, at))
    );
    const scores = slots.map((row) => row.map(({ key }) => dot(query, key) / Math.sqrt(WIDTH)));
    const shift = Math.max(...scores.flat());
    const weights = scores.map((row) => row.map((score) => Math.exp(score - shift)));
    const values = slots.map((row, at) => row.map(({ value }, digit) => value.map((v) => v * weights[at][digit])));
    const onDirections = this.#directions.map((w) => values.map((row) => row.map((value) => dot(w, value))));
    return { x0: embed(token, asking), weights, values, onDirections };
  }

  /** Whether every margin over a region is at least `claim`, by Taylor's theorem at its center ("The bound of a region"). */
  holds(query: ReturnType<Model["query"]>, region: Region, sets: Sets, claim: number) {
    const { x0, weights, values, onDirections } = query;
    const { projection, norm2, w1, w2, tokenEmbedding, finalNorm } = this.#tensors;
    const { gelu: form, layerNormEpsilon: epsilon } = this.#variant;
    const [least, most] = extremes(sets, (at, digit) => weights[at][digit]);
    if (!(least > 1e-100)) return false;
    const lower = (total: number) => total / (total < 0 ? least : most);
    const center = Float64Array.from(times(WIDTH), (l) => {
      const [lo, hi] = extremes(sets, (at, digit) => values[at][digit][l]);
      return (lo + hi) / (least + most);
    });
    const ranges = this.#directions.map((w, i): Range => {
      const [x, projected] = [dot(w, center), onDirections[i]];
      const [lo, hi] = extremes(sets, (at, digit) => projected[at][digit] - x * weights[at][digit]);
      return [lower(lo), -lower(-hi)];
    });

    const x1 = sum(x0, linear(center, projection));
    const normed = layerNorm(x1, norm2, epsilon);
    const hidden = linear(normed.y, w1);
    const activated = gelu(hidden, form);
    const x2 = sum(x1, linear(activated, w2));
    const final = finalNorm && layerNorm(x2, finalNorm, epsilon);
    const logits = linear(final?.y ?? x2, tokenEmbedding);

    // the Jacobian dx2/do, (7, 7), one row of x2 after the other; `unused` takes the weights' gradients
    const unused = { weight: new Float64Array(98), bias: new Float64Array(WIDTH) };
    const jacobian = times(WIDTH).map((m) => {
      const dx2 = new Float64Array(WIDTH).fill(1, m, m + 1);
      const dHidden = geluBackward(linearBackward(dx2, activated, w2, unused.weight), hidden, form);
      const dNormed = linearBackward(dHidden, normed.y, w1, unused.weight);
      return linearBackward(
        sum(dx2, layerNormBackward(dNormed, normed, norm2, unused)),
        center,
        projection,
        unused.weight,
      );
    });

    // second derivatives along the segments from the center, of each activation and of what the logits are read from
    const z = centered(x1);
    const dz = ranges.slice(WIDTH, 2 * WIDTH);
    const dzSquared = dz.reduce((total, d) => total + square(d)[1], 0);
    const zDz = add(combine(z, dz), [0, dzSquared]);
    const [r, r1, r2] = inverseRoot(dot(z, z) / WIDTH + epsilon, zDz, [0, dzSquared], epsilon);
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
    const outputBends = finalNorm && this.#bendFinalNorm(centered(x2), jacobian, bends, ranges);

    for (const other of times(TOKENS)) {
      const wanted = region[2];
      if (other === wanted) continue;
      const answer = rowOf(tokenEmbedding, wanted, WIDTH).map((x, m) => x - tokenEmbedding[other * WIDTH + m]);
      const dx2 = final ? layerNormBackward(answer, final, finalNorm!, unused) : answer;
      const gradient = times(WIDTH).map((l) => dx2.reduce((total, d, m) => total + d * jacobian[m][l], 0));
      const bend = outputBends
        ? combine(answer.map((x, m) => x * finalNorm!.weight[m]), outputBends)[0]
        : combine(linearBackward(answer, activated, w2, unused.weight), bends)[0];
      const size = 1 + Math.abs(logits[wanted]) + Math.abs(logits[other]) + Math.abs(bend);
      const bound = (slope: number) =>
        logits[wanted] - logits[other] + slope + bend / 2 - 1e-9 * (size + Math.abs(slope));
      if (bound(combine(gradient, ranges)[0]) >= claim) continue;
      const x = dot(gradient, center);
      const total = cheapest(region, sets, (at, digit) => dot(gradient, values[at][digit]) - x * weights[at][digit]);
      if (total === Infinity) return true; // no input lies in the region
      if (!(bound(lower(total)) >= claim)) return false;
    }
    return true;
  }

  #bendFinalNorm(y0: Float64Array, jacobian: Float64Array[], bends: Range[], ranges: Range[]): Range[] {
    const { layerNormEpsilon: epsilon } = this.#variant;
    const columns = times(WIDTH).map((l) => centered(Float64Array.from(jacobian, (row) => row[l])));
    const w2 = times(HIDDEN).map((k) => centered(column(this.#tensors.w2, k, HIDDEN)));
    const second = times(WIDTH).map((m) => combine(w2.map((row) => row[m]), bends));
    const first = times(WIDTH).map((m) => add(combine(columns.map((row) => row[m]), ranges), withZero(second[m])));
    const y = first.map((range, m) => from(y0[m], range));
    const total = (of: (m: number) => Range) => times(WIDTH).reduce((all, m) => add(all, of(m)), [0, 0] as Range);
    const halfBend = total((m) => add(square(first[m]), multiply(y[m], second[m])));
    const n = dot(y0, y0) / WIDTH + epsilon;
    const [r, r1, r2] = inverseRoot(n, total((m) => multiply(y[m], first[m])), halfBend, epsilon);
    return y.map((value, m) => add(add(multiply(r2, value), scale(2, multiply(r1, first[m]))), multiply(r, second[m])));
  }
}

/** The least and the greatest sum of one number a position, each position's digit being free. */
function extremes(sets: Sets, of: (at: number, digit: number) => number): Range {
  let [lo, hi] = [0, 0];
  for (let at = 0; at < sets.length; at++) {
    let [least, most] = [Infinity, -Infinity];
    for (const digit of sets[at]) {
      const value = of(at, digit);
      if (value < least) least = value;
      if (value > most) most = value;
    }
    [lo, hi] = [lo + least, hi + most];
  }
  return [lo, hi];
}

/** The least total cost of the inputs of a region, place by place, by the carry into the next; Infinity where there is none ("Ties"). */
function cheapest([step, token, wanted]: Region, sets: Sets, cost: (at: number, digit: number) => number): number {
  let least = [0, Infinity];
  for (const place of times(10)) {
    const [atA, atB, atSum] = [9 - place, 20 - place, 22 + place];
    const allowed = place === step ? [wanted] : place === step - 1 ? [token] : place < step ? sets[atSum] : times(10);
    const next = [Infinity, Infinity];
    for (const a of sets[atA]) {
      for (const b of sets[atB]) {
        const own = cost(atA, a) + cost(atB, b);
        for (const carry of [0, 1]) {
          const [digit, out] = [(a + b + carry) % 10, +(a + b + carry > 9)];
          if (!allowed.includes(digit)) continue;
          next[out] = Math.min(next[out], least[carry] + own + (place < step - 1 ? cost(atSum, digit) : 0));
        }
      }
    }
    least = next;
  }
  const ends = step === 10 ? least[wanted] : step === 11 ? least[token] : Math.min(...least);
  return ends + cost(10, 0) + cost(21, 0) + (step > 0 ? cost(21 + step, 0) : 0);
}

/** The regions of a step and the token that asks, in order ("Regions"). */
function regionsOf(step: number, token: number): { wanted: number; sets: number[][] }[] {
  const free = times(22 + step).map((at) => [10, 21, 21 + step].includes(at) ? [0] : times(10));
  if (step === 11) return [{ wanted: EOS, sets: free }];
  const before = step === 0
    ? [[0, 0, 0]]
    : times(10).flatMap((a) =>
      times(10).flatMap((b) => (step === 1 ? [0] : [0, 1]).map((carry) => [a, b, carry])).filter(([a, b, carry]) =>
        (a + b + carry) % 10 === token
      )
    );
  const asked = step === 10 ? [[0, 0]] : times(100).map((ab) => [Math.floor(ab / 10), ab % 10]);
  return before.flatMap(([a1, b1, carry]) =>
    asked.map(([a, b]) => {
      const sets = free.slice();
      if (step > 0) [sets[10 - step], sets[21 - step]] = [[a1], [b1]];
      if (step < 10) [sets[9 - step], sets[20 - step]] = [[a], [b]];
      return { wanted: (a + b + +(a1 + b1 + carry > 9)) % 10, sets };
    })
  );
}

/** The parts that a region is cut into. @throws {Error} If a cut is none */
function* partsOf(sets: number[][], split: Split): Generator<number[][]> {
  if (split === 0) return yield sets;
  const [position, first, ...parts] = split;
  const sides = [1, 0].map((bit) => sets[position].filter((digit) => (first >> digit & 1) === bit));
  insist(split.length === 4 && sides.every((side) => side.length > 0), "a cut has an empty side");
  for (const [i, side] of sides.entries()) yield* partsOf(sets.with(position, side), parts[i]);
}

function insist(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Replays a certificate against weights. @param certificate What the file's JSON holds; may be anything */
export async function checkCertificate(
  // deno-lint-ignore no-explicit-any
  certificate: any,
  { model, parameters }: { model: ModelName; parameters: Float32Array },
): Promise<CheckResult> {
  let regions = 0;
  try {
    const { digest, ...content } = certificate;
    const { format, version, inputs, weights, worstMargin, arithmetic: { logits, largestError, demanded }, steps } =
      content;
    insist(format === "tiny-adder certificate" && version === 1, "it is no certificate of version 1");
    insist(
      digest === await sha256(new TextEncoder().encode(JSON.stringify(content))),
      "its digest is not that of its text",
    );
    insist(inputs === String(10n ** 20n), "it does not cover all inputs");
    insist(content.model === model && parameters.length === model, `it is about another model than ${model}`);
    const bytes = new DataView(new ArrayBuffer(4 * model));
    parameters.forEach((value, i) => bytes.setFloat32(4 * i, value, true));
    insist(weights === await sha256(new Uint8Array(bytes.buffer)), "it is about other weights");
    insist(logits >= 1e7 && demanded === Math.max(0.01, 20 * largestError), "it demands too little for float32");
    insist(steps.length === QUERIES, "a step is left out");
    const checked = new Model(model, parameters);
    for (const [step, { step: named, margin, regions: stated, worst, splits }] of steps.entries()) {
      insist(named === step && margin >= demanded && margin >= worstMargin, `step ${step} promises too little`);
      const own = checked.marginOf(worst.a, worst.b, step);
      insist(
        Math.abs(own - worst.margin) < 1e-6 && margin <= own,
        `the worst input of step ${step} has another margin`,
      );
      const cuts = new Map<string, Split>(
        splits.map(([token, number, split]: unknown[]) => [`${token} ${number}`, split]),
      );
      let used = 0, covered = 0;
      for (const token of step === 0 ? [EQUALS] : times(step === 11 ? 2 : 10)) {
        const query = checked.query(step, token);
        for (const [number, { wanted, sets }] of regionsOf(step, token).entries()) {
          const cut = cuts.get(`${token} ${number}`);
          used += +(cut !== undefined);
          covered++;
          for (const part of partsOf(sets, cut ?? 0)) {
            regions++;
            const holds = checked.holds(query, [step, token, wanted], part, margin);
            insist(holds, `region ${number} of step ${step} after token ${token} is not proved`);
          }
        }
      }
      insist(covered === stated && used === splits.length, `the regions of step ${step} are not those of the theorem`);
    }
    insist(
      worstMargin === Math.min(...steps.map(({ margin }: { margin: number }) => margin)),
      "its worst margin is none",
    );
    return { accepted: true, reason: null, regions };
  } catch (error) {
    return { accepted: false, reason: error instanceof Error ? error.message : String(error), regions };
  }
}
