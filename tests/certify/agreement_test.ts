/** What the prover bounds the checker bounds as well: no certificate is refused that the prover made. */
import { assert, assertGreater } from "@std/assert";
import { queryTable } from "../../src/engine/wasm/decoding_tables.ts";
import { readDecodingNumbers } from "../../src/engine/wasm/read_decoding.ts";
import { dot, lossAxes } from "../../src/certify/hull.ts";
import { type Level, MarginBound } from "../../src/certify/margin_bound.ts";
import { CLAIMED } from "../../src/certify/prover.ts";
import { proverLayers } from "../../src/certify/post_attention.ts";
import { Reach } from "../../src/certify/reach.ts";
import { Attention, MOST_ROUNDS } from "../../src/checker/attention.ts";
import type { Range } from "../../src/checker/forms.ts";
import { groupsOf, type Part, refine } from "../../src/checker/groups.ts";
import { Layers } from "../../src/checker/margin.ts";
import { queryOf } from "../../src/checker/query.ts";
import { askingTokens } from "../../src/model/vocabulary.ts";
import { quickModels, randomNumbers } from "./models.ts";

const PARTS = 15;
const LEVELS: readonly Level[] = ["boxed", "apart", "tied"];

/** A cell about as large as what the attention's output can be, or much smaller, at a random place in it or beside it. */
function randomCell(reach: Reach, axes: Part["axes"], random: () => number): Range[] {
  const scale = 10 ** (-3 * random());
  return axes.map((axis) => {
    const middle = dot(axis, 0, reach.center);
    const lo = reach.least(axis);
    const range = -reach.least(axis.map((value) => -value)) - lo;
    const width = range * scale * random();
    const at = middle + lo + range * (1.2 * random() - 0.1);
    return [at - width, at + width];
  });
}

for (const { name, model, parameters } of quickModels()) {
  Deno.test(`the checker finds each bound of the prover: ${name}`, () => {
    const numbers = readDecodingNumbers(model, parameters);
    if (numbers === null) return;
    const random = randomNumbers(11);
    const pick = (count: number) => Math.floor(random() * count);
    const reach = new Reach();
    const bound = new MarginBound(proverLayers(numbers), reach);
    const layers = new Layers(numbers);
    let compared = 0;
    for (let step = 0; step < 12; step++) {
      const tokens = askingTokens(step);
      const token = tokens[pick(tokens.length)];
      const groups = groupsOf(queryOf(step, token, queryTable(numbers, step, token)));
      for (let p = 0; p < PARTS; p++) {
        let part = groups[pick(groups.length)];
        for (let depth = pick(3); depth > 0; depth--) {
          const parts = refine(part);
          part = parts.length === 0 ? part : parts[pick(parts.length)];
        }
        reach.take(part);
        bound.least("tied", Infinity);
        if (random() < 0.7) {
          const axes = lossAxes(bound.losses());
          part = { ...part, axes, box: randomCell(reach, axes, random) };
        }
        reach.take(part);
        const bounds = LEVELS.map((level) => bound.least(level, Infinity));
        const finite = bounds.filter((one) => one < Infinity);
        const claim = Math.max(...finite, 0.001);
        const holds = LEVELS.some((level) => bound.least(level, claim) >= claim);
        const separation = part.box && reach.separate();
        if (!holds && separation === undefined) continue;
        const message = `step ${step}, part ${part.name}, ${part.box ? "a cell" : "whole"}: ${bounds}`;
        const isProved = (part: Part): boolean => {
          if (layers.hold(part, claim * CLAIMED)) return true;
          const finer = refine(part);
          return finer.length > 0 && finer.every(isProved);
        };
        if (holds) assert(isProved(part), message);
        if (separation !== undefined) {
          const attention = new Attention(part);
          attention.least(separation, 4 * MOST_ROUNDS);
          assert(attention.isEmpty, message);
        }
        compared++;
      }
    }
    assertGreater(compared, 50);
  });
}
