/**
 * The search for an input whose margin, as the module computes it, is smaller than a bound of the prover's, in whole groups, canonical parts and cells.
 */
import { assert } from "@std/assert";
import { KEY_WIDTH, queryTable } from "../../src/engine/wasm/decoding_tables.ts";
import { readDecodingNumbers } from "../../src/engine/wasm/read_decoding.ts";
import { dot, lossAxes } from "../../src/certify/hull.ts";
import { type Level, MarginBound } from "../../src/certify/margin_bound.ts";
import { PostAttention, proverLayers } from "../../src/certify/post_attention.ts";
import { Prover } from "../../src/certify/prover.ts";
import { type Digits, outputOf, Reach } from "../../src/certify/reach.ts";
import type { Range } from "../../src/checker/forms.ts";
import { groupsOf, type Part, refine, UNITS } from "../../src/checker/groups.ts";
import { type Query, queryOf } from "../../src/checker/query.ts";
import { askingTokens, digitsOf, OPERAND_DIGITS, QUERIES } from "../../src/model/vocabulary.ts";
import { DIGITS_OF_INPUT, drawInputs, operandsOf } from "./draw_inputs.ts";
import { EngineMargins } from "./engine_margins.ts";
import { liesIn, type NamedModel, randomNumbers } from "./models.ts";

const LEVELS: readonly Level[] = ["boxed", "apart", "tied"];
/** Of each part so many inputs, those whose margins are rounded most, are bounded alone. */
const BOUNDED_ALONE = 3;

/** What was looked at. */
export interface Search {
  /** Inputs whose margins were compared with the bound of a part that holds them. */
  inputs: number;
  /** The largest difference of a margin of the module's from that in real arithmetic on its numbers. */
  largestError: number;
  /** The largest share of such a difference in what the prover allows for that input alone. */
  largestShare: number;
}

/**
 * Compares bounds with the module's margins of random inputs, of those that the prover thinks worst, and of their neighbours.
 *
 * @param parts Parts looked at for each step
 * @param inputs Inputs drawn for each part
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
  const layers = proverLayers(numbers);
  const bound = new MarginBound(layers, reach);
  const after = new PostAttention(layers);
  const prover = new Prover(numbers);
  const engine = new EngineMargins(model);
  const o = new Float64Array(KEY_WIDTH + 1);
  for (let step = 0; step < QUERIES; step++) {
    const tokens = askingTokens(step);
    const queries = tokens.map((token) => queryOf(step, token, queryTable(numbers, step, token)));
    for (let p = 0; p < parts; p++) {
      const query = queries[pick(tokens.length)];
      const groups = groupsOf(query);
      const number = pick(groups.length);
      let part = groups[number];
      const some = drawInputs(part, { count: 8, random });
      if (some.length === 0) continue;
      const inhabitant = inputAt(some, 0);
      for (let depth = pick(3); depth > 0; depth--) part = refine(part).find((own) => liesIn(own, inhabitant)) ?? part;
      reach.take(part);
      bound.least("tied", Infinity);
      if (random() < 0.4) part = cellAround(part, lossAxes(bound.losses()), outputAt(query, inhabitant, o), random);
      reach.take(part);
      const bounds = LEVELS.map((level) => bound.least(level, Infinity));
      const least = Math.max(-Infinity, ...bounds.filter((one) => !Number.isNaN(one)));
      const separation = part.box && reach.separate();
      assert(separation === undefined, `${model.name}: a cell of step ${step} holds an input, but is said not to`);

      const worst = prover.search(step, query.token, [number]).map(({ a, b }) => ({
        a: digitsOf(a, OPERAND_DIGITS),
        b: digitsOf(b, OPERAND_DIGITS),
      }));
      const inside = [inhabitant, ...worst.filter((input) => liesIn(part, input))];
      const near = Uint8Array.from(inside.flatMap(({ a, b }) => [...Array.from(a), ...Array.from(b)]));
      const drawn = drawInputs(part, { count: inputs, random, near });
      const own = new Uint8Array(near.length + drawn.length);
      const real: number[] = [];
      for (const given of [near, drawn]) {
        for (let at = 0; at < given.length; at += DIGITS_OF_INPUT) {
          const input = inputAt(given, at);
          if (!liesInCell(part, outputAt(query, input, o))) continue;
          own.set(given.subarray(at, at + DIGITS_OF_INPUT), real.length * DIGITS_OF_INPUT);
          real.push(after.margin(part, o));
        }
      }
      search.inputs += real.length;
      const operands = operandsOf(own.subarray(0, real.length * DIGITS_OF_INPUT));
      const ways = [true, false].map((byTables) => engine.margins(operands, step, part.target, byTables));
      const errors = real.map((margin, i) => Math.max(...ways.map((margins) => Math.abs(margins[i] - margin))));
      for (const margins of ways) {
        const breach = margins.findIndex((margin) => margin < least);
        const message = () =>
          `${model.name}: at step ${step} ${operands[2 * breach]} + ${operands[2 * breach + 1]} has the margin ${
            margins[breach]
          }, below ${least}`;
        assert(breach < 0, breach < 0 ? "" : message());
      }
      // of an input alone what is bounded is the rounding
      const alone = [...errors.keys()].sort((i, j) => errors[j] - errors[i]).slice(0, BOUNDED_ALONE);
      for (const i of alone) {
        const input = inputAt(own, i * DIGITS_OF_INPUT);
        reach.take(cellOf(part, input, outputAt(query, input, o)));
        const allowed = real[i] - bound.least("boxed", Infinity);
        if (!(allowed < Infinity)) continue;
        assert(errors[i] <= allowed, `${model.name}: at step ${step} float32 is off by ${errors[i]}, above ${allowed}`);
        search.largestError = Math.max(search.largestError, errors[i]);
        search.largestShare = Math.max(search.largestShare, errors[i] / allowed);
      }
    }
  }
  return search;
}

/** The input whose digits start there. */
function inputAt(inputs: Uint8Array, at: number): Digits {
  return {
    a: inputs.subarray(at, at + OPERAND_DIGITS),
    b: inputs.subarray(at + OPERAND_DIGITS, at + DIGITS_OF_INPUT),
  };
}

function outputAt(query: Query, input: Digits, o: Float64Array): Float64Array {
  outputOf(query, input, o);
  return o;
}

/** A random cell that holds an output. */
function cellAround(part: Part, axes: Part["axes"], o: Float64Array, random: () => number): Part {
  const width = 10 ** (-3 * random());
  const box = axes.map((axis): Range => {
    const along = dot(axis, 0, o);
    return [along - width * random() - 1e-9, along + width * random() + 1e-9];
  });
  return { ...part, axes, box };
}

function liesInCell({ axes, box }: Part, o: Float64Array): boolean {
  return box === undefined || box.every(([lo, hi], i) => lo <= dot(axes[i], 0, o) && dot(axes[i], 0, o) <= hi);
}

/** The cell that holds hardly more than one input's output, of a part with all tied digits fixed as that input has them. */
function cellOf(part: Part, { a, b }: Digits, o: Float64Array): Part {
  const pairs = part.pairs.map((own, place) => own.length < 100 ? [{ a: a[place], b: b[place] }] : own);
  return { ...part, pairs, axes: UNITS.slice(), box: UNITS.map((_, l): Range => [o[l] - 1e-12, o[l] + 1e-12]) };
}
