/**
 * The proof of one step: bounds for all of its regions, the worst of which are cut until every bound is near what an input attains.
 *
 * @module
 */
import { EQUALS } from "../model/vocabulary.ts";
import type { Bounder } from "./bound.ts";
import type { Digits } from "./extremes.ts";
import type { Head } from "./head.ts";
import { Heap } from "./heap.ts";
import type { Query } from "./query.ts";
import { type Region, regionsOf, tokensAt } from "./region.ts";
import { quickBounds } from "./scan.ts";
import type { Input, Split, StepResult } from "./types.ts";

/** Cutting ends where the least bound is this share of the smallest margin met: the proof is then tight enough. */
const TIGHT = 0.95;
/** Regions that are cut for a tighter bound alone, once all bounds are large enough. */
const MOST_CUTS_TO_TIGHTEN = 2000;

/** How a region is cut, while that is not known to the end. */
interface Place {
  cut?: { position: number; first: number; parts: [Place, Place] };
}

function splitOf({ cut }: Place): Split {
  return cut === undefined ? 0 : [cut.position, cut.first, splitOf(cut.parts[0]), splitOf(cut.parts[1])];
}

/** A part of the inputs that is not settled yet. */
interface Open {
  bound: number;
  query: Query;
  region: Region;
  /** The region's number among those of its token. */
  number: number;
  place: Place;
  /** What decides how it is cut; undefined where only the quick bound is known. */
  influence?: Float64Array;
}

/** What comes of a step. */
export type StepOutcome =
  | { proved: true; result: StepResult; splits: [token: number, region: number, Split][] }
  | { proved: false; counterexample: Input }
  | { proved: false; open: Region; bound: number };

/** What a step's proof works with. */
export interface StepTools {
  head: Head;
  bounder: Bounder;
  makeQuery: (step: number, token: number) => Query;
  /** The least margin that will do. */
  demanded: number;
  /** Whether the model really adds a pair wrongly. */
  isWrong: (input: Input) => boolean;
  /** Whether the time is up. */
  expired: () => boolean;
}

/** Numbers whose digits are given from the ones up. */
function inputOf({ a, b }: Digits): Input {
  const value = (digits: readonly number[]) => digits.reduceRight((total, digit) => 10 * total + digit, 0);
  return { a: value(a), b: value(b) };
}

/**
 * Proves one step, best bound last. Yields the share settled now and then, and returns what came of it.
 *
 * The least bound of all open regions is a lower bound for the step; the margin of any input is an upper one. The region with the least
 * bound is bounded more tightly, then cut, until the two are near each other.
 */
export function* proveStep(step: number, tools: StepTools): Generator<number, StepOutcome> {
  const { bounder, demanded } = tools;
  const heap = new Heap<Open>();
  const tokens = tokensAt(step, EQUALS);
  const cuts = new Map<string, [number, number, Place]>();
  let regions = 0;
  for (const token of tokens) {
    const query = tools.makeQuery(step, token);
    const own = regionsOf(step, token);
    const bounds = quickBounds(tools.head, query, own);
    for (const [number, region] of own.entries()) {
      heap.push({ bound: bounds[number], query, region, number, place: {} });
    }
    regions += own.length;
    yield (token % 10 + 1) / (tokens.length + 1);
    if (tools.expired()) return { proved: false, open: heap.first()!.region, bound: heap.first()!.bound };
  }

  let worst: StepResult["worst"] = { a: 0, b: 0, margin: Infinity };
  let splits = 0;
  const tighten = (open: Open): Input | undefined => {
    const { bound, found, influence } = bounder.bound(open.query, open.region);
    if (found !== undefined && found.margin < Math.max(worst.margin, demanded)) {
      const input = inputOf(found.input);
      if (found.margin < worst.margin) worst = { ...input, margin: found.margin };
      if (found.margin < demanded && tools.isWrong(input)) return input;
    }
    // a region without inputs needs no proof
    heap.push({ ...open, bound, influence });
  };

  for (let round = 0;; round++) {
    const open = heap.pop()!;
    const enough = open.bound >= demanded + 1e-5; // what is lost when it is written down rounded is less
    if (enough && (open.bound >= TIGHT * worst.margin || splits >= MOST_CUTS_TO_TIGHTEN)) {
      const margin = Math.floor(1e6 * open.bound - 1) / 1e6;
      const result = { step, margin, worst, regions, splits };
      return {
        proved: true,
        result,
        splits: [...cuts.values()].map(([token, number, place]) => [token, number, splitOf(place)]),
      };
    }
    if (round % 16 === 15) {
      yield 1;
      if (tools.expired() && !enough) return { proved: false, open: open.region, bound: open.bound };
      // no proof is possible, and a wrong sum was not near
      const hopeless = worst.margin < demanded && splits >= MOST_CUTS_TO_TIGHTEN;
      if (hopeless) return { proved: false, open: open.region, bound: open.bound };
    }
    if (open.influence === undefined) {
      const counterexample = tighten(open);
      if (counterexample !== undefined) return { proved: false, counterexample };
      continue;
    }
    const cut = bounder.split(open.query, open.region, open.influence);
    // a single input: bound and margin are the same but for rounding, and too small
    if (cut === undefined) return { proved: false, open: open.region, bound: open.bound };
    splits++;
    const mask = open.region.digits[cut.position];
    const parts: [Place, Place] = [{}, {}];
    open.place.cut = { ...cut, parts };
    for (const [i, side] of [cut.first, mask & ~cut.first].entries()) {
      const digits = open.region.digits.slice();
      digits[cut.position] = side;
      const counterexample = tighten({ ...open, region: { ...open.region, digits }, place: parts[i] });
      if (counterexample !== undefined) return { proved: false, counterexample };
    }
    const key = `${open.region.token} ${open.number}`;
    if (!cuts.has(key)) cuts.set(key, [open.region.token, open.number, open.place]);
  }
}
