/**
 * The checker of certificates: it goes through the parts of groups.ts and has margin.ts bound the margins over each. Of a certificate it believes
 * nothing, and this folder imports nothing of the prover.
 */
import { sha256 } from "../common/encoding.ts";
import { queryTable } from "../engine/wasm/decoding_tables.ts";
import { decodingModules, readDecodingNumbers } from "../engine/wasm/read_decoding.ts";
import { type ModelName, parameterCount, variantOf } from "../model/variant.ts";
import { askingTokens, QUERIES } from "../model/vocabulary.ts";
import { arePerpendicular, Attention } from "./attention.ts";
import { groupsOf, type Part, refine, UNITS } from "./groups.ts";
import { Layers } from "./margin.ts";
import { queryOf } from "./query.ts";

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
/** A certificate that takes more looks at the inputs is refused, so that none takes hours. A look takes some 10 microseconds. */
const MOST_LOOKS = 100_000_000;

/** The cells that a certificate cuts a part into. @throws {Refusal} If a cut is none */
function cellsOf(part: Part, axes: number[][], cuts: Iterable<[number, number, unknown]>): Part[] {
  const own = UNITS.map((unit, i) => unit.map((_, l) => Number(axes?.[i]?.[l])));
  insist(arePerpendicular(own), "it cuts along axes that are not six perpendicular directions");
  const attention = new Attention(part);
  const boxes = [own.map((axis) => attention.along(axis))];
  for (const [number, axis, at] of cuts) {
    insist(boxes[number]?.[axis] !== undefined, "it cuts a cell that is none, or along no axis");
    const [lo, hi] = boxes[number][axis];
    insist(typeof at === "number" && lo <= at && at <= hi, "it cuts a cell outside of it");
    boxes.push(boxes[number].with(axis, [at, hi]));
    boxes[number] = boxes[number].with(axis, [lo, at]);
  }
  return boxes.map((box) => ({ ...part, axes: own, box }));
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
 * @param mostLooks Refuses a certificate that needs more work: so many sums over the inputs of a part. The default takes a quarter of an hour
 */
export async function checkCertificate(
  certificate: unknown,
  { model, parameters }: { model: ModelName; parameters: Float32Array },
  mostLooks: number = MOST_LOOKS,
): Promise<CheckResult> {
  let [place, parts] = ["its head", 0];
  try {
    const { digest, ...content } = JSON.parse(JSON.stringify(certificate));
    const { format, version, inputs, weights, modules, worstMargin, steps } = content;
    insist(format === "tiny-adder certificate", "it is no certificate");
    insist(version === 3, "it is of another version than 3, which this checker reads: certify the weights again");
    const text = new TextEncoder().encode(JSON.stringify(content));
    insist(digest === await sha256(text), "its digest is not that of its text");
    insist(inputs === String(10n ** 20n), "it does not cover all inputs");
    const isOfModel = content.model === model && parameters.length === parameterCount(variantOf(model));
    insist(isOfModel, `it is about another model than ${model}`);
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
      insist(named === step && typeof margin === "number" && margin > 0, `step ${step} promises too little`);
    }
    const least = Math.min(...steps.map(({ margin }: { margin: number }) => margin));
    insist(worstMargin === least, "its worst margin is not the least of its steps");
    const layers = new Layers(numbers);
    for (const { step, margin, cuts } of steps.reverse()) { // the steps with the fewest groups come first
      place = `step ${step}`;
      const isProved = (part: Part, hint?: number[]): boolean => {
        if (part.box === undefined && cuts[part.name] !== undefined) {
          const [axes, list, hints] = cuts[part.name];
          return cellsOf(part, axes, list).every((cell, number) => isProved(cell, hints[number]));
        }
        parts++;
        insist(layers.looks <= mostLooks, "it takes too long to check");
        if (layers.hold(part, margin, hint)) return true;
        const finer = refine(part);
        return finer.length > 0 && finer.every((part) => isProved(part));
      };
      for (const token of askingTokens(step)) {
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
