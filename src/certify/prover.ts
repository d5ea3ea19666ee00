/**
 * What a thread of the prover does: it bounds groups of inputs, and cuts them where their bounds do not suffice. Nothing here depends on when or
 * where it is asked.
 */
import type { Range } from "../checker/forms.ts";
import { groupsOf, type Part, refine } from "../checker/groups.ts";
import { type Query, queryOf } from "../checker/query.ts";
import { type DecodingNumbers, DIGITS, KEY_WIDTH, queryTable } from "../engine/wasm/decoding_tables.ts";
import { digitsOf, EQUALS, numberOf, OPERAND_DIGITS, targetTokens } from "../model/vocabulary.ts";
import { dot, lossAxes } from "./hull.ts";
import { type Level, MarginBound } from "./margin_bound.ts";
import { PostAttention, proverLayers } from "./post_attention.ts";
import { type Digits, outputOf, Reach } from "./reach.ts";
import type { Input, OpenRegion, PartCuts } from "./types.ts";

/** A cell is not cut that is narrower than this along each axis. */
const NARROWEST = 1e-4;
/** Cells up to this depth are searched for wrong sums. */
const SEARCHED_DEPTH = 4;
/** Steps from one input to a worse one. */
const DESCENT = 4;
/** What is claimed of a bound: a little less, so that the checker, which accounts for rounding in another way, finds it, too. */
export const CLAIMED = 0.999;

/** What the digits of an operand may be, by place, where nothing is known of them. */
export const ALL_DIGITS = new Array<string>(OPERAND_DIGITS).fill("0123456789");

/** An input and its margin in real arithmetic on the module's numbers. */
export type Found = Input & { readonly margin: number };

/** A margin to be proved with at most so many cuts of a group, and the milliseconds of Date.now() after which it is given up. */
export type Aim = { readonly margin: number; readonly cuts: number; readonly until: number };

/** The result of a group. */
export interface GroupProof {
  /** How its parts are cut, by their names, and how often. */
  readonly splits: Record<string, PartCuts>;
  cuts: number;
  /** Inputs with small margins that were met where a bound did not suffice. */
  readonly found: Found[];
  /** Where the margin was not proved: the first part that resisted. */
  readonly open?: OpenRegion;
}

/** What a thread does: a method of the prover with its arguments. */
export type Method = Exclude<keyof Prover, "run">;
export type Task = { readonly method: Method; readonly args: Parameters<Prover[Method]> };

export class Prover {
  readonly #numbers: DecodingNumbers;
  readonly #reach = new Reach();
  readonly #bound: MarginBound;
  readonly #after: PostAttention;
  readonly #queries = new Map<number, Query>();
  #groups: readonly Part[] = [];
  readonly #o = new Float64Array(KEY_WIDTH + 1);
  readonly #gradient = new Float64Array(KEY_WIDTH);
  #aim!: Aim;
  #proof!: GroupProof;

  constructor(numbers: DecodingNumbers) {
    this.#numbers = numbers;
    const layers = proverLayers(numbers);
    this.#bound = new MarginBound(layers, this.#reach);
    this.#after = new PostAttention(layers);
  }

  run({ method, args }: Task): unknown {
    return Reflect.apply(this[method], this, args);
  }

