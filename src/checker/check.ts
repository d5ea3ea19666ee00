/**
 * The checker of certificates: it goes through the parts that docs/certificate.md names under "Groups" and has margin.ts bound the margins over each.
 * Of a certificate it believes nothing; this folder shares no code with the prover.
 */
import { KEY_WIDTH, queryTable } from "../engine/wasm/decoding_tables.ts";
import { decodingModules, readDecodingNumbers } from "../engine/wasm/read_decoding.ts";
import { type ModelName, parameterCount, variantOf } from "../model/variant.ts";
import { sha256 } from "../common/sha256.ts";
import { EOS, EQUALS, OPERAND_DIGITS, QUERIES } from "../model/vocabulary.ts";
import { Attention, dot, type Part, SUMS } from "./attention.ts";
import { Layers } from "./margin.ts";
import { ALL_DIGITS, type Query, queryOf } from "./query.ts";

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
/** More cuts are refused, so that no certificate takes hours. */
const MOST_CUTS = 30_000;

/** The groups of a step and the token that asks, in the order of their numbers ("Groups"). */
export function groupsOf(query: Query): Part[] {
  const { step, token, digits } = query;
  const group = { query, digits, axes: [], box: [] };
  const tie = (place: number, sum: number) => [OPERAND_DIGITS - 1 - place, 2 * OPERAND_DIGITS - place, sum] as const;
  if (step === 0) return SUMS.map((sum) => ({ ...group, target: sum % 10, ties: [tie(0, sum)] }));
  if (step === QUERIES - 1) return [{ ...group, target: EOS, ties: [] }];
  return SUMS.flatMap((sumBefore) =>
    (step === 1 ? [0] : [0, 1]).filter((carry) => (sumBefore + carry) % 10 === token).flatMap((carry) => {
      const carryOut = Number(sumBefore + carry > 9);
      const before = tie(step - 1, sumBefore);
      if (step === OPERAND_DIGITS) return [{ ...group, target: carryOut, ties: [before] }];
      return SUMS.map((sum) => ({ ...group, target: (sum + carryOut) % 10, ties: [tie(step, sum), before] }));
    })
  );
}

/** The parts in which the next tied digit of a that is free is fixed; empty where none is left. */
function refine(part: Part): Part[] {
  const tie = part.ties.find(([a]) => part.digits[a] === ALL_DIGITS);
  if (tie === undefined) return [];
  const [a, b, sum] = tie;
  return ALL_DIGITS.filter((digit) => part.digits[b].includes(sum - digit))
    .map((digit) => ({ ...part, digits: part.digits.with(a, [digit]) }));
}

/** The cells that a certificate cuts a part into, without those that a direction shows to be empty. @throws {Refusal} If a cut is none */
function cellsOf(part: Part, axes: unknown, split: unknown): Part[] {
  insist(areDirections(axes), "it cuts along axes that are not six directions of length 1");
  const cells: Part[] = [];
  const open: [Part, unknown][] = [[{ ...part, axes, box: boxOf(part, axes) }, split]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [cell, split] = next;
    if (split === 0) {
      cells.push(cell);
      continue;
    }
    insist(cells.length + open.length < MOST_CUTS, `it cuts one part into more than ${MOST_CUTS}`);
    insist(Array.isArray(split), "a cut is no list");
    if (split.length === KEY_WIDTH) {
      const attention = new Attention(cell);
      if (split.every(Number.isFinite)) attention.tiedFromBelow(split);
      insist(attention.isEmpty, "a part is said to hold no input without proof");
      continue;
    }
    insist(split.length === 4, "a cut does not have two halves");
    const [axis, at, first, second] = split;
    insist(Number.isInteger(axis) && axis >= 0 && axis < KEY_WIDTH, "a cut is along no axis");
    const [lo, hi] = cell.box[axis];
    insist(Number.isFinite(at) && lo <= at && at <= hi, "it cuts a cell outside of it");
    open.push([{ ...cell, box: cell.box.with(axis, [lo, at]) }, first]);
    open.push([{ ...cell, box: cell.box.with(axis, [at, hi]) }, second]);
  }
  return cells;
}

function areDirections(axes: unknown): axes is number[][] {
  return Array.isArray(axes) && axes.length === KEY_WIDTH &&
    axes.every((axis) =>
      Array.isArray(axis) && axis.length === KEY_WIDTH && axis.every(Number.isFinite) &&
      Math.abs(dot(axis, axis) - 1) < 1e-6
    );
}

/** Between what the attention's output of a part lies along each axis. */
export function boxOf(part: Part, axes: readonly (readonly number[])[]): Part["box"] {
  const attention = new Attention(part);
  return axes.map((axis) => {
    const middle = dot(axis, attention.center);
    const [lo, hi] = attention.tied(axis);
    return [middle + lo - 1e-9, middle + hi + 1e-9] as const; // a key's size is at most sqrt 7
  });
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
  let [place, parts] = ["its head", 0];
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
      const cutOf = new Map<string, unknown[]>(
        cuts.map(([token, group, a, before, ...cut]: unknown[]) => [`${token} ${group} ${a} ${before}`, cut]),
      );
      insist(cutOf.size === cuts.length, `step ${step} cuts a part twice`);
      const holds = (part: Part, isLast: boolean) => {
        parts++;
        return layers.hold(part, margin, isLast);
      };
      for (const token of step === 0 ? [EQUALS] : step === QUERIES - 1 ? [0, 1] : ALL_DIGITS) {
        const groups = groupsOf(queryOf(step, token, queryTable(numbers, step, token)));
        for (const [number, group] of groups.entries()) {
          const check = (part: Part): boolean => {
            const finer = refine(part);
            if (finer.length > 0) return holds(part, false) || finer.every(check);
            const digitAt = (place: number) => {
              const tie = part.ties.find(([a]) => a === OPERAND_DIGITS - 1 - place);
              return tie === undefined ? 0 : part.digits[tie[0]][0];
            };
            const cut = cutOf.get(`${token} ${number} ${digitAt(step)} ${digitAt(step - 1)}`);
            const cells = cut === undefined ? [part] : cellsOf(part, cut[0], cut[1]);
            return cells.every((own) => holds(own, true));
          };
          insist(check(group), `group ${number} of step ${step} after token ${token} is not proved`);
        }
      }
    }
    return { accepted: true, reason: null, parts };
  } catch (error) {
    const reason = error instanceof Refusal ? error.message : `${place} has not the form of a certificate's`;
    return { accepted: false, reason, parts };
  }
}
