/**
 * Looks for a part of which the checker says that all margins are larger than that of an input in it, and for weights that add a pair wrongly with a
 * certificate that it accepts.
 */
import { WasmAdder } from "../../src/adder/adder.ts";
import { hashOfWeights, sealCertificate } from "../../src/certify/certificate.ts";
import type { CertificateStep, PartCuts } from "../../src/certify/types.ts";
import { Attention } from "../../src/checker/attention.ts";
import { checkCertificate } from "../../src/checker/check.ts";
import { groupsOf, type Part, refine, UNITS } from "../../src/checker/groups.ts";
import { Layers } from "../../src/checker/margin.ts";
import { queryOf } from "../../src/checker/query.ts";
import { queryTable } from "../../src/engine/wasm/decoding_tables.ts";
import { decodingModules, readDecodingNumbers } from "../../src/engine/wasm/read_decoding.ts";
import { askingTokens, targetTokens } from "../../src/model/vocabulary.ts";
import { marginOf } from "./float32.ts";
import { ALL_STEPS, groupOf, partsAround, questionOf, randomNumbers, randomPair, type Weights } from "./models.ts";

/** What was compared. */
export interface Comparison {
  /** Whether the module gives up its tables, so that every certificate is refused before a part is looked at. */
  isRefused: boolean;
  /** Margins that were compared with claims just above them. */
  margins: number;
  /** Parts whose margins the checker proved to be positive. */
  proved: number;
  /** What the checker proved although it is wrong. */
  unsound: string[];
}

/**
 * Asks the checker about parts that hold an input, with claims just above the margin that the module computes for it.
 *
 * @param share Of the parts, chosen at random
 */
export function attack({ name, model, parameters }: Weights, questions: number, seed: number, share = 1): Comparison {
  const comparison: Comparison = { isRefused: false, margins: 0, proved: 0, unsound: [] };
  const numbers = readDecodingNumbers(model, parameters);
  if (numbers === null) return { ...comparison, isRefused: true };
  const layers = new Layers(numbers);
  const random = randomNumbers(seed);
  for (let i = 0; i < questions; i++) {
    const [a, b] = randomPair(random);
    const question = questionOf(a, b, ALL_STEPS[Math.floor(ALL_STEPS.length * random())]);
    const margin = marginOf(numbers, question.step, question.tokens, question.target);
    const tooMuch = margin > 0 ? margin * (1 + 2 ** -23) : 1e-37;
    const group = groupOf(numbers, question);
    for (const [kind, part] of partsAround(group, question, random).entries()) {
      if (random() >= share) continue;
      comparison.margins++;
      if (layers.hold(part, tooMuch)) {
        comparison.unsound.push(`${name}: ${a} + ${b}, step ${question.step}, part ${kind}: ${tooMuch} of ${margin}`);
      }
      if (margin > 0 && layers.hold(part, 1e-37)) comparison.proved++;
    }
  }
  return comparison;
}

/** A claim that says no more than that the answer is right. */
const ANY_MARGIN = 1e-30;
/** Cells that a part is cut into. */
const MOST_CELLS = 64;
/** Sums that accepted weights are tested on. */
const SUMS = 2000;

/**
 * Makes a whole certificate from the checker's own answers: each part that it does not refine is cut where it is widest until all cells hold.
 *
 * @returns `refused` where the module gives up its tables, `open` where a part resists; else what the checker says of the certificate, and
 * `unsound` where it accepts weights that get a sum wrong
 */
export async function attackWhole(
  { model, parameters }: Weights,
  seed: number,
): Promise<"refused" | "open" | "accepted" | "not accepted" | "unsound"> {
  const numbers = readDecodingNumbers(model, parameters);
  if (numbers === null) return "refused";
  const layers = new Layers(numbers);
  const steps: CertificateStep[] = [];
  for (const step of ALL_STEPS.toReversed()) {
    const cuts: Record<string, PartCuts> = {};
    for (const token of askingTokens(step)) {
      const open = groupsOf(queryOf(step, token, queryTable(numbers, step, token)));
      for (let part = open.pop(); part !== undefined; part = open.pop()) {
        const finer = refine(part);
        if (layers.hold(part, ANY_MARGIN)) continue;
        open.push(...finer);
        if (finer.length > 0) continue;
        const own = cutsOf(part, layers);
        if (own === undefined) return "open";
        cuts[part.name] = [UNITS, own, {}];
      }
    }
    steps.unshift({ step, margin: ANY_MARGIN, worst: { a: 0, b: 0 }, cuts });
  }
  const certificate = await sealCertificate({
    ...{ format: "tiny-adder certificate", version: 3, model, weights: await hashOfWeights(parameters) },
    ...{ modules: await decodingModules(), inputs: "100000000000000000000", worstMargin: ANY_MARGIN, steps },
  });
  if (!(await checkCertificate(certificate, { model, parameters })).accepted) return "not accepted";
  const random = randomNumbers(seed);
  const adder = new WasmAdder(model, parameters);
  for (let i = 0; i < SUMS; i++) {
    const [a, b] = randomPair(random);
    const tokens = adder.decode(Float64Array.of(a, b));
    if (targetTokens(a, b).some((token, step) => token !== tokens[step])) return "unsound";
  }
  return "accepted";
}

/** Cuts of a part after which all cells hold; undefined where so many do not suffice. */
function cutsOf(part: Part, layers: Layers): PartCuts[1] | undefined {
  const attention = new Attention(part);
  const cells = [{ ...part, box: UNITS.map((axis) => attention.along(axis)) }];
  const cuts: PartCuts[1] = [];
  for (let number = 0; number < cells.length;) {
    const cell = cells[number];
    if (layers.hold(cell, ANY_MARGIN)) {
      number++;
      continue;
    }
    if (cells.length === MOST_CELLS) return undefined;
    const widths = cell.box.map(([lo, hi]) => hi - lo);
    const axis = widths.indexOf(Math.max(...widths));
    const [lo, hi] = cell.box[axis];
    const at = (lo + hi) / 2;
    cuts.push([number, axis, at]);
    cells[number] = { ...cell, box: cell.box.with(axis, [lo, at]) };
    cells.push({ ...cell, box: cell.box.with(axis, [at, hi]) });
  }
  return cuts;
}
