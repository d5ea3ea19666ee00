/**
 * The checker of certificates: it goes through the parts that docs/certificate.md names under "Groups" and has margin.ts bound the margins over each.
 * Of a certificate it believes nothing; this folder shares no code with the prover.
 */
import { GELU } from "../engine/reference/gelu.ts";
import { type DecodingNumbers, DIGITS, KEY_WIDTH, queryTable } from "../engine/wasm/decoding_tables.ts";
import { decodingModules, readDecodingNumbers } from "../engine/wasm/read_decoding.ts";
import { type ModelName, variantOf } from "../model/variant.ts";
import { EOS, EQUALS, FIRST_QUERY, OPERAND_DIGITS, promptTokens, QUERIES, targetTokens } from "../model/vocabulary.ts";
import { Attention, dot } from "./attention.ts";
import { Layers } from "./margin.ts";
import { Choices, type Part, type Query, queryOf } from "./query.ts";

/** The result of {@linkcode checkCertificate}. */
export interface CheckResult {
  /** Whether the certificate proves its claims about these weights. */
  accepted: boolean;
  /** Why not; null where it is accepted. */
  reason: string | null;
  /** Parts of the inputs whose margins were bounded. */
  parts: number;
}

/** How a part is cut: not at all, or in two. */
type Split = 0 | [position: number, at: number, Split, Split];

/** Larger weights are refused. Those of trained models are below 20. */
const LARGEST_WEIGHT = 1000;
/** Sums of two digits. */
const SUMS = Array.from({ length: 19 }, (_, sum) => sum);
const ALL_DIGITS = Array.from({ length: DIGITS }, (_, digit) => digit);

/** Accepts or refuses parts of one step. */
class Checker {
  /** Parts whose margins were bounded. */
  parts = 0;
  readonly #layers: Layers;
  readonly #numbers: DecodingNumbers;

  constructor(numbers: DecodingNumbers) {
    this.#numbers = numbers;
    this.#layers = new Layers(numbers);
  }

