/**
 * The search for an input whose margin, as the module computes it, is smaller than a bound of the prover's, in whole groups, canonical parts and cells.
 */
import { assert } from "@std/assert";
import { DIGITS, KEY_WIDTH, queryTable } from "../../src/engine/wasm/decoding_tables.ts";
import { readDecodingNumbers } from "../../src/engine/wasm/read_decoding.ts";
import { lossAxes } from "../../src/certify/axes.ts";
import { groupsOf, type Part, refine, tokensAt, wholeGroup } from "../../src/certify/groups.ts";
import { type Level, MarginBound } from "../../src/certify/margin_bound.ts";
import { PostAttention } from "../../src/certify/post_attention.ts";
import { Prover } from "../../src/certify/prover.ts";
import { Query } from "../../src/certify/query.ts";
import { type Digits, outputOf, Reach } from "../../src/certify/reach.ts";
import { QUERIES } from "../../src/model/vocabulary.ts";
import { EngineMargins } from "./engine_margins.ts";
import { digitsOf, liesIn, type NamedModel, randomInput, randomNumbers, valueOf } from "./models.ts";

const LEVELS: readonly Level[] = ["boxed", "apart", "tiedMargin", "tied"];

/** What was looked at. */
export interface Search {
  /** Margins compared with a bound. */
  inputs: number;
  /** The largest difference of a margin of the module's from that in real arithmetic on its numbers. */
  largestError: number;
  /** The largest share of it in the bound that the prover has for that input alone. */
  largestShare: number;
}

/**
 * Compares bounds with the module's margins of random inputs, of those that the prover thinks worst, and of their neighbours.
 *
 * @param parts Parts looked at for each step
 * @param inputs Inputs looked at for each part
 */
export function searchForBreach(
  model: NamedModel,
  { parts, inputs, seed }: { parts: number; inputs: number; seed: number },
): Search {
  const search: Search = { inputs: 0, largestError: 0, largestShare: 0 };
  const numbers = readDecodingNumbers(model.model, model.parameters);
  if (numbers === null) return search; // nothing is ever proved of it
  const random = randomNumbers(seed);
  const pick = (count: number) => Math.floor(random() * count);
  const reach = new Reach();
  const bound = new MarginBound(numbers, reach);
  const after = new PostAttention(numbers);
  const prover = new Prover(numbers);
  const engine = new EngineMargins(model);
  const o = new Float64Array(KEY_WIDTH);
  for (let step = 0; step < QUERIES; step++) {
    for (let p = 0; p < parts; p++) {
      const tokens = tokensAt(step);
      const token = tokens[pick(tokens.length)];
      const query = new Query(step, token, queryTable(numbers, step, token));
      const groups = groupsOf(step, token);
      const number = pick(groups.length);
      let part: Part = wholeGroup(groups[number]);
      const inhabitant = randomInput(part, random);
      if (inhabitant === undefined) continue;
      for (let depth = pick(3); depth > 0; depth--) part = refine(part).find((own) => liesIn(own, inhabitant)) ?? part;
      reach.take(query, part);
      bound.least(query, part, "tied", Infinity);
      if (random() < 0.4) part = cellAround(part, lossAxes(bound.losses()), outputAt(query, inhabitant, o), random);
      assert(reach.take(query, part), `${model.name}: a part of step ${step} holds an input, but is said not to`);
      const levels = part.cell === undefined ? LEVELS : LEVELS.slice(0, 3);
      const bounds = levels.map((level) => bound.least(query, part, level, Infinity)).filter((least) =>
        !Number.isNaN(least)
      );
      const least = Math.max(-Infinity, ...bounds);
      const separation = part.cell && reach.separate();
      assert(separation === undefined, `${model.name}: a cell of step ${step} holds an input, but is said not to`);

      const inside = (input: Digits) => liesIn(part, input) && liesInCell(part, outputAt(query, input, o));
      const worst = prover.search(step, token, number).map(({ a, b }) => ({ a: digitsOf(a), b: digitsOf(b) }));
      const chosen = [inhabitant, ...worst, ...neighbours(worst.at(-1) ?? inhabitant, random, inputs >> 1)];
      while (chosen.length < inputs) chosen.push(randomInput(part, random) ?? neighbours(inhabitant, random, 1)[0]);
      const own = chosen.filter(inside);
      const operands = Float64Array.from(own.flatMap(({ a, b }) => [valueOf(a), valueOf(b)]));
      const margins = engine.margins(operands, step);
      search.inputs += own.length;
      margins.forEach((margin, i) => {
        assert(
          !(margin < least),
          `${model.name}: at step ${step} ${operands[2 * i]} + ${
            operands[2 * i + 1]
          } has the margin ${margin}, below ${least}`,
        );
        if (i > 8) return;
        // the input alone: what is bounded is then the rounding
        const real = after.margin(query.x, outputAt(query, own[i], o), part.group.target);
        const alone = alonePart(part, own[i]);
        reach.take(query, alone);
        const error = Math.abs(margin - real);
        const lowest = bound.least(query, alone, "apart", Infinity);
        assert(
          !(margin < lowest),
          `${model.name}: at step ${step} the bound of one input alone is ${lowest}: ${margin}`,
        );
        if (!(lowest > -Infinity)) return;
        search.largestError = Math.max(search.largestError, error);
        search.largestShare = Math.max(search.largestShare, (real - margin) / (real - lowest));
      });
    }
  }
  return search;
}

function outputAt(query: Query, input: Digits, o: Float64Array): Float64Array {
  outputOf(query, input, o);
  return o;
}

/** A random cell that holds an output. */
function cellAround(part: Part, axes: Float64Array, o: Float64Array, random: () => number): Part {
  const width = 10 ** (-3 * random());
  const box = new Float64Array(2 * KEY_WIDTH);
  for (let i = 0; i < KEY_WIDTH; i++) {
    const along = alongAxis(axes, i, o);
    box[2 * i] = along - width * random() - 1e-9;
    box[2 * i + 1] = along + width * random() + 1e-9;
  }
  return { ...part, cell: { axes, box } };
}

function alongAxis(axes: Float64Array, i: number, o: Float64Array): number {
  return o.reduce((sum, value, l) => sum + axes[i * KEY_WIDTH + l] * value, 0);
}

function liesInCell({ cell }: Part, o: Float64Array): boolean {
  if (cell === undefined) return true;
  return o.every((_, i) => {
    const along = alongAxis(cell.axes, i, o);
    return cell.box[2 * i] <= along && along <= cell.box[2 * i + 1];
  });
}

/** The part that holds one input alone. */
function alonePart({ group, digits }: Part, { a, b }: Digits): Part {
  const own = digits.slice();
  let carry = 0;
  for (let place = 0; place < 10; place++) {
    own[9 - place] = 1 << a[place];
    own[20 - place] = 1 << b[place];
    const all = a[place] + b[place] + carry;
    carry = all > 9 ? 1 : 0;
    if (place < group.step - 1) own[22 + place] = 1 << all % DIGITS;
  }
  return { group, digits: own };
}

/** Inputs that differ from one in a digit or two. */
function neighbours({ a, b }: Digits, random: () => number, count: number): Digits[] {
  return Array.from({ length: count }, () => {
    const next = { a: [...a], b: [...b] };
    for (let change = 0; change < 2; change++) {
      const place = Math.floor(random() * 10);
      next.a[place] = Math.floor(random() * 10);
      next.b[place] = random() < 0.5 ? a[place] + b[place] - next.a[place] : Math.floor(random() * 10);
      if (next.b[place] < 0 || next.b[place] > 9) next.b[place] = b[place];
    }
    return next;
  });
}
