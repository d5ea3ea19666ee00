/**
 * What a thread of the prover does: it bounds groups of inputs, and cuts them where their bounds do not suffice. Nothing here depends on when or
 * where it is asked.
 */
import { type DecodingNumbers, DIGITS, KEY_WIDTH, queryTable } from "../engine/wasm/decoding_tables.ts";
import { EQUALS, OPERAND_DIGITS, positionOfA, targetTokens } from "../model/vocabulary.ts";
import { type Cell, type Group, groupsOf, isFinest, type Part, refine, wholeGroup } from "./groups.ts";
import { dot, lossAxes } from "./hull.ts";
import { type Level, MarginBound } from "./margin_bound.ts";
import { PostAttention } from "./post_attention.ts";
import { Query } from "./query.ts";
import { type Digits, DIGITS_OF, outputOf, Reach } from "./reach.ts";
import type { Input, PartCuts } from "./types.ts";

/** A cell is not cut that is narrower than this along each axis. */
const NARROWEST = 1e-4;
/** Cells up to this depth are searched for wrong sums. */
const SEARCHED_DEPTH = 4;
/** Steps from one input to a worse one. */
const DESCENT = 4;
/** What is claimed of a bound: a little less, so that the checker, which accounts for rounding in another way, finds it, too. */
export const CLAIMED = 0.999;

type CellPart = Part & { cell: Cell };

/** An input and its margin in real arithmetic on the module's numbers. */
export type Found = Input & { readonly margin: number };

/** A margin to be proved with at most so many cuts of a group. */
export type Aim = { readonly margin: number; readonly cuts: number };

/** What comes of a group. */
export interface GroupProof {
  /** How its parts are cut, by the tied digits of a. */
  readonly splits: readonly (readonly [digits: readonly number[], PartCuts])[];
  readonly cuts: number;
  /** Inputs with small margins that were met where a bound did not suffice. */
  readonly found: readonly Found[];
  /** Where the margin was not proved: the part that was left, and its bound. */
  readonly open?: { readonly digits: Uint16Array; readonly bound: number };
}

/** A part of a proof. */
export type Task =
  & { readonly step: number }
  & (
    | { readonly kind: "estimate"; readonly token: number }
    | { readonly kind: "search"; readonly token: number; readonly groups: readonly number[] }
    | { readonly kind: "descend"; readonly start: Input }
    | {
      readonly kind: "prove";
      readonly token: number;
      readonly groups: readonly number[];
      readonly aim: Aim;
      /** Milliseconds of Date.now() after which it is given up. */
      readonly until: number;
    }
  );

/** The result of a task by its kind. */
export interface Results {
  /** Of the least margin of each group. */
  estimate: Float64Array;
  /** Inputs with small margins. */
  search: Found[];
  descend: Found;
  /** One entry a group. */
  prove: GroupProof[];
}

/** A part that cannot be proved. */
class Unproved extends Error {
  constructor(readonly part: Part, readonly bound: number) {
    super();
  }
}

/** The prover's machinery for one model. */
export class Prover {
  readonly #numbers: DecodingNumbers;
  readonly #reach = new Reach();
  readonly #bound: MarginBound;
  readonly #after: PostAttention;
  readonly #queries = new Map<number, { query: Query; groups: Group[] }>();
  readonly #o = new Float64Array(KEY_WIDTH);
  readonly #gradient = new Float64Array(KEY_WIDTH);
  // of the group at hand
  #cuts = 0;
  #until = 0;
  #found: Found[] = [];
  #splits: [number[], PartCuts][] = [];

  constructor(numbers: DecodingNumbers) {
    this.#numbers = numbers;
    this.#bound = new MarginBound(numbers, this.#reach);
    this.#after = new PostAttention(numbers);
  }

  run(task: Task): Results[Task["kind"]] {
    const { kind, step } = task;
    if (kind === "estimate") return this.estimate(step, task.token);
    if (kind === "search") return task.groups.flatMap((group) => this.search(step, task.token, group));
    if (kind === "descend") return this.descend(step, task.start);
    return task.groups.map((group) => this.prove(step, task.token, group, task.aim, task.until));
  }

