/**
 * The search for an input whose margin, as the module computes it, is smaller than a bound of the prover's, in whole groups, canonical parts and cells.
 */
import { assert } from "@std/assert";
import { KEY_WIDTH, queryTable } from "../../src/engine/wasm/decoding_tables.ts";
import { readDecodingNumbers } from "../../src/engine/wasm/read_decoding.ts";
import { lossAxes } from "../../src/certify/hull.ts";
import { groupsOf, type Part, refine, tiedPlace } from "../../src/certify/groups.ts";
import { type Level, MarginBound } from "../../src/certify/margin_bound.ts";
import { layersOf, postAttention } from "../../src/certify/post_attention.ts";
import { Prover } from "../../src/certify/prover.ts";
import { type Query, readQuery } from "../../src/certify/query.ts";
import { type Digits, outputOf, Reach } from "../../src/certify/reach.ts";
import { askingTokens, OPERAND_DIGITS, QUERIES } from "../../src/model/vocabulary.ts";
import { DIGITS_OF_INPUT, drawInputs, operandsOf } from "./draw_inputs.ts";
import { EngineMargins } from "./engine_margins.ts";
import { digitsOf, liesIn, type NamedModel, randomNumbers } from "./models.ts";

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
  const layers = layersOf(numbers);
  const bound = new MarginBound(layers, reach);
  const after = postAttention(layers);
  const prover = new Prover(numbers);
  const engine = new EngineMargins(model);
  const o = new Float64Array(KEY_WIDTH);
  for (let step = 0; step < QUERIES; step++) {
    const tokens = askingTokens(step);
    const queries = tokens.map((token) => readQuery(step, token, queryTable(numbers, step, token)));
    for (let p = 0; p < parts; p++) {
      const query = queries[pick(tokens.length)];
      const groups = groupsOf(step, query.token);
      const number = pick(groups.length);
      let part: Part = { group: groups[number], fixed: [] };
      const some = drawInputs(part, { count: 8, random });
      if (some.length === 0) continue;
      const inhabitant = inputAt(some, 0);
      for (let depth = pick(3); depth > 0; depth--) part = refine(part).find((own) => liesIn(own, inhabitant)) ?? part;
      reach.take(query, part);
      bound.least(query, part.group.target, "tied", Infinity);
      if (random() < 0.4) part = cellAround(part, lossAxes(bound.losses()), outputAt(query, inhabitant, o), random);
      reach.take(query, part);
      const bounds = LEVELS.map((level) => bound.least(query, part.group.target, level, Infinity));
      const least = Math.max(-Infinity, ...bounds.filter((one) => !Number.isNaN(one)));
      const separation = part.cell && reach.separate();
      assert(separation === undefined, `${model.name}: a cell of step ${step} holds an input, but is said not to`);

      const worst = prover.search(step, query.token, [number]).map(({ a, b }) => ({ a: digitsOf(a), b: digitsOf(b) }));
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
          real.push(after.margin(query.x, o, part.group.target));
        }
      }
      search.inputs += real.length;
      const operands = operandsOf(own.subarray(0, real.length * DIGITS_OF_INPUT));
      const ways = [true, false].map((byTables) => engine.margins(operands, step, part.group.target, byTables));
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
        reach.take(query, cellOf(part, input, outputAt(query, input, o)));
        const allowed = real[i] - bound.least(query, part.group.target, "boxed", Infinity);
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
  let sum = 0;
  for (let l = 0; l < KEY_WIDTH; l++) sum += axes[i * KEY_WIDTH + l] * o[l];
  return sum;
}

function liesInCell({ cell }: Part, o: Float64Array): boolean {
  if (cell === undefined) return true;
  return o.every((_, i) => {
    const along = alongAxis(cell.axes, i, o);
    return cell.box[2 * i] <= along && along <= cell.box[2 * i + 1];
  });
}

/** The cell that holds hardly more than one input's output, of a part with all tied digits fixed as that input has them. */
function cellOf({ group }: Part, { a }: Digits, o: Float64Array): Part {
  const box = Float64Array.from({ length: 2 * KEY_WIDTH }, (_, i) => o[i >> 1] + (i % 2 === 0 ? -1e-12 : 1e-12));
  return { group, fixed: group.sums.map((_, i) => a[tiedPlace(group.step, i)]), cell: { axes: lossAxes([]), box } };
}