  #queryOf(step: number, token: number): Query {
    const key = 100 * step + token;
    const known = this.#queries.get(key) ?? queryOf(step, token, queryTable(this.#numbers, step, token));
    this.#queries.set(key, known);
    return known;
  }

  #groupsOf(step: number, token: number): readonly Part[] {
    const query = this.#queryOf(step, token);
    if (this.#groups[0]?.query !== query) this.#groups = groupsOf(query);
    return this.#groups;
  }

  /** An estimate of the least margin of each group of a step and token: that of its center, less what the gradient may take over the group. */
  estimate(step: number, token: number): Float64Array {
    return Float64Array.from(this.#groupsOf(step, token), (group) => {
      this.#reach.take(group);
      const margin = this.#after.gradient(group, this.#reach.center, this.#gradient);
      return margin + this.#reach.apart(this.#gradient);
    });
  }

  /** Looks for the inputs with the smallest margins in each of some groups. */
  search(step: number, token: number, groups: readonly number[]): Found[] {
    const all = this.#groupsOf(step, token);
    return groups.flatMap((index) => {
      this.#reach.take(all[index]);
      return this.#worst();
    });
  }

  /**
   * A local search: at one place after the other it changes the digit of a, the digit of b, or both with the same sum, if that
   * makes the margin smaller, until no such change does.
   */
  descend(step: number, start: Input): Found {
    const [a, b] = [start.a, start.b].map((value) => digitsOf(value, OPERAND_DIGITS));
    let margin = this.#marginOf(step, { a, b });
    for (let place = 0, settled = 0; settled < OPERAND_DIGITS; place = (place + 1) % OPERAND_DIGITS, settled++) {
      let [bestA, bestB] = [a[place], b[place]];
      for (let pair = 0; pair < DIGITS ** 2; pair++) {
        [a[place], b[place]] = [pair % DIGITS, Math.floor(pair / DIGITS)];
        if (a[place] !== bestA && b[place] !== bestB && a[place] + b[place] !== bestA + bestB) continue;
        const tried = this.#marginOf(step, { a, b });
        if (tried < margin) [margin, bestA, bestB, settled] = [tried, a[place], b[place], 0];
      }
      [a[place], b[place]] = [bestA, bestB];
    }
    return { ...inputOf({ a, b }), margin };
  }

  /** The margin of one input. */
  #marginOf(step: number, digits: Digits<number[]>): number {
    const { a, b } = inputOf(digits);
    const tokens = targetTokens(a, b);
    const query = this.#queryOf(step, step === 0 ? EQUALS : tokens[step - 1]);
    outputOf(query, digits, this.#o);
    return this.#after.margin({ query, target: tokens[step] }, this.#o);
  }

  /** Proves of each of some groups that no input has a smaller margin than the aim's. */
  prove(step: number, token: number, groups: readonly number[], aim: Aim): GroupProof[] {
    const all = this.#groupsOf(step, token);
    this.#aim = { ...aim, margin: aim.margin / CLAIMED };
    return groups.map((index) => {
      this.#proof = { splits: {}, cuts: 0, found: [] };
      const open = this.#provePart(all[index]);
      return open === undefined ? this.#proof : { ...this.#proof, splits: {}, open };
    });
  }

  /** Proves a group, else with each digit a_i, else with each digit a_(i - 1) as well: what the checker tries by itself. @returns What resists */
  #provePart(part: Part): OpenRegion | undefined {
    if (Date.now() > this.#aim.until) return regionOf(part, -Infinity);
    this.#reach.take(part);
    if (this.#holds("boxed", "apart")) return undefined;
    const parts = refine(part);
    for (const own of parts) {
      const open = this.#provePart(own);
      if (open !== undefined) return open;
    }
    if (parts.length > 0 || this.#holds("tied")) return undefined;
    const axes = lossAxes(this.#bound.losses());
    const box = axes.map((axis): Range => {
      const middle = dot(axis, 0, this.#reach.center);
      return [middle + this.#reach.least(axis), middle - this.#reach.least(axis.map((value) => -value))];
    });
    return this.#proveCell({ ...part, axes, box }, this.#proof.splits[part.name] = [axes, [], {}], 0, 0);
  }

  /** Whether every margin of the part at hand is bounded by the aim's. */
  #holds(...levels: Level[]): boolean {
    const { margin } = this.#aim;
    return levels.some((level) => this.#bound.least(level, margin) >= margin);
  }

  /** Proves a cell, halved where that is needed. @returns What resists */
  #proveCell(cell: Part, cuts: PartCuts, number: number, depth: number): OpenRegion | undefined {
    this.#reach.take(cell);
    if (this.#holds("boxed", "tied")) return undefined;
    const separation = this.#reach.separate();
    if (separation !== undefined) {
      cuts[2][number] = separation;
      return undefined;
    }
    const box = cell.box!;
    const losses = this.#bound.losses();
    const lossAlong = box.map(([lo, hi], i) =>
      hi - lo > NARROWEST ? (hi - lo) * losses.reduce((sum, own) => sum + Math.abs(own[i]), 0) : 0
    );
    const axis = lossAlong.indexOf(Math.max(...lossAlong));
    const { margin, cuts: mostCuts, until } = this.#aim;
    const { found } = this.#proof;
    const isOver = !(lossAlong[axis] > 0) || this.#proof.cuts >= mostCuts || Date.now() > until;
    // wrong sums are looked for from the middles of the first cells, and where the proof ends
    if (depth < SEARCHED_DEPTH || isOver) found.push(...this.#worst());
    if (isOver || found.some((own) => own.margin < margin)) return regionOf(cell, this.#bound.least("boxed", margin));
    this.#proof.cuts++;
    const [lo, hi] = box[axis];
    const at = (lo + hi) / 2;
    const next = cuts[1].push([number, axis, at]);
    return this.#proveCell({ ...cell, box: box.with(axis, [lo, at]) }, cuts, number, depth + 1) ??
      this.#proveCell({ ...cell, box: box.with(axis, [at, hi]) }, cuts, next, depth + 1);
  }

  /**
   * Inputs of the part at hand with smaller and smaller margins: from its center along the margin's gradient to the input that lies farthest that
   * way, whose own gradient shows the next.
   */
  #worst(): Found[] {
    const { part, center } = this.#reach;
    const o = this.#o;
    o.set(center);
    const found: Found[] = [];
    for (let round = 0; round < DESCENT; round++) {
      this.#after.gradient(part, o, this.#gradient);
      const start = dot(this.#gradient, 0, o);
      if (!Number.isFinite(start)) break;
      if (this.#reach.leastAlong(this.#gradient, start) === Infinity) break;
      const digits = this.#reach.input();
      outputOf(part.query, digits, o);
      const margin = this.#after.margin(part, o);
      if (!(margin < (found.at(-1)?.margin ?? Infinity))) break;
      found.push({ ...inputOf(digits), margin });
    }
    return found;
  }
}

function inputOf({ a, b }: Digits<number[]>): Input {
  return { a: numberOf(a), b: numberOf(b) };
}

/** What is fixed of a part's inputs, as people read it. @param bound The lower bound of their margins */
function regionOf({ query: { step }, pairs }: Part, bound: number): OpenRegion {
  return {
    step,
    bound,
    a: pairs.map((own, place) => own.length > 1 ? ALL_DIGITS[place] : `${own[0].a}`),
    b: ALL_DIGITS,
  };
}
