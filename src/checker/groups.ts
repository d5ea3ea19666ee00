/**
 * Groups: sets of inputs that ask the model the same question, and what becomes of them when digits are fixed.
 *
 * docs/certificate.md, "Groups", says why every input lies in one of each step.
 */
import { DIGITS, KEY_WIDTH } from "../engine/wasm/decoding_tables.ts";
import { EOS, OPERAND_DIGITS, SUM_DIGITS } from "../model/vocabulary.ts";
import type { Range } from "./forms.ts";
import { type Query, upTo } from "./query.ts";

/** The directions of the coordinates of the attention's output, [6, 6]. */
export const UNITS = upTo(KEY_WIDTH - 1).map((l) => upTo(KEY_WIDTH - 1).map((i) => Number(i === l)));

/** A digit of a and one of b. */
export type Pair = { readonly a: number; readonly b: number };

/** A set of inputs that ask the same query and have the same right answer. */
export interface Part {
  /** Its name in a certificate: the token that asks, the group's number, and the digits of a that are fixed. */
  readonly name: string;
  readonly query: Query;
  /** The right next token. */
  readonly target: number;
  /** The pairs of digits that a and b may have at each place, the ones first. */
  readonly pairs: readonly (readonly Pair[])[];
  /** Six perpendicular directions, and in a cell between what the attention's output lies along each of them. */
  readonly axes: readonly (readonly number[])[];
  readonly box?: readonly Range[];
  /** Near the middle of what the attention's output can be, [6], once it was looked for; parts of the part begin with it. */
  near?: readonly number[];
}

const ALL_PAIRS: readonly Pair[] = upTo(9).flatMap((a) => upTo(9).map((b) => ({ a, b })));
/** The pairs by their sum. */
const PAIRS_OF = upTo(18).map((sum) => ALL_PAIRS.filter(({ a, b }) => a + b === sum));

/** The sums that the digits at a place can have; 0 where there are none. */
const sumsAt = (place: number) => upTo(place >= 0 && place < OPERAND_DIGITS ? 18 : 0);

/** The groups of a query, in the order of their numbers. */
export function groupsOf(query: Query): Part[] {
  const { step, token } = query;
  const groups: Part[] = [];
  for (const before of sumsAt(step - 1)) {
    for (const carry of upTo(step < 2 ? 0 : 1)) {
      if (step > 0 && (before + carry) % DIGITS !== token) continue;
      for (const sum of sumsAt(step)) {
        const target = step < SUM_DIGITS ? (sum + (before + carry < DIGITS ? 0 : 1)) % DIGITS : EOS;
        const known: Record<number, number> = { [step - 1]: before, [step]: sum };
        const pairs = upTo(OPERAND_DIGITS - 1).map((place) => PAIRS_OF[known[place]] ?? ALL_PAIRS);
        groups.push({ name: `${token} ${groups.length}`, query, target, axes: UNITS, pairs });
      }
    }
  }
  return groups;
}

/** The parts of a part in which the next digit of a is fixed whose sum with that of b is known; empty where none is left, and of a cell. */
export function refine({ name, pairs, ...part }: Part): Part[] {
  const place = [part.query.step, part.query.step - 1].find((place) => pairs[place]?.length > 1);
  if (place === undefined || part.box !== undefined) return [];
  return pairs[place].map((pair) => ({ ...part, name: `${name} ${pair.a}`, pairs: pairs.with(place, [pair]) }));
}