  query(step: number, token: number): Query {
    return queryOf(step, token, queryTable(this.#numbers, step, token));
  }

  /** Whether every margin over a part is at least `claim`; `last` where nothing is left to refine, so that the slow ways are worth while. */
  holds(part: Part, claim: number, last: boolean): boolean {
    const choices = new Choices(part);
    if (!choices.possible) return true;
    this.parts++;
    const attention = new Attention(part, choices);
    const { boxed, apart, tied, tiedFromBelow } = attention;
    const ways = part.axes.length > 0
      ? [[attention.inCell(), attention.inCell()], [attention.inCell(), attention.inCell(tiedFromBelow)]]
      : [[boxed, boxed], [apart, apart], ...(last ? [[apart, tiedFromBelow], [tied, tied]] : [])];
    return ways.some(([curves, margins]) =>
      this.#layers.hold(part.query, part.target, attention, claim, curves, margins) || attention.isEmpty
    );
  }
}

/** The groups of a step and the token that asks, in the order of their numbers ("Groups"). */
function groupsOf(query: Query): Part[] {
  const { step, token } = query;
  const fixed = [OPERAND_DIGITS, FIRST_QUERY, FIRST_QUERY + step];
  const digits = Array.from({ length: FIRST_QUERY + step + 1 }, (_, at) => fixed.includes(at) ? [0] : ALL_DIGITS);
  const group = { query, digits, axes: [], box: [] };
  const tie = (place: number, sum: number) => [OPERAND_DIGITS - 1 - place, 2 * OPERAND_DIGITS - place, sum] as const;
  if (step === QUERIES - 1) return [{ ...group, target: EOS, ties: [] }];
  const before = step === 0
    ? [[0, 0]]
    : SUMS.flatMap((sum) => (step === 1 ? [0] : [0, 1]).map((carry) => [sum, carry]));
  return before.filter(([sum, carry]) => step === 0 || (sum + carry) % 10 === token).flatMap(([sumBefore, carry]) => {
    const carryOut = Number(sumBefore + carry > 9);
    const tieBefore = step === 0 ? [] : [tie(step - 1, sumBefore)];
    if (step === OPERAND_DIGITS) return [{ ...group, target: carryOut, ties: tieBefore }];
    return SUMS.map((sum) => ({ ...group, target: (sum + carryOut) % 10, ties: [tie(step, sum), ...tieBefore] }));
  });
}

/** The parts in which the next tied digit of a that is free is fixed; empty where none is left. */
function refine(part: Part): Part[] {
  const tie = part.ties.find(([a]) => part.digits[a].length === DIGITS);
  if (tie === undefined) return [];
  return ALL_DIGITS.map((digit) => ({ ...part, digits: part.digits.with(tie[0], [digit]) }));
}

/** The parts that a certificate cuts a part into. @throws {Refusal} If a cut is none */
function* cutParts(part: Part, split: Split, axes: number[][] | undefined): Generator<Part> {
  const open: [Part, Split][] = [[part, split]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [part, split] = next;
    if (split === 0) {
      yield part;
      continue;
    }
    insist(Array.isArray(split) && split.length === 4, "a cut does not have two halves");
    const [position, at, first, second] = split;
    if (position < 0) {
      insist(isBasis(axes), "it cuts along axes that are not six unit vectors");
      const box = part.axes.length > 0 ? part.box : boxOf(part, axes);
      const [lo, hi] = box[-1 - position];
      insist(lo <= at && at <= hi, "it cuts a cell outside of it");
      open.push([{ ...part, axes, box: box.with(-1 - position, [lo, at]) }, first]);
      open.push([{ ...part, axes, box: box.with(-1 - position, [at, hi]) }, second]);
    } else {
      const halves = [1, 0].map((bit) => part.digits[position].filter((digit) => (at >> digit & 1) === bit));
      open.push([{ ...part, digits: part.digits.with(position, halves[0]) }, first]);
      open.push([{ ...part, digits: part.digits.with(position, halves[1]) }, second]);
    }
  }
}

function isBasis(axes: unknown): axes is number[][] {
  return Array.isArray(axes) && axes.length === KEY_WIDTH &&
    axes.every((axis) => Array.isArray(axis) && axis.length === KEY_WIDTH && Math.abs(dot(axis, axis) - 1) < 1e-6);
}

/** Between what the attention's output of a part lies along each axis. */
function boxOf(part: Part, axes: readonly number[][]): Part["box"] {
  const choices = new Choices(part);
  if (!choices.possible) return axes.map(() => [0, 0] as const);
  const attention = new Attention(part, choices);
  return axes.map((axis) => {
    const middle = dot(axis, attention.center);
    const [lo, hi] = attention.tied([...axis]);
    return [middle + lo - 1e-9, middle + hi + 1e-9] as const;
  });
}

/** The margin of one input, in real arithmetic on the module's numbers. */
function marginOf(numbers: DecodingNumbers, a: number, b: number, step: number): number {
  const tokens = [...promptTokens(a, b), ...targetTokens(a, b)];
  const [token, target] = [tokens[FIRST_QUERY + step], tokens[FIRST_QUERY + step + 1]];
  const { x, rows } = queryTable(numbers, step, token);
  const sums = new Array<number>(KEY_WIDTH + 1).fill(0);
  for (let position = 0; position <= FIRST_QUERY + step; position++) {
    const digit = [OPERAND_DIGITS, FIRST_QUERY, FIRST_QUERY + step].includes(position) ? 0 : tokens[position];
    for (let l = 0; l <= KEY_WIDTH; l++) sums[l] += rows[(position * DIGITS + digit) * 8 + l];
  }
  const { gelu, layerNormEpsilon, finalNorm } = variantOf(numbers.model);
  const times = (matrix: Float32Array, vector: readonly number[]) =>
    Array.from(
      { length: matrix.length / vector.length },
      (_, i) => vector.reduce((sum, value, j) => sum + matrix[i * vector.length + j] * value, 0),
    );
  const normed = (values: readonly number[]) => {
    const own = values.slice(0, KEY_WIDTH);
    const mean = own.reduce((sum, value) => sum + value * value, 0) * Math.fround(1 / 7) +
      Math.fround(layerNormEpsilon);
    return [...own.map((value) => value / Math.sqrt(mean)), 1];
  };
  const x1 = times(numbers.projection, [...sums.slice(0, KEY_WIDTH).map((value) => value / sums[KEY_WIDTH]), 1])
    .map((value, m) => value + x[m]);
  const activated = times(numbers.w1, normed(x1)).map((value) => GELU[gelu].value(value));
  const x2 = times(numbers.w2, activated).map((value, m) => value + x1[m]);
  const logits = times(numbers.output, finalNorm ? normed(x2) : x2);
  return logits[target] - Math.max(...logits.toSpliced(target, 1));
}

/** Why a certificate is refused. */
class Refusal extends Error {}

function insist(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Refusal(otherwise);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/**
 * Replays a certificate against weights.
 *
 * @example Usage
 * ```ts
 * import { checkCertificate } from "@x/tiny-adder/certify";
 * import { assertEquals } from "@std/assert";
 *
 * const parameters = new Float32Array(763);
 * const { accepted } = await checkCertificate({ anything: "else" }, { model: 763, parameters });
 * assertEquals(accepted, false);
 * ```
 *
 * @param certificate The value that the file's JSON holds; may be anything
 */
export async function checkCertificate(
  // deno-lint-ignore no-explicit-any
  certificate: any,
  { model, parameters }: { model: ModelName; parameters: Float32Array },
): Promise<CheckResult> {
  let [checker, place]: [Checker | undefined, string] = [undefined, "its head"];
  try {
    const { digest, ...content } = certificate;
    const { format, version, inputs, weights, modules, steps } = content;
    insist(format === "tiny-adder certificate", "it is no certificate");
    insist(version === 3, `it is of version ${version}, and this checker reads version 3: certify the weights again`);
    insist(
      digest === await sha256(new TextEncoder().encode(JSON.stringify(content))),
      "its digest is not that of its text",
    );
    insist(inputs === String(10n ** 20n), "it does not cover all inputs");
    insist(content.model === model && parameters.length === model, `it is about another model than ${model}`);
    insist(weights === await sha256(new Uint8Array(Float32Array.from(parameters).buffer)), "it is about other weights");
    const { core, adder } = await decodingModules();
    insist(
      modules.core === core && modules.adder === adder,
      "it is about other WASM modules than these: certify the weights again",
    );
    const largest = parameters.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    insist(largest <= LARGEST_WEIGHT, `a weight is not between -${LARGEST_WEIGHT} and ${LARGEST_WEIGHT}`);
    const numbers = readDecodingNumbers(model, parameters);
    insist(numbers !== null, "the weights of its attention are too far apart for decoding by tables");
    insist(steps.length === QUERIES, "a step is left out");
    insist(
      content.worstMargin === Math.min(...steps.map(({ margin }: { margin: number }) => margin)),
      "its worst margin is not the least of its steps",
    );
    checker = new Checker(numbers);
    for (const [step, { step: named, margin, worst: { a, b, margin: met } }] of steps.entries()) {
      insist(named === step && margin > 0, `step ${step} promises too little`);
      const own = marginOf(numbers, a, b, step);
      insist(Math.abs(own - met) < 1e-6 && margin <= own, `the worst input of step ${step} has another margin`);
    }
    for (const { step, margin, axes, cuts } of steps.toReversed()) { // the steps with the fewest groups come first
      place = `step ${step}`;
      const axesOf = new Map<number, number[][]>(axes);
      const cutOf = new Map<string, Split>(
        cuts.map(([token, group, a, before, split]: unknown[]) => [`${token} ${group} ${a} ${before}`, split]),
      );
      insist(cutOf.size === cuts.length, `step ${step} cuts a part twice`);
      for (const token of step === 0 ? [EQUALS] : step === QUERIES - 1 ? [0, 1] : ALL_DIGITS) {
        for (const [number, group] of groupsOf(checker.query(step, token)).entries()) {
          const check = (part: Part): boolean => {
            const parts = refine(part);
            if (parts.length > 0) return checker!.holds(part, margin, false) || parts.every(check);
            const digitAt = (place: number) =>
              place >= 0 && place < OPERAND_DIGITS && step < QUERIES - 1
                ? part.digits[OPERAND_DIGITS - 1 - place][0]
                : 0;
            const key = `${token} ${number} ${digitAt(step)} ${digitAt(step - 1)}`;
            const cut = cutOf.get(key) ?? 0;
            return cutParts(part, cut, axesOf.get(token)).every((own) => checker!.holds(own, margin, true));
          };
          insist(check(group), `group ${number} of step ${step} after token ${token} is not proved`);
        }
      }
    }
    return { accepted: true, reason: null, parts: checker.parts };
  } catch (error) {
    const reason = error instanceof Refusal ? error.message : `${place} has not the form of a certificate's`;
    return { accepted: false, reason, parts: checker?.parts ?? 0 };
  }
}
