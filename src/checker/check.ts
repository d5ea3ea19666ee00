/**
 * The checker of certificates: it goes through the parts that docs/certificate.md names under "Groups" and has margin.ts bound the margins over each.
 * Of a certificate it believes nothing; this folder shares no code with the prover.
 */
import { DIGITS, KEY_WIDTH, queryTable } from "../engine/wasm/decoding_tables.ts";
import { decodingModules, readDecodingNumbers } from "../engine/wasm/read_decoding.ts";
import { type ModelName, parameterCount, variantOf } from "../model/variant.ts";
import { sha256 } from "../common/encoding.ts";
import { EOS, EQUALS, FIRST_QUERY, OPERAND_DIGITS, QUERIES, SUM_DIGITS } from "../model/vocabulary.ts";
import { Attention, MOST_ROUNDS, type Pair, type Part, UNITS } from "./attention.ts";
import { Layers } from "./margin.ts";
import { EQUALS_ROW, PLUS_ROW, type Query, queryOf, upTo } from "./query.ts";

/** The result of {@linkcode checkCertificate}. */
export interface CheckResult {
  /** Whether the certificate proves its claims about these weights. */
  accepted: boolean;
  /** Why not; null where it is accepted. */
  reason: string | null;
  /** Parts of the inputs whose margins were bounded. */
  parts: number;
}

/** Larger weights are refused: the kernels could overflow. Those of trained models are below 20. */
const LARGEST_WEIGHT = 1000;
/** More cells are refused, so that no certificate takes hours. The parts that are not cells are at most some 620,000, and cheap. */
const MOST_CELLS = 200_000;

/** The rows of the digits at a position. */
const rowsAt = (position: number, digits = upTo(9)) => digits.map((digit) => position * DIGITS + digit);
const positionOfA = (place: number) => OPERAND_DIGITS - 1 - place;
const positionOfB = (place: number) => 2 * OPERAND_DIGITS - place;
/** All pairs of digits by place, 0 … 9; after the last one two zeros, whose rows are empty. */
const PAIRS: Pair[][] = upTo(OPERAND_DIGITS).map((place) => {
  if (place === OPERAND_DIGITS) return [{ a: EQUALS_ROW, b: EQUALS_ROW, sum: 0 }];
  return rowsAt(positionOfA(place)).flatMap((a) =>
    rowsAt(positionOfB(place)).map((b) => ({ a, b, sum: a % DIGITS + b % DIGITS }))
  );
});
/** The sums that the digits at a place can have; 0 where there are none. */
const sumsAt = (place: number) => upTo(place >= 0 && place < OPERAND_DIGITS ? 18 : 0);

/** The tokens that can ask for step 0 … 11: `=`, a digit of the sum, or its last, which is a carry. */
export function tokensAt(step: number): number[] {
  return step === 0 ? [EQUALS] : upTo(step > OPERAND_DIGITS ? 1 : 9);
}

/** The groups of a query, in the order of their numbers ("Groups"). */
export function groupsOf(query: Query): Part[] {
  const { step, token } = query;
  const groups: Part[] = [];
  const places = upTo(Math.min(step, OPERAND_DIGITS));
  const later = upTo(OPERAND_DIGITS - 1).slice(places.length);
  const free = [[PLUS_ROW], ...later.flatMap((place) => [rowsAt(positionOfA(place)), rowsAt(positionOfB(place))])];
  for (const before of sumsAt(step - 1)) {
    for (const carry of upTo(step < 2 ? 0 : 1)) {
      if (step > 0 && (before + carry) % 10 !== token) continue;
      for (const sum of sumsAt(step)) {
        const digit = (sum + (before + carry > 9 ? 1 : 0)) % 10;
        const known: Record<number, number> = { [step]: sum, [step - 1]: before };
        groups.push({
          ...{ name: `${token} ${groups.length}`, query, target: step < SUM_DIGITS ? digit : EOS, axes: UNITS, free },
          pairs: places.map((place) => PAIRS[place].filter(({ sum }) => sum === (known[place] ?? sum))),
          written: places.map((place) =>
            rowsAt(FIRST_QUERY + 1 + place, place === step - 1 ? [token] : place === step ? [digit] : upTo(9))
          ),
        });
      }
    }
  }
  return groups;
}

/** The parts of a part in which the next digit of a is fixed whose sum with that of b is known; empty where none is left. */
export function refine({ name, pairs, ...part }: Part): Part[] {
  const { step } = part.query;
  const place = [step, step - 1].find((place) => pairs[place]?.length > 1);
  if (place === undefined) return [];
  return pairs[place].map((pair) => ({
    ...part,
    name: `${name} ${pair.a % DIGITS}`,
    pairs: pairs.with(place, [pair]),
  }));
}

