/** The bounds of a few parts, to nine digits: whoever changes a count of roundings or a bound of a curve meets a number here. */
import { assert, assertAlmostEquals } from "@std/assert";
import { Layers } from "../../src/checker/margin.ts";
import { GELU } from "../../src/engine/reference/gelu.ts";
import { readDecodingNumbers } from "../../src/engine/wasm/read_decoding.ts";
import { marginOf } from "./float32.ts";
import { groupOf, partsAround, plainWeights, questionOf, randomNumbers } from "./models.ts";

const [A, B] = [8899888990, 1100111009];
const KINDS = ["one input", "a few", "many", "a group", "a cell of one input"];
const BOUNDS: Readonly<Record<string, readonly number[]>> = {
  "shipped weights as 763": [
    17.963994163,
    15.80275769,
    -9.346319408,
    -17.034541096,
    17.959178498,
    23.833790573,
    22.366445755,
    -16.136198453,
    -29.820372462,
    23.826915732,
    82.9451696,
    82.943713697,
    74.904867623,
    74.287996702,
    82.945020305,
  ],
  "shipped weights as 777 changed by 2%": [
    -1.309010933,
    -1.405139842,
    -6.822193019,
    -143.219315591,
    -1.309035909,
    -1.272083982,
    -1.301368215,
    -3.859110664,
    -7.153871323,
    -1.27212426,
    0.066721296,
    0.066716895,
    0.038100595,
    0.034981128,
    0.066720817,
  ],
};

for (const { name, model, parameters } of plainWeights().filter(({ name }) => name in BOUNDS)) {
  Deno.test(`bounds are those that were worked out, and below the module's margin: ${name}`, () => {
    const numbers = readDecodingNumbers(model, parameters)!;
    const layers = new Layers(numbers);
    const found = [1, 6, 11].flatMap((step) => {
      const question = questionOf(A, B, step);
      const margin = marginOf(numbers, step, question.tokens, question.target);
      const parts = partsAround(groupOf(numbers, question), question, randomNumbers(step)).slice(0, KINDS.length);
      return parts.map((part, kind) => {
        let [lo, hi] = [-10_000, 10_000];
        while (hi - lo > 1e-10) {
          const claim = (lo + hi) / 2;
          if (layers.hold(part, claim, kind === 1)) lo = claim;
          else hi = claim;
        }
        assert(lo <= margin, `${KINDS[kind]}: ${lo} is above ${margin}`);
        if (kind === 0) assert(margin - lo < 2, `${lo} is far below ${margin}`);
        return lo;
      });
    });
    found.forEach((bound, i) => assertAlmostEquals(bound, BOUNDS[name][i], 2e-9 * (1 + Math.abs(bound))));
  });
}

for (const form of ["erf", "tanh"] as const) {
  Deno.test(`GELU's second derivative is as small as margin.ts says: ${form}`, () => {
    const { derivative, value } = GELU[form];
    const step = 2 ** -12;
    for (let x = -40; x <= 40; x += step) {
      // the mean of the second derivative between the two; the third is below 1.1, which is how far it may be off
      const curved = Math.abs(derivative(x + step) - derivative(x)) / step + 1.1 * step;
      assert(curved <= 0.8, `${curved} at ${x}`);
      assert(value(x) > -0.171);
    }
  });
}
