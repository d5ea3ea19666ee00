/**
 * The extremes of linear functions of the attention's output over a region.
 *
 * @module
 */
import { FIRST_QUERY, OPERAND_DIGITS, SUM_DIGITS } from "../model/vocabulary.ts";
import { ANY_DIGIT, DIGITS, positionOfA, positionOfB, positionOfSum } from "./places.ts";
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

/** Sums of two digits. */
const PAIR_SUMS = 2 * DIGITS - 1;
const ALLOWED = Array.from(
  { length: 2 ** DIGITS },
  (_, mask) => Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter((digit) => mask >> digit & 1)),
);

/** The digits of a set, ascending. */
export function digitsIn(mask: number): Uint8Array {
  return ALLOWED[mask];
}

/**
 * Finds the cheapest input of a region: the least of sum_j cost_j(t_j) over all its inputs, exactly.
 *
 * The digits of the sum follow from those of a and b through the carry, so the least over the places 0 … j that ends with a carry c is
 * found from those over 0 … j - 1 (Bellman): at each place the cheapest two digits of each sum, and two carries. Above the place that is
 * asked for nothing of the sum is written, and the digits choose for themselves.
 */
export class CheapestInput {
  readonly #pairCost = new Float64Array(PAIR_SUMS);
  readonly #pair = new Uint8Array(PAIR_SUMS);
  /** For each place and carry out of it the cheapest choice, as (a * 10 + b) * 2 + carry in. */
  readonly #from = new Uint8Array(2 * OPERAND_DIGITS);
  /** The carry out of the last place that hangs together with others. */
  #carry = 0;
  #tied = 0;

  /**
   * The least sum; Infinity where the region holds no input.
   *
   * @param costs [positions, 10]
   */
  cost({ step, token, wanted, digits }: Region, costs: Float64Array): number {
    const asking = FIRST_QUERY + step;
    const pairCost = this.#pairCost;
    const tied = Math.min(step + 1, OPERAND_DIGITS);
    let [least0, least1] = [0, Infinity];
    for (let place = 0; place < tied; place++) {
      const atA = positionOfA(place);
      const atB = positionOfB(place);
      const atSum = positionOfSum(place);
      const maskSum = place === step ? 1 << wanted : atSum === asking ? 1 << token : digits[atSum];
      const free = place !== step && atSum !== asking;
      this.#pairUp(costs, atA * DIGITS, atB * DIGITS, digits[atA], digits[atB]);
      let [next0, next1] = [Infinity, Infinity];
      for (let carry = 0; carry < 2; carry++) {
        const least = carry === 0 ? least0 : least1;
        if (least === Infinity) continue;
        for (let pair = 0; pair < PAIR_SUMS; pair++) {
          const all = pair + carry;
          const digit = all > 9 ? all - 10 : all;
          if ((maskSum >> digit & 1) === 0) continue;
          const total = least + pairCost[pair] + (free ? costs[atSum * DIGITS + digit] : 0);
          if (all > 9) {
            if (total < next1) {
              next1 = total;
              this.#from[2 * place + 1] = this.#pair[pair] * 2 + carry;
            }
          } else if (total < next0) {
            next0 = total;
            this.#from[2 * place] = this.#pair[pair] * 2 + carry;
          }
        }
      }
      [least0, least1] = [next0, next1];
    }
    // the last digit of the sum is the carry out of the last place
    const last = step === OPERAND_DIGITS ? wanted : step === SUM_DIGITS ? token : undefined;
    this.#carry = last ?? (least1 < least0 ? 1 : 0);
    this.#tied = tied;
    let cost = this.#carry === 0 ? least0 : least1;
    if (cost === Infinity) return cost;
    for (let place = tied; place < OPERAND_DIGITS; place++) {
      for (const at of [positionOfA(place), positionOfB(place)]) {
        let best = Infinity;
        for (const digit of ALLOWED[digits[at]]) best = Math.min(best, costs[at * DIGITS + digit]);
        cost += best;
      }
    }
    cost += costs[OPERAND_DIGITS * DIGITS] + costs[FIRST_QUERY * DIGITS]; // + and =
    return step > 0 ? cost + costs[asking * DIGITS] : cost;
  }

  /** The cheapest two digits of each sum, at two positions. */
  #pairUp(costs: Float64Array, atA: number, atB: number, maskA: number, maskB: number): void {
    const pairCost = this.#pairCost;
    const pairs = this.#pair;
    if (maskA === ANY_DIGIT && maskB === ANY_DIGIT) {
      for (let sum = 0; sum < PAIR_SUMS; sum++) {
        let [best, bestA] = [Infinity, 0];
        for (let a = sum < DIGITS ? 0 : sum - DIGITS + 1; a < DIGITS && a <= sum; a++) {
          const cost = costs[atA + a] + costs[atB + sum - a];
          if (cost < best) {
            best = cost;
            bestA = a;
          }
        }
        pairCost[sum] = best;
        pairs[sum] = bestA * DIGITS + sum - bestA;
      }
      return;
    }
    pairCost.fill(Infinity);
    const [allowedA, allowedB] = [ALLOWED[maskA], ALLOWED[maskB]];
    for (let i = 0; i < allowedA.length; i++) {
      const a = allowedA[i];
      for (let j = 0; j < allowedB.length; j++) {
        const b = allowedB[j];
        const cost = costs[atA + a] + costs[atB + b];
        if (cost < pairCost[a + b]) {
          pairCost[a + b] = cost;
          pairs[a + b] = a * DIGITS + b;
        }
      }
    }
  }

  /** The input that had the last {@linkcode cost}, which was finite. */
  input({ digits }: Region, costs: Float64Array): Digits {
    const [a, b] = [new Array<number>(OPERAND_DIGITS), new Array<number>(OPERAND_DIGITS)];
    let carry = this.#carry;
    for (let place = this.#tied - 1; place >= 0; place--) {
      const choice = this.#from[2 * place + carry];
      a[place] = Math.floor(choice / (2 * DIGITS));
      b[place] = Math.floor(choice / 2) % DIGITS;
      carry = choice % 2;
    }
    for (let place = this.#tied; place < OPERAND_DIGITS; place++) {
      for (const [number, at] of [[a, positionOfA(place)], [b, positionOfB(place)]] as const) {
        const cheaper = (x: number, y: number) => costs[at * DIGITS + y] < costs[at * DIGITS + x] ? y : x;
        number[place] = ALLOWED[digits[at]].reduce(cheaper);
      }
    }
    return { a, b };
  }
}

