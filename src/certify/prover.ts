/**
 * What a thread of the prover does: it bounds groups of inputs, and cuts them where their bounds do not suffice. Nothing here depends on when or
 * where it is asked.
 */
import { type DecodingNumbers, DIGITS, KEY_WIDTH, queryTable } from "../engine/wasm/decoding_tables.ts";
import { EQUALS, OPERAND_DIGITS, targetTokens } from "../model/vocabulary.ts";
import { type Cell, describePart, type Group, groupsOf, type Part, refine } from "./groups.ts";
import { dot, lossAxes } from "./hull.ts";
import { type Level, MarginBound } from "./margin_bound.ts";
import { layersOf, type PostAttention, postAttention } from "./post_attention.ts";
import { type Query, readQuery } from "./query.ts";
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

/** An input and its margin in real arithmetic on the module's numbers. */
export type Found = Input & { readonly margin: number };

/** A margin to be proved with at most so many cuts of a group, and the milliseconds of Date.now() after which it is given up. */
export type Aim = { readonly margin: number; readonly cuts: number; readonly until: number };

/** The result of a group. */
export interface GroupProof {
  /** How its parts are cut, by the tied digits of a. */
  readonly splits: (readonly [digits: readonly number[], PartCuts])[];
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
  readonly #known = new Map<number, { query: Query; groups: readonly Group[] }>();
  readonly #o = new Float64Array(KEY_WIDTH);
  readonly #gradient = new Float64Array(KEY_WIDTH);
  // of the group at hand
  #query!: Query;
  #aim!: Aim;
  #proof!: GroupProof;

  constructor(numbers: DecodingNumbers) {
    this.#numbers = numbers;
    const layers = layersOf(numbers);
    this.#bound = new MarginBound(layers, this.#reach);
    this.#after = postAttention(layers);
  }

  run({ method, args }: Task): unknown {
    return Reflect.apply(this[method], this, args);
  }

