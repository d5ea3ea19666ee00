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
    17.958019127,
    16.453211401,
    1.444063733,
    -20.563791126,
    17.953235745,
    23.823759764,
    20.563810568,
    -30.34226188,
    -36.236627725,
    23.816662092,
    81.885604582,
    81.850659506,
    71.557779915,
    70.688433375,
    81.807037043,
  ],
  "shipped weights as 777 changed by 2%": [
    -1.30904586,
    -1.388463734,
    -1.876377972,
    -7.126067819,
    -1.309070921,
    -1.272140173,
    -1.327201332,
    -3.719029947,
    -4.71912398,
    -1.27218146,
    0.063763803,
    0.063675184,
    0.024477108,
    0.020285498,
    0.063547361,
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
      // the mean of the second derivative between the two; the third is below 1.1, and below 0.001 beyond 5, which is how far it may be off
      const curved = Math.abs(derivative(x + step) - derivative(x)) / step + (Math.abs(x) > 5 ? 0.001 : 1.1) * step;
      const most = Math.abs(x) >= 5 + step ? 5e-5 : Math.abs(x) >= 2 + step ? 0.12 : 0.8;
      assert(curved <= most, `${curved} at ${x}`);
      assert(value(x) > -0.171);
    }
  });
}
