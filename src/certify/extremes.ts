/**
 * The extremes of a linear function of the attention's output over a region.
 *
 * @module
 */
import { FIRST_QUERY, OPERAND_DIGITS, SUM_DIGITS } from "../model/vocabulary.ts";
import { DIGITS, positionOfA, positionOfB, positionOfSum } from "./places.ts";
import { ENTRY, type Query } from "./query.ts";
import type { Region } from "./region.ts";
import { WIDTH } from "../model/variant.ts";

/** An input by its digits. */
export interface Digits {
  /** Ten digits of a, ones first. */
  readonly a: readonly number[];
  /** Ten digits of b. */
  readonly b: readonly number[];
}

/** The least of a sum of costs, and an input that attains it. */
export interface Cheapest extends Digits {
  /** The least sum; Infinity where the region holds no input. */
  readonly cost: number;
}

/**
 * The cheapest input of a region: the least of sum_j cost_j(t_j) over all its inputs, exactly.
 *
 * The digits of the sum follow from those of a and b through the carry, so the least over the places 0 … j that ends with a carry c is
 * found from those over 0 … j - 1 (Bellman): at each place 10 x 10 digits and two carries. Above the place that is asked for nothing of
 * the sum is written, and the digits choose for themselves.
 *
 * @param costs [positions, 10]
 */
export function cheapestInput(region: Region, costs: Float64Array): Cheapest {
  const { step, token, wanted, digits } = region;
  const asking = digits.length - 1;
  // least[c]: over the places so far, ending with carry c; from[place * 2 + c]: the choice that led there
  let least = [0, Infinity];
  const from = new Int32Array(2 * OPERAND_DIGITS);
  const tied = Math.min(step + 1, OPERAND_DIGITS);
  for (let place = 0; place < tied; place++) {
    const atA = positionOfA(place);
    const atB = positionOfB(place);
    const atSum = positionOfSum(place);
    const [maskA, maskB] = [digits[atA], digits[atB]];
    const maskSum = place === step ? 1 << wanted : atSum === asking ? 1 << token : digits[atSum];
    const free = place !== step && atSum !== asking;
    const next = [Infinity, Infinity];
    for (let a = 0; a < DIGITS; a++) {
      if ((maskA >> a & 1) === 0) continue;
      const costA = costs[atA * DIGITS + a];
      for (let b = 0; b < DIGITS; b++) {
        if ((maskB >> b & 1) === 0) continue;
        const cost = costA + costs[atB * DIGITS + b];
        for (let carry = 0; carry < 2; carry++) {
          const all = a + b + carry;
          const digit = all > 9 ? all - 10 : all;
          if ((maskSum >> digit & 1) === 0) continue;
          const total = least[carry] + cost + (free ? costs[atSum * DIGITS + digit] : 0);
          const out = all > 9 ? 1 : 0;
          if (total < next[out]) {
            next[out] = total;
            from[2 * place + out] = (a * DIGITS + b) * 2 + carry;
          }
        }
      }
    }
    least = next;
  }
  // the last digit of the sum is the carry out of the last place
  if (step === OPERAND_DIGITS) least[1 - wanted] = Infinity;
  if (step === SUM_DIGITS) least[1 - token] = Infinity;
  let carry = least[1] < least[0] ? 1 : 0;
  let cost = least[carry];
  const [a, b] = [new Array<number>(OPERAND_DIGITS).fill(0), new Array<number>(OPERAND_DIGITS).fill(0)];
  if (cost === Infinity) return { cost, a, b };
  for (let place = tied - 1; place >= 0; place--) {
    const choice = from[2 * place + carry];
    a[place] = Math.floor(choice / (2 * DIGITS));
    b[place] = Math.floor(choice / 2) % DIGITS;
    carry = choice % 2;
  }
  for (let place = tied; place < OPERAND_DIGITS; place++) {
    for (const [number, at] of [[a, positionOfA(place)], [b, positionOfB(place)]] as const) {
      let best = Infinity;
      for (let digit = 0; digit < DIGITS; digit++) {
        if ((digits[at] >> digit & 1) === 0 || costs[at * DIGITS + digit] >= best) continue;
        best = costs[at * DIGITS + digit];
        number[place] = digit;
      }
      cost += best;
    }
  }
  for (const at of [OPERAND_DIGITS, FIRST_QUERY]) cost += costs[at * DIGITS]; // + and =
  if (step > 0) cost += costs[asking * DIGITS];
  return { cost, a, b };
}