  #of(step: number, token: number): { query: Query; groups: Group[] } {
    const key = 100 * step + token;
    let known = this.#queries.get(key);
    if (known === undefined) {
      known = { query: new Query(step, token, queryTable(this.#numbers, step, token)), groups: groupsOf(step, token) };
      this.#queries.set(key, known);
    }
    return known;
  }

  /** An estimate of the least margin of each group of a step and token: that of its center, less what the gradient may take over the group. */
  estimate(step: number, token: number): Float64Array {
    const { query, groups } = this.#of(step, token);
    return Float64Array.from(groups, (group) => {
      if (!this.#reach.take(query, wholeGroup(group))) return Infinity;
      const margin = this.#after.gradient(query.x, this.#reach.center, group.target, this.#gradient);
      this.#reach.apart(this.#gradient, 0);
      return margin + this.#reach.lo;
    });
  }

  /** Looks for the inputs of a group with the smallest margins. */
  search(step: number, token: number, number: number): Found[] {
    const { query, groups } = this.#of(step, token);
    const part = wholeGroup(groups[number]);
    return this.#reach.take(query, part) ? this.#worst(query, part) : [];
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
    const { query } = this.#of(step, step === 0 ? EQUALS : tokens[step - 1]);
    outputOf(query, digits, this.#o);
    return this.#after.margin(query.x, this.#o, tokens[step]);
  }

  /**
   * Proves that no input of a group has a smaller margin than the aim's.
   *
   * @param until Milliseconds of Date.now() after which it gives up
   */
  prove(step: number, token: number, number: number, { margin, cuts }: Aim, until = Infinity): GroupProof {
    const { query, groups } = this.#of(step, token);
    this.#found = [];
    this.#cuts = cuts;
    this.#until = until;
    this.#splits = [];
    let open: GroupProof["open"];
    try {
      this.#proveCanonically(query, wholeGroup(groups[number]), margin / CLAIMED);
    } catch (error) {
      if (!(error instanceof Unproved)) throw error;
      open = { digits: error.part.digits, bound: error.bound };
    }
    const proof = { splits: open === undefined ? this.#splits : [], cuts: cuts - this.#cuts, found: this.#found };
    return open === undefined ? proof : { ...proof, open };
  }

  /** A group, else with each digit a_i, else with each digit a_(i - 1) as well: what the checker tries by itself. */
  #proveCanonically(query: Query, part: Part, margin: number): void {
    if (Date.now() > this.#until) throw new Unproved(part, -Infinity);
    const last = isFinest(part);
    if (this.#holds(query, part, margin, last)) return;
    for (const own of refine(part)) this.#proveCanonically(query, own, margin);
    if (!last) return;
    const { step, sum, before } = part.group;
    const axes = lossAxes(this.#bound.losses());
    const rows = Array.from({ length: KEY_WIDTH }, (_, i) => [...axes.subarray(i * KEY_WIDTH, (i + 1) * KEY_WIDTH)]);
    const cuts: PartCuts = [rows, [], {}];
    this.#proveCell(query, { ...part, cell: { axes, box: this.#boxOf(axes) } }, margin, cuts, 0, 0);
    const ties = [[step, sum], [step - 1, before]] as const;
    const digits = ties.filter(([, tied]) => tied !== undefined && tied > 0 && tied < 18)
      .map(([place]) => DIGITS_OF[part.digits[positionOfA(place)]][0]);
    this.#splits.push([digits, cuts]);
  }

  /** Whether every margin of a part is bounded by so much, by quick ways or, where it is the `last` part of its kind, by all. */
  #holds(query: Query, part: Part, margin: number, last: boolean): boolean {
    if (!this.#reach.take(query, part)) return true;
    const levels: readonly Level[] = part.cell === undefined && !last ? ["boxed", "apart"] : ["boxed", "tied"];
    return levels.some((level) => this.#bound.least(query, part.group.target, level, margin) >= margin);
  }

  /** Proves a cell, halved where that is needed. @throws {Unproved} */
  #proveCell(query: Query, part: CellPart, margin: number, cuts: PartCuts, number: number, depth: number): void {
    if (this.#holds(query, part, margin, true)) return;
    const separation = this.#reach.separate();
    if (separation !== undefined) {
      cuts[2][number] = separation;
      return;
    }
    const { axes, box } = part.cell;
    const losses = this.#bound.losses();
    let [axis, most] = [-1, 0];
    for (let i = 0; i < KEY_WIDTH; i++) {
      const width = box[2 * i + 1] - box[2 * i];
      const loss = width * losses.reduce((sum, own) => sum + Math.abs(own[i]), 0);
      if (width > NARROWEST && loss > most) [axis, most] = [i, loss];
    }
    const isOver = axis < 0 || this.#cuts === 0 || Date.now() > this.#until;
    // wrong sums are looked for from the middles of the first cells, and where the proof ends
    if (depth < SEARCHED_DEPTH || isOver) this.#found.push(...this.#worst(query, part));
    if (isOver || this.#found.some((found) => found.margin < margin)) {
      throw new Unproved(part, this.#bound.least(query, part.group.target, "boxed", margin));
    }
    this.#cuts--;
    const at = (box[2 * axis] + box[2 * axis + 1]) / 2;
    const [first, second] = [box.slice(), box.slice()];
    first[2 * axis + 1] = second[2 * axis] = at;
    cuts[1].push([number, axis, at]);
    const next = cuts[1].length;
    this.#proveCell(query, { ...part, cell: { axes, box: first } }, margin, cuts, number, depth + 1);
    this.#proveCell(query, { ...part, cell: { axes, box: second } }, margin, cuts, next, depth + 1);
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
  #worst(query: Query, part: Part): Found[] {
    const { target } = part.group;
    const o = this.#o;
    o.set(this.#reach.center);
    const found: Found[] = [];
    for (let round = 0; round < DESCENT; round++) {
      this.#after.gradient(query.x, o, target, this.#gradient);
      const start = dot(this.#gradient, 0, o);
      if (!Number.isFinite(start)) return found;
      const digits = this.#reach.worst(this.#gradient, start);
      if (digits === undefined) return found;
      outputOf(query, digits, o);
      const margin = this.#after.margin(query.x, o, target);
      const best = found.at(-1)?.margin ?? Infinity;
      if (!(margin < best)) return found;
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
