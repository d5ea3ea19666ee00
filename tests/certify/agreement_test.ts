/** What the prover bounds the checker bounds as well: no certificate is refused that the prover made. */
import { assert, assertGreater } from "@std/assert";
import { queryTable } from "../../src/engine/wasm/decoding_tables.ts";
import { readDecodingNumbers } from "../../src/engine/wasm/read_decoding.ts";
import { lossAxes } from "../../src/certify/hull.ts";
import { groupsOf, type Part, refine, tiedPlace } from "../../src/certify/groups.ts";
import { type Level, MarginBound } from "../../src/certify/margin_bound.ts";
import { CLAIMED } from "../../src/certify/prover.ts";
import { layersOf } from "../../src/certify/post_attention.ts";
import { readQuery } from "../../src/certify/query.ts";
import { Reach } from "../../src/certify/reach.ts";
import { groupsOf as groupsOfChecker, refine as refineOfChecker } from "../../src/checker/check.ts";
import { Attention, MOST_ROUNDS, type Part as PartOfChecker } from "../../src/checker/attention.ts";
import { Layers } from "../../src/checker/margin.ts";
import { queryOf } from "../../src/checker/query.ts";
import { askingTokens } from "../../src/model/vocabulary.ts";
import { quickModels, randomNumbers } from "./models.ts";

const PARTS = 15;
const LEVELS: readonly Level[] = ["boxed", "apart", "tied"];

/** A cell about as large as what the attention's output can be, or much smaller, at a random place in it or beside it. */
function randomCell(reach: Reach, axes: Float64Array, random: () => number): Float64Array {
  const scale = 10 ** (-3 * random());
  return Float64Array.from({ length: 6 }, (_, i) => i).reduce((box, i) => {
    let middle = 0;
    for (let l = 0; l < 6; l++) middle += axes[6 * i + l] * reach.center[l];
    const lo = reach.least(axes, 6 * i);
    const range = -reach.least(axes.map((value) => -value), 6 * i) - lo;
    const width = range * scale * random();
    const at = middle + lo + range * (1.2 * random() - 0.1);
    box.set([at - width, at + width], 2 * i);
    return box;
  }, new Float64Array(12));
}

for (const { name, model, parameters } of quickModels()) {
  Deno.test(`the checker finds each bound of the prover: ${name}`, () => {
    const numbers = readDecodingNumbers(model, parameters);
    if (numbers === null) return;
    const random = randomNumbers(11);
    const pick = (count: number) => Math.floor(random() * count);
    const reach = new Reach();
    const bound = new MarginBound(layersOf(numbers), reach);
    const layers = new Layers(numbers);
    let compared = 0;
    for (let step = 0; step < 12; step++) {
      const tokens = askingTokens(step);
      const token = tokens[pick(tokens.length)];
      const table = queryTable(numbers, step, token);
      const query = readQuery(step, token, table);
      const groups = groupsOf(step, token);
      const groupsOfTheirs = groupsOfChecker(queryOf(step, token, table));
      for (let p = 0; p < PARTS; p++) {
        const number = pick(groups.length);
        let part: Part = { group: groups[number], fixed: [] };
        for (let depth = pick(3); depth > 0; depth--) {
          const parts = refine(part);
          part = parts.length === 0 ? part : parts[pick(parts.length)];
        }
        reach.take(query, part);
        bound.least(query, part.group.target, "tied", Infinity);
        if (random() < 0.7) {
          const axes = lossAxes(bound.losses());
          part = { ...part, cell: { axes, box: randomCell(reach, axes, random) } };
        }
        const { cell } = part;
        reach.take(query, part);
        const bounds = LEVELS.map((level) => bound.least(query, part.group.target, level, Infinity));
        const finite = bounds.filter((one) => one < Infinity);
        const claim = Math.max(...finite, 0.001);
        const holds = LEVELS.some((level) => bound.least(query, part.group.target, level, claim) >= claim);
        const separation = cell && reach.separate();
        if (!holds && separation === undefined) continue;
        const rows = (values: Float64Array, length: number) =>
          Array.from({ length: 6 }, (_, i) => Array.from(values.subarray(length * i, length * (i + 1))));
        const digitAt = new Map(part.fixed.map((digit, i) => [tiedPlace(step, i), digit]));
        const whole = groupsOfTheirs[number];
        const theirs = {
          ...whole,
          pairs: whole.pairs.map((own, place) => own.filter(({ a }) => a === (digitAt.get(place) ?? a))),
          ...(cell && { axes: rows(cell.axes, 6), box: rows(cell.box, 2).map(([lo, hi]) => [lo, hi] as const) }),
        };
        const message = `step ${step}, token ${token}, group ${number}, ${cell ? "a cell" : "a part"}: ${bounds}`;
        const isProved = (part: PartOfChecker): boolean => {
          if (layers.hold(part, claim * CLAIMED)) return true;
          const finer = part.box === undefined ? refineOfChecker(part) : [];
          return finer.length > 0 && finer.every(isProved);
        };
        if (holds) assert(isProved(theirs), message);
        if (separation !== undefined) {
          const attention = new Attention(theirs);
          attention.least(separation, 4 * MOST_ROUNDS);
          assert(attention.isEmpty, message);
        }
        compared++;
      }
    }
    assertGreater(compared, 50);
  });
}
