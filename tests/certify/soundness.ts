/**
 * The search for an input that breaks a bound.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { Digits } from "../../src/certify/extremes.ts";
import { regionsOf, tokensAt } from "../../src/certify/region.ts";
import { quickBounds } from "../../src/certify/scan.ts";
import { EQUALS, QUERIES } from "../../src/model/vocabulary.ts";
import { liesIn, type NamedModel, randomInput, randomNumbers, toolsOf } from "./models.ts";

/** float64 in another order of sums. */
const ROUNDING = 1e-6;

/**
 * Compares bounds with the margins of random inputs, of those that the prover thinks worst, and of their neighbours.
 *
 * @param regions Regions looked at for each step
 * @param inputs Inputs looked at for each region
 * @returns The number of margins compared
 */
export function searchForBreach(
  model: NamedModel,
  { regions, inputs, seed }: { regions: number; inputs: number; seed: number },
): number {
  const random = randomNumbers(seed);
  const pick = (count: number) => Math.floor(random() * count);
  const { head, bounder, makeQuery } = toolsOf(model);
  let compared = 0;
  for (let step = 0; step < QUERIES; step++) {
    const tokens = tokensAt(step, EQUALS);
    const token = tokens[pick(tokens.length)];
    const query = makeQuery(step, token);
    const all = regionsOf(step, token);
    const quick = quickBounds(head, query, all);
    for (let r = 0; r < regions; r++) {
      const number = pick(all.length);
      const region = { ...all[number], digits: all[number].digits.slice() };
      let least = quick[number];
      const parts = pick(4); // cut a few times
      let { bound, found, influence } = bounder.bound(query, region);
      for (let cut = 0; cut < parts; cut++) {
        const split = bounder.split(query, region, influence);
        if (split === undefined) break;
        const mask = region.digits[split.position];
        region.digits[split.position] = random() < 0.5 ? split.first : mask & ~split.first;
        ({ bound, found, influence } = bounder.bound(query, region));
      }
      least = Math.max(least, bound);
      const check = (input: Digits) => {
        compared++;
        const margin = bounder.marginOf(query, region, input);
        assert(
          !(margin < least - ROUNDING),
          `${model.name}: at step ${step} ${input.a} + ${input.b} (ones first) has the margin ${margin}, below its bound ${least}`,
        );
        return margin;
      };
      if (found !== undefined) descend(found.input, check, (input) => liesIn(region, input), random, inputs >> 2);
      for (let i = 0; i < inputs; i++) {
        const input = randomInput(region, random);
        if (input === undefined) break;
        assert(bound < Infinity, `${model.name}: a region of step ${step} holds inputs, but is said not to`);
        check(input);
      }
    }
  }
  return compared;
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
