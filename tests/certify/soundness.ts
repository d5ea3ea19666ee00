/**
 * The search for an input that breaks a bound, of the prover's or the checker's.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { Bounder } from "../../src/certify/bound.ts";
import { CheckedModel, type Part } from "../../src/certify/checker_bound.ts";
import { attentionOf, type Digits } from "../../src/certify/extremes.ts";
import type { Query } from "../../src/certify/query.ts";
import { type Region, regionsOf, tokensAt } from "../../src/certify/region.ts";
import { quickBounds } from "../../src/certify/scan.ts";
import { WIDTH } from "../../src/model/variant.ts";
import { EQUALS, QUERIES } from "../../src/model/vocabulary.ts";
import { liesIn, type NamedModel, randomInput, randomNumbers, toolsOf } from "./models.ts";

/** float64 in another order of sums. */
const ROUNDING = 1e-6;

/**
 * Compares bounds with the margins of random inputs, of those that the prover thinks worst, and of their neighbours.
 *
 * @param regions Regions looked at for each step
 * @param checked How many of them the checker is asked about, too: it takes its time
 * @param inputs Inputs looked at for each region
 * @returns The number of margins compared
 */
export function searchForBreach(
  model: NamedModel,
  { regions, checked, inputs, seed }: { regions: number; checked: number; inputs: number; seed: number },
): number {
  const random = randomNumbers(seed);
  const pick = (count: number) => Math.floor(random() * count);
  const { tensors, head, bounder, makeQuery } = toolsOf(model);
  const checker = new CheckedModel(model.model, model.parameters);
  let compared = 0;
  for (let step = 0; step < QUERIES; step++) {
    const tokens = tokensAt(step, EQUALS);
    const token = tokens[pick(tokens.length)];
    const query = makeQuery(step, token);
    const checkedQuery = checker.query(step, token);
    const all = regionsOf(step, token);
    const quick = quickBounds(head, tensors.tokenEmbedding, query, all);
    for (let r = 0; r < regions; r++) {
      const number = pick(all.length);
      let region = all[number];
      let least = quick[number];
      const inside = (input: Digits) => liesIn(region, input) && liesInBox(region, query, bounder, input);
      const inhabitant = randomInput(region, random); // the parts that are looked at hold at least this one
      const parts = inhabitant === undefined || random() < 0.7 ? 0 : 1 + pick(6);
      let { bound, found, cut } = bounder.bound(query, region);
      for (let i = 0; i < parts && cut !== undefined; i++) {
        const [first, second] = bounder.parts(query, region, cut);
        region = first;
        if (!inside(inhabitant!)) region = second;
        assert(inside(inhabitant!), `${model.name}: an input of a region of step ${step} lies in neither part of it`);
        ({ bound, found, cut } = bounder.bound(query, region));
        if (found !== undefined && !inside(found.input)) found = undefined;
      }
      least = Math.max(least, bound);
      let smallest = Infinity;
      const check = (input: Digits) => {
        compared++;
        const margin = bounder.marginOf(query, region, input);
        smallest = Math.min(smallest, margin);
        assert(
          !(margin < least - ROUNDING),
          `${model.name}: at step ${step} ${input.a} + ${input.b} (ones first) has the margin ${margin}, below its bound ${least}`,
        );
        return margin;
      };
      if (inhabitant !== undefined) descend(found?.input ?? inhabitant, check, inside, random, inputs >> 2);
      for (let i = 0; i < inputs; i++) {
        const input = randomInput(region, random);
        if (input === undefined) break;
        if (!inside(input)) continue;
        assert(bound < Infinity, `${model.name}: a region of step ${step} holds inputs, but is said not to`);
        check(input);
      }
      if (smallest === Infinity || r >= checked) continue;
      const part = partOf(region, checkedQuery, bounder.axesOf(query, step));
      const claim = smallest + ROUNDING * (1 + Math.abs(smallest));
      assert(!checker.holds(part, claim, 0), `${model.name}: the checker proves ${claim} of a region of step ${step}`);
    }
  }
  return compared;
}

/** A region as the checker sees it. */
function partOf({ wanted, digits, box }: Region, query: Part["query"], flatAxes: Float64Array): Part {
  const sets = Array.from(digits, (bits) => [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter((digit) => bits >> digit & 1));
  if (box === undefined) return { query, wanted, sets, axes: [], box: [] };
  const indices = [...Array(WIDTH).keys()];
  return {
    ...{ query, wanted, sets },
    axes: indices.map((i) => Array.from(flatAxes.subarray(i * WIDTH, (i + 1) * WIDTH))),
    box: indices.map((i) => [box[2 * i], box[2 * i + 1]]),
  };
}

/** Whether the attention's output of an input lies in a region's box. */
function liesInBox({ step, box }: Region, query: Query, bounder: Bounder, input: Digits): boolean {
  if (box === undefined) return true;
  const axes = bounder.axesOf(query, step);
  const o = new Float64Array(WIDTH);
  attentionOf(step, query, input, o);
  return o.every((_, i) => {
    const along = o.reduce((sum, value, l) => sum + axes[i * WIDTH + l] * value, 0);
    return box[2 * i] - 1e-9 <= along && along <= box[2 * i + 1] + 1e-9;
  });
}

/** Changes digits at random and keeps what lowers the margin. */
function descend(
  start: Digits,
  marginOf: (input: Digits) => number,
  allowed: (input: Digits) => boolean,
  random: () => number,
  attempts: number,
): void {
  let best = start;
  let least = marginOf(start);
  for (let i = 0; i < attempts; i++) {
    const next = { a: [...best.a], b: [...best.b] };
    const place = Math.floor(random() * 10);
    next.a[place] = Math.floor(random() * 10);
    next.b[place] = random() < 0.5 ? 9 - next.a[place] : Math.floor(random() * 10);
    if (!allowed(next)) continue;
    const margin = marginOf(next);
    if (margin < least) [best, least] = [next, margin];
  }
}