/** The cells that a certificate cuts a part into. @throws {Refusal} If a cut is none */
function cellsOf(part: Part, axes: unknown, cuts: unknown): Part[] {
  insist(areAxes(axes), "it cuts along axes that are not six directions");
  insist(Array.isArray(cuts), "its cuts are no list");
  const attention = new Attention(part);
  const cells = [{ ...part, axes, box: axes.map((axis) => attention.along(axis, MOST_ROUNDS)) }];
  for (const [number, axis, at] of cuts) {
    const cell = cells[number];
    insist(cell !== undefined && cell.box[axis] !== undefined, "it cuts a cell that is none, or along no axis");
    const [lo, hi] = cell.box[axis];
    insist(Number.isFinite(at) && lo <= at && at <= hi, "it cuts a cell outside of it");
    cells[number] = { ...cell, box: cell.box.with(axis, [lo, at]) };
    cells.push({ ...cell, box: cell.box.with(axis, [at, hi]) });
  }
  return cells;
}

function areAxes(axes: unknown): axes is number[][] {
  return isSix(axes) &&
    axes.every((axis) => isSix(axis) && axis.every((value) => Number.isFinite(value) && Math.abs(value) <= 1));
}

// deno-lint-ignore no-explicit-any
function isSix(list: unknown): list is any[] {
  return Array.isArray(list) && list.length === KEY_WIDTH;
}

/** Why a certificate is refused. */
class Refusal extends Error {}

function insist(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Refusal(otherwise);
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
  let [place, parts, cellCount] = ["its head", 0, 0];
  try {
    const { digest, ...content } = certificate;
    const { format, version, inputs, weights, modules, worstMargin, steps } = content;
    insist(format === "tiny-adder certificate", "it is no certificate");
    insist(version === 3, "it is of another version than 3, which this checker reads: certify the weights again");
    const text = new TextEncoder().encode(JSON.stringify(content));
    insist(digest === await sha256(text), "its digest is not that of its text");
    insist(inputs === String(10n ** 20n), "it does not cover all inputs");
    insist(
      content.model === model && parameters.length === parameterCount(variantOf(model)),
      `it is about another model than ${model}`,
    );
    insist(weights === await sha256(new Uint8Array(Float32Array.from(parameters).buffer)), "it is about other weights");
    const { core, adder } = await decodingModules();
    const isOfModules = modules.core === core && modules.adder === adder;
    insist(isOfModules, "it is about other WASM modules than these: certify the weights again");
    const areSmall = parameters.every((value) => Math.abs(value) <= LARGEST_WEIGHT);
    insist(areSmall, `a weight is not between -${LARGEST_WEIGHT} and ${LARGEST_WEIGHT}`);
    const numbers = readDecodingNumbers(model, parameters);
    insist(numbers !== null, "the weights of its attention are too far apart for decoding by tables");
    insist(steps.length === QUERIES, "a step is left out");
    for (const [step, { step: named, margin }] of steps.entries()) {
      insist(named === step && Number.isFinite(margin) && margin > 0, `step ${step} promises too little`);
    }
    const least = Math.min(...steps.map(({ margin }: { margin: number }) => margin));
    insist(worstMargin === least, "its worst margin is not the least of its steps");
    const layers = new Layers(numbers);
    for (const { step, margin, cuts } of steps.toReversed()) { // the steps with the fewest groups come first
      place = `step ${step}`;
      const isProved = (part: Part): boolean => {
        if (cuts[part.name] !== undefined) {
          const [axes, list, hints] = cuts[part.name];
          const cells = cellsOf(part, axes, list);
          parts += cells.length;
          cellCount += cells.length;
          insist(cellCount <= MOST_CELLS, `it has more than ${MOST_CELLS} cells`);
          return cells.every((cell, number) => layers.hold(cell, margin, true, hints[number]));
        }
        parts++;
        const finer = refine(part);
        const isLast = finer.length === 0;
        return layers.hold(part, margin, isLast) || !isLast && finer.every(isProved);
      };
      for (const token of tokensAt(step)) {
        for (const group of groupsOf(queryOf(step, token, queryTable(numbers, step, token)))) {
          insist(isProved(group), `group ${group.name} of step ${step} is not proved`);
        }
      }
    }
    return { accepted: true, reason: null, parts };
  } catch (error) {
    const reason = error instanceof Refusal ? error.message : `${place} has not the form of a certificate's`;
    return { accepted: false, reason, parts };
  }
}