/** The least and the greatest sum of the weights over a region, each position on its own. */
export interface WeightRange {
  /** Below that of any input. */
  readonly leastWeight: number;
  /** Above it. */
  readonly mostWeight: number;
}

const MOST_ROUNDS = 8;

/** Minimizes directions of o over regions. */
export class Minimizer {
  readonly #cheapest = new CheapestInput();
  #costs = new Float64Array(0);
  #projected = new Float64Array(0);
  readonly #o = new Float64Array(WIDTH);
  /** Whether {@linkcode input} is known. */
  #found = false;

  /**
   * The least g.o over the inputs of a region, from below; Infinity where it holds none, NaN where float64 does not reach.
   *
   * g.o is a fraction P / Z with P = sum_j e_j g.v_j and Z = sum_j e_j > 0. For any number x let F(x) = min (P - x Z), an exact minimum of
   * sums of costs. Then P / Z - x = (P - x Z) / Z >= F(x) / Z, and 1 / Z is at most 1 / min Z and at least 1 / max Z: each x gives a bound,
   * and the best counts. The fraction of the minimizing input becomes the next x, until F(x) is 0 (Dinkelbach 1967, "On nonlinear
   * fractional programming").
   *
   * @param start Any number; the nearer to the least the fewer rounds
   */
  least(
    region: Region,
    query: Query,
    direction: Float64Array,
    start: number,
    { leastWeight, mostWeight }: WeightRange,
  ): number {
    const size = query.positions * DIGITS;
    if (this.#costs.length !== size) {
      this.#costs = new Float64Array(size);
      this.#projected = new Float64Array(size);
    }
    const costs = this.#costs;
    const projected = this.#projected;
    const { weights } = query;
    query.project(direction, projected);
    let x = start;
    let bound = -Infinity;
    for (let round = 1;; round++) {
      let total = 0;
      for (let at = 0; at < size; at++) {
        costs[at] = projected[at] - x * weights[at];
        total += costs[at];
      }
      this.#found = false;
      if (!Number.isFinite(total)) return NaN; // some cost is out of the range of float64
      const cost = this.#cheapest.cost(region, costs);
      if (cost === Infinity) return Infinity;
      this.#found = true;
      bound = Math.max(bound, x + cost / (cost < 0 ? leastWeight : mostWeight));
      const near = Math.abs(cost) <= 1e-11 * leastWeight * (1 + Math.abs(x));
      if (near || round === MOST_ROUNDS) return bound;
      x += cost / attentionOf(region.step, query, this.#cheapest.input(region, costs), this.#o);
    }
  }

  /** The input that nearly attains the last {@linkcode least}, which was finite. */
  input(region: Region): Digits {
    if (!this.#found) throw new Error("no input was found");
    return this.#cheapest.input(region, this.#costs);
  }
}

/** o of one input, into `o`. @returns Z, the sum of the weights */
export function attentionOf(step: number, { entries }: Query, { a, b }: Digits, o: Float64Array): number {
  let carry = 0;
  for (let place = 0; place < OPERAND_DIGITS; place++) {
    DIGIT_AT[positionOfA(place)] = a[place];
    DIGIT_AT[positionOfB(place)] = b[place];
    const all = a[place] + b[place] + carry;
    carry = all > 9 ? 1 : 0;
    DIGIT_AT[positionOfSum(place)] = all > 9 ? all - 10 : all;
  }
  const asking = FIRST_QUERY + step;
  let [o0, o1, o2, o3, o4, o5, o6, weight] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let position = 0; position <= asking; position++) {
    const entry = (position * DIGITS + (position === asking ? 0 : DIGIT_AT[position])) * ENTRY;
    o0 += entries[entry];
    o1 += entries[entry + 1];
    o2 += entries[entry + 2];
    o3 += entries[entry + 3];
    o4 += entries[entry + 4];
    o5 += entries[entry + 5];
    o6 += entries[entry + 6];
    weight += entries[entry + 7];
  }
  o[0] = o0 / weight;
  o[1] = o1 / weight;
  o[2] = o2 / weight;
  o[3] = o3 / weight;
  o[4] = o4 / weight;
  o[5] = o5 / weight;
  o[6] = o6 / weight;
  return weight;
}

/** The digit at each position of one input; 0 where one token alone can stand. */
const DIGIT_AT = new Uint8Array(FIRST_QUERY + 1 + OPERAND_DIGITS);