  /** Turns to the query of a step and the token that asks. @returns Its groups */
  #groupsOf(step: number, token: number): readonly Group[] {
    const key = 100 * step + token;
    const known = this.#known.get(key) ??
      { query: readQuery(step, token, queryTable(this.#numbers, step, token)), groups: groupsOf(step, token) };
    this.#known.set(key, known);
    this.#query = known.query;
    return known.groups;
  }

  /** An estimate of the least margin of each group of a step and token: that of its center, less what the gradient may take over the group. */
  estimate(step: number, token: number): Float64Array {
    return Float64Array.from(this.#groupsOf(step, token), (group) => {
      this.#reach.take(this.#query, { group, fixed: [] });
      const margin = this.#after.gradient(this.#query.x, this.#reach.center, group.target, this.#gradient);
      return margin + this.#reach.apart(this.#gradient, 0);
    });
  }

  /** Looks for the inputs with the smallest margins in each of some groups. */
  search(step: number, token: number, groups: readonly number[]): Found[] {
    const all = this.#groupsOf(step, token);
    return groups.flatMap((index) => {
      this.#reach.take(this.#query, { group: all[index], fixed: [] });
      return this.#worst(all[index].target);
    });
  }

  /**
   * A local search: at one place after the other it changes the digit of a, the digit of b, or both with the same sum, if that
   * makes the margin smaller, until no such change does.
   */
  descend(step: number, start: Input): Found {
    const [a, b] = [digitsOf(start.a), digitsOf(start.b)];
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
    this.#groupsOf(step, step === 0 ? EQUALS : tokens[step - 1]);
    outputOf(this.#query, digits, this.#o);
    return this.#after.margin(this.#query.x, this.#o, tokens[step]);
  }

  /** Proves of each of some groups that no input has a smaller margin than the aim's. */
  prove(step: number, token: number, groups: readonly number[], aim: Aim): GroupProof[] {
    const all = this.#groupsOf(step, token);
    this.#aim = { ...aim, margin: aim.margin / CLAIMED };
    return groups.map((index) => {
      this.#proof = { splits: [], cuts: 0, found: [] };
      const open = this.#provePart({ group: all[index], fixed: [] });
      return open === undefined ? this.#proof : { ...this.#proof, splits: [], open };
    });
  }

  /** Proves a group, else with each digit a_i, else with each digit a_(i - 1) as well: what the checker tries by itself. @returns What resists */
  #provePart(part: Part): OpenRegion | undefined {
    const { group: { step, sums }, fixed } = part;
    if (Date.now() > this.#aim.until) return describePart(step, fixed, -Infinity);
    const isLast = fixed.length === sums.length;
    if (this.#holds(part, isLast)) return undefined;
    for (const own of refine(part)) {
      const open = this.#provePart(own);
      if (open !== undefined) return open;
    }
    if (!isLast) return undefined;
    const axes = lossAxes(this.#bound.losses());
    const rows = Array.from({ length: KEY_WIDTH }, (_, i) => [...axes.subarray(i * KEY_WIDTH, (i + 1) * KEY_WIDTH)]);
    const cuts: PartCuts = [rows, [], {}];
    const open = this.#proveCell({ ...part, cell: { axes, box: this.#boxOf(axes) } }, cuts, 0, 0);
    this.#proof.splits.push([fixed.filter((_, i) => sums[i] > 0 && sums[i] < 18), cuts]);
    return open;
  }

  /** Whether every margin of a part is bounded by the aim's, by quick ways or, where it is the `last` part of its kind, by all. */
  #holds(part: Part, last: boolean): boolean {
    this.#reach.take(this.#query, part);
    const levels: readonly Level[] = last ? ["boxed", "tied"] : ["boxed", "apart"];
    const { margin } = this.#aim;
    return levels.some((level) => this.#bound.least(this.#query, part.group.target, level, margin) >= margin);
  }

  /** Proves a cell, halved where that is needed. @returns What resists */
  #proveCell(part: Part & { cell: Cell }, cuts: PartCuts, number: number, depth: number): OpenRegion | undefined {
    if (this.#holds(part, true)) return undefined;
    const separation = this.#reach.separate();
    if (separation !== undefined) {
      cuts[2][number] = separation;
      return undefined;
    }
    const { group: { step, target }, fixed, cell: { axes, box } } = part;
    const losses = this.#bound.losses();
    let [axis, most] = [-1, 0];
    for (let i = 0; i < KEY_WIDTH; i++) {
      const width = box[2 * i + 1] - box[2 * i];
      const loss = width * losses.reduce((sum, own) => sum + Math.abs(own[i]), 0);
      if (width > NARROWEST && loss > most) [axis, most] = [i, loss];
    }
    const { margin, cuts: mostCuts, until } = this.#aim;
    const { found } = this.#proof;
    const isOver = axis < 0 || this.#proof.cuts >= mostCuts || Date.now() > until;
    // wrong sums are looked for from the middles of the first cells, and where the proof ends
    if (depth < SEARCHED_DEPTH || isOver) found.push(...this.#worst(target));
    if (isOver || found.some((own) => own.margin < margin)) {
      return describePart(step, fixed, this.#bound.least(this.#query, target, "boxed", margin));
    }
    this.#proof.cuts++;
    const at = (box[2 * axis] + box[2 * axis + 1]) / 2;
    cuts[1].push([number, axis, at]);
    const next = cuts[1].length;
    const half = (end: number) => ({ ...part, cell: { axes, box: box.with(2 * axis + end, at) } });
    return this.#proveCell(half(1), cuts, number, depth + 1) ?? this.#proveCell(half(0), cuts, next, depth + 1);
  }

  /** Between what the output of the part at hand lies along each axis. */
  #boxOf(axes: Float64Array): Float64Array {
    const box = new Float64Array(2 * KEY_WIDTH);
    for (let i = 0; i < KEY_WIDTH; i++) {
      const middle = dot(axes, i * KEY_WIDTH, this.#reach.center);
      box[2 * i] = middle + this.#reach.least(axes, i * KEY_WIDTH);
      box[2 * i + 1] = middle - this.#reach.least(axes.map((value) => -value), i * KEY_WIDTH);
    }
    return box;
  }

  /**
   * Inputs of the part at hand with smaller and smaller margins: from its center along the margin's gradient to the input that lies farthest that
   * way, whose own gradient shows the next.
   */
  #worst(target: number): Found[] {
    const { x } = this.#query;
    const o = this.#o;
    o.set(this.#reach.center);
    const found: Found[] = [];
    for (let round = 0; round < DESCENT; round++) {
      this.#after.gradient(x, o, target, this.#gradient);
      const start = dot(this.#gradient, 0, o);
      if (!Number.isFinite(start)) break;
      const digits = this.#reach.worst(this.#gradient, start);
      if (digits === undefined) break;
      outputOf(this.#query, digits, o);
      const margin = this.#after.margin(x, o, target);
      if (!(margin < (found.at(-1)?.margin ?? Infinity))) break;
      found.push({ ...inputOf(digits), margin });
    }
    return found;
  }
}

/** A number's ten digits, ones first. */
function digitsOf(value: number): number[] {
  return Array.from({ length: OPERAND_DIGITS }, (_, place) => Math.floor(value / 10 ** place) % 10);
}

function inputOf({ a, b }: Digits<number[]>): Input {
  const value = (digits: readonly number[]) => digits.reduceRight((total, digit) => 10 * total + digit, 0);
  return { a: value(a), b: value(b) };
}
