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
    17.964157744,
    -197.236748374,
    -673.810992922,
    -685.421159687,
    17.959467271,
    23.834120952,
    -1309.683823294,
    -3293.374746249,
    -3347.114775636,
    23.827448004,
    82.945732638,
    67.087601319,
    63.779985346,
    60.843521137,
    82.945635351,
  ],
  "shipped weights as 777 changed by 2%": [
    -1.30900436,
    -10000000,
    -10000000,
    -10000000,
    -1.309026218,
    -1.272084013,
    -10000000,
    -10000000,
    -10000000,
    -1.272124312,
    0.066722334,
    -0.002185213,
    -0.023613115,
    -0.041385948,
    0.066721974,
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
        let [lo, hi] = [-1e7, 1e7];
        while (hi - lo > 1e-10 * (1 + Math.abs(lo))) {
          const claim = (lo + hi) / 2;
          if (layers.hold(part, claim)) lo = claim;
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
