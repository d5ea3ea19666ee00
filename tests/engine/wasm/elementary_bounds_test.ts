/** A spot check of the recorded bounds of exp2 and GELU; elementary_bounds_long.ts checks every argument. */
import { assert } from "@std/assert";
import { ARITHMETICS } from "../../../src/engine/mod.ts";
import { goldenElementary } from "../../golden.ts";
import { compare, type ElementaryFunction, evaluator, FUNCTIONS } from "./elementary.ts";

/** The arguments with the largest errors, with `exact` and with `fast`, as `deno task test:elementary` prints them. */
const WORST_ARGUMENTS: Readonly<Record<string, number[]>> = {
  "exp2": [-0.49970924854278564, -0.49998992681503296],
  "GELU by erf": [-0.5446376800537109, -3.444505453109741],
  "GELU by tanh": [-2.2870185375213623, -2.1052680015563965],
};
/** Arguments in each binade of each range, about a million in all for the GELUs. */
const IN_BINADE = 2000;
const BINADE = 2 ** 23;

/** Bits of arguments in every binade of the ranges, and of the ends of these. */
function spread({ ranges }: ElementaryFunction): number[] {
  const stride = Math.ceil(BINADE / IN_BINADE) | 1; // odd, so that all low bits occur
  return ranges.flatMap(([first, last]) => [
    ...Array.from({ length: Math.ceil((last - first) / stride) }, (_, i) => first + i * stride),
    last,
  ]);
}

/** The largest error at arguments given by their bits. */
function worstError(f: ElementaryFunction, arithmetic: typeof ARITHMETICS[number], bits: Uint32Array) {
  const chunk = 2 ** 15;
  const worst = { share: 0, x: 0 };
  const evaluate = evaluator(f, arithmetic, chunk);
  for (let from = 0; from < bits.length; from += chunk) {
    const part = bits.slice(from, from + chunk);
    const x = new Float32Array(part.buffer);
    compare(f, x, Float64Array.from(x, f.truth), evaluate(part), worst);
  }
  return worst;
}

Deno.test("2 ** x, the truth of exp2, equals mpmath", async () => {
  for (const { x, exp2 } of await goldenElementary()) {
    if (exp2 !== null) assert(Math.abs(2 ** x / exp2 - 1) <= 1e-15, `at ${x} it is ${2 ** x}, not ${exp2}`);
  }
});

for (const f of FUNCTIONS) {
  const worst = new Uint32Array(Float32Array.from(WORST_ARGUMENTS[f.name]).buffer);

  for (const arithmetic of ARITHMETICS) {
    Deno.test(`${f.name} keeps its recorded bound in every binade: ${arithmetic}`, () => {
      const { share, x } = worstError(f, arithmetic, Uint32Array.from([...spread(f), ...worst]));
      assert(share <= 1, `at ${x} the error is ${share} of the bound`);
    });
  }

  Deno.test(`the recorded bound of ${f.name} is not much too large`, () => {
    // on a machine that does not fuse, the second argument is none of the worst
    const shares = ARITHMETICS.map((arithmetic) => worstError(f, arithmetic, worst).share);
    assert(Math.max(...shares) >= 1 / 1.5, `the errors reach ${shares} of the bound`);
  });
}