/** The least of a direction's product with o over a region, and an input that nearly attains it. */
export interface Minimum extends Cheapest {
  /** No o of the region has a smaller g.(o - center). */
  bound: number;
}

const MAX_ROUNDS = 10;
const NO_DIGITS: readonly number[] = new Array(OPERAND_DIGITS).fill(0);

/**
 * The least g.(o - center) over the inputs of a region.
 *
 * g.o is a fraction P / Z with P = sum_j e_j g.v_j and Z = sum_j e_j > 0. For any number x let F(x) = min (P - x Z), an exact minimum of
 * sums of costs. Then P / Z - x = (P - x Z) / Z >= F(x) / Z, and 1 / Z is at most 1 / min Z and at least 1 / max Z. The bound takes
 * x = g.center. To find an input that attains the least, the fraction of the minimizing input becomes the next x, until F(x) is 0
 * (Dinkelbach 1967, "On nonlinear fractional programming").
 *
 * @param projected e g.v, as {@linkcode Query.project} gives it
 * @param start g.center
 * @param weights Bounds of Z over the region, above 0
 */
export function minimize(
  region: Region,
  query: Query,
  projected: Float64Array,
  start: number,
  { leastWeight, mostWeight }: { leastWeight: number; mostWeight: number },
): Minimum {
  const { entries } = query;
  const costs = new Float64Array(projected.length);
  const o = new Float64Array(WIDTH);
  let x = start;
  let bound = 0;
  for (let round = 1;; round++) {
    for (let at = 0, entry = WIDTH; at < costs.length; at++, entry += ENTRY) {
      costs[at] = projected[at] - x * entries[entry];
    }
    // out of the range of float64 nothing is known
    if (!costs.every(Number.isFinite)) return { cost: NaN, a: NO_DIGITS, b: NO_DIGITS, bound: NaN };
    const found = cheapestInput(region, costs);
    if (found.cost === Infinity) return { ...found, bound: Infinity };
    if (round === 1) bound = found.cost / (found.cost < 0 ? leastWeight : mostWeight);
    if (found.cost > -1e-9 * leastWeight * (1 + Math.abs(x)) || round === MAX_ROUNDS) return { ...found, bound };
    x += found.cost / attentionOf(region.step, query, found, o);
  }
}

/** o of one input, into `o`. @returns Z, the sum of the weights */
export function attentionOf(step: number, { entries }: Query, { a, b }: Digits, o: Float64Array): number {
  o.fill(0);
  let weight = 0;
  let carry = 0;
  const see = (position: number, digit: number) => {
    const entry = (position * DIGITS + digit) * ENTRY;
    for (let l = 0; l < WIDTH; l++) o[l] += entries[entry + l];
    weight += entries[entry + WIDTH];
  };
  for (let place = 0; place < OPERAND_DIGITS; place++) {
    see(positionOfA(place), a[place]);
    see(positionOfB(place), b[place]);
    const all = a[place] + b[place] + carry;
    carry = all > 9 ? 1 : 0;
    if (place < step - 1) see(positionOfSum(place), all % DIGITS);
  }
  see(OPERAND_DIGITS, 0);
  see(FIRST_QUERY, 0);
  if (step > 0) see(FIRST_QUERY + step, 0);
  for (let l = 0; l < WIDTH; l++) o[l] /= weight;
  return weight;
}
