/**
 * The checker of certificates: small, separate and dull. This file goes through the regions that the theorem names, checker_bound.ts bounds the
 * margins over a part of one: fewer than 300 lines of code together, none of them the prover's.
 *
 * @module
 */
import type { ModelName } from "../model/variant.ts";
import { EOS, EQUALS, QUERIES } from "../model/vocabulary.ts";
import { CheckedModel, dot, type Part, rangeOf, times } from "./checker_bound.ts";

/** How a region is cut: not at all, or in two. */
type Split = 0 | [position: number, at: number, Split, Split];

/** What {@linkcode checkCertificate} answers. */
export interface CheckResult {
  /** Whether the certificate proves what it says of these weights. */
  accepted: boolean;
  /** Why not; null where it is accepted. */
  reason: string | null;
  /** Regions whose bounds were computed. */
  regions: number;
}

/** The regions of a step and the token that asks, in order ("Regions"). */
function regionsOf(step: number, token: number): { wanted: number; sets: number[][] }[] {
  const free = times(22 + step).map((at) => [10, 21, 21 + step].includes(at) ? [0] : times(10));
  if (step === 11) return [{ wanted: EOS, sets: free }];
  const pairs = times(100).map((ab) => [Math.floor(ab / 10), ab % 10]);
  const before = step === 0 ? [[0, 0, 0]] : pairs.flatMap(([a, b]) => (step < 2 ? [0] : [0, 1]).map((c) => [a, b, c]));
  return before.filter(([a, b, c]) => step === 0 || (a + b + c) % 10 === token).flatMap(([a1, b1, c]) =>
    (step === 10 ? [[0, 0]] : pairs).map(([a, b]) => {
      const sets = free.slice();
      if (step > 0) [sets[10 - step], sets[21 - step]] = [[a1], [b1]];
      if (step < 10) [sets[9 - step], sets[20 - step]] = [[a], [b]];
      return { wanted: (a + b + +(a1 + b1 + c > 9)) % 10, sets };
    })
  );
}

/** The parts that a region is cut into. @throws {Error} If a cut is none */
function partsOf(part: Part, split: Split, axes: number[][] = []): Part[] {
  if (split === 0) return [part];
  const [position, at, ...splits] = split;
  insist(split.length === 4, "a cut has other than two parts");
  const cut = (halves: Partial<Part>[]) => halves.flatMap((half, i) => partsOf({ ...part, ...half }, splits[i], axes));
  if (position < 0) {
    insist(axes.length === 7 && axes.every((u) => u.length === 7 && Math.abs(dot(u, u) - 1) < 1e-6), "it has no axes");
    const box = part.axes.length > 0 ? part.box : axes.map((axis) => rangeOf(part, axis));
    const [lo, hi] = box[-1 - position];
    return cut([{ axes, box: box.with(-1 - position, [lo, at]) }, { axes, box: box.with(-1 - position, [at, hi]) }]);
  }
  const sides = [1, 0].map((bit) => part.sets[position].filter((digit) => (at >> digit & 1) === bit));
  insist(sides.every((side) => side.length > 0), "a cut has an empty side");
  return cut(sides.map((side) => ({ sets: part.sets.with(position, side) })));
}

function insist(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
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
 * @param certificate What the file's JSON holds; may be anything
 */
export async function checkCertificate(
  // deno-lint-ignore no-explicit-any
  certificate: any,
  { model, parameters }: { model: ModelName; parameters: Float32Array },
): Promise<CheckResult> {
  let [regions, place] = [0, "its head"];
  try {
    const { digest, ...content } = certificate;
    const { format, version, inputs, weights, arithmetic: { logits, largestError, demanded }, steps } = content;
    insist(format === "tiny-adder certificate" && version === 2, "it is no certificate of version 2");
    const text = new TextEncoder().encode(JSON.stringify(content));
    insist(digest === await sha256(text), "its digest is not that of its text");
    insist(inputs === String(10n ** 20n), "it does not cover all inputs");
    insist(content.model === model && parameters.length === model, `it is about another model than ${model}`);
    insist(weights === await sha256(new Uint8Array(parameters.slice().buffer)), "it is about other weights");
    insist(logits >= 1e7 && demanded === Math.max(0.01, 20 * largestError), "it demands too little for float32");
    insist(steps.length === QUERIES, "a step is left out");
    const margins = steps.map(({ margin }: { margin: number }) => margin);
    insist(content.worstMargin === Math.min(...margins), "its worst margin is not the least of its steps");
    const checked = new CheckedModel(model, parameters);
    for (const [step, { step: named, margin, worst: { a, b, margin: met } }] of steps.entries()) {
      insist(named === step && margin >= demanded, `step ${step} promises too little`);
      const own = checked.marginOf(a, b, step);
      insist(Math.abs(own - met) < 1e-6 && margin <= own, `the worst input of step ${step} has another margin`);
    }
    for (const { step, margin, axes, splits } of steps.toReversed()) { // the steps with the fewest regions come first
      place = `step ${step}`;
      const axesOf = new Map<number, number[][]>(axes);
      let used = 0;
      for (const token of step === 0 ? [EQUALS] : times(step === 11 ? 2 : 10)) {
        const query = checked.query(step, token);
        for (const [number, region] of regionsOf(step, token).entries()) {
          const cut = splits.find(([asking, region]: unknown[]) => asking === token && region === number);
          used += +(cut !== undefined);
          for (const part of partsOf({ query, ...region, axes: [], box: [] }, cut?.[2] ?? 0, axesOf.get(token))) {
            regions++;
            insist(checked.holds(part, margin), `region ${number} of step ${step} after token ${token} is not proved`);
          }
        }
      }
      insist(used === splits.length, `step ${step} cuts a region that there is not`);
    }
    return { accepted: true, reason: null, regions };
  } catch (error) {
    const said = error instanceof Error && error.constructor === Error; // by `insist`; values of another kind throw others
    return { accepted: false, reason: said ? error.message : `${place} has not the form of a certificate's`, regions };
  }
}
