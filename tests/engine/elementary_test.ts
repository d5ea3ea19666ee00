/** The elementary functions of assembly/elementary.ts, by themselves, against float64. */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { ARITHMETICS } from "../../src/engine/mod.ts";
import { GELU, gelu, geluBackward } from "../../src/engine/reference/gelu.ts";
import type { Arithmetic } from "../../src/engine/interface/types.ts";
import { instantiate } from "../../src/engine/wasm/core.ts";
import { WASM as EXACT } from "../../src/engine/wasm/exact_module.ts";
import { WASM as FAST } from "../../src/engine/wasm/fast_module.ts";
import { MODELS, variantOf } from "../../src/model/variant.ts";

const POINTS = 40_000;
const FLOAT32_ROUNDING = 2 ** -24;

/** Evenly spaced floats from `first` to `last`. */
function points(first: number, last: number): Float32Array {
  return Float32Array.from({ length: POINTS }, (_, i) => first + (last - first) * i / (POINTS - 1));
}

/** What a function of the module makes of `x`, and what it writes behind that. */
function map(
  arithmetic: Arithmetic,
  name: "mapExp2" | "mapLn" | "mapGelu",
  x: Float32Array,
  model: 763 | 777 = 763,
): { value: Float32Array; second: Float32Array } {
  const length = Math.ceil(x.length / 8) * 8; // the functions take vectors of four, some take two vectors
  const { memory, exports } = instantiate(arithmetic === "fast" ? FAST : EXACT, variantOf(model));
  const at = exports.problemsBase(1);
  new Float32Array(memory.buffer, at, length).fill(1).set(x);
  exports[name](at, length / 4);
  const results = new Float32Array(memory.buffer, at, 2 * length);
  return { value: results.slice(0, x.length), second: results.slice(length, length + x.length) };
}

/** Asserts that the error at every point is at most what is allowed there; the message names the worst point. */
function assertErrors(
  x: Float32Array,
  error: (x: number, i: number) => number,
  allowed: (x: number) => number = () => 1e-6,
): void {
  let worst = { share: 0, x: 0, error: 0 };
  for (const [i, point] of x.entries()) {
    const found = Math.abs(error(point, i));
    const share = found / allowed(point);
    if (!(share <= worst.share)) worst = { share, x: point, error: found };
  }
  assert(worst.share <= 1, `at ${worst.x} the error is ${worst.error}, ${worst.share} times what is allowed`);
}

/** The argument of the exponential in each form of GELU, whose rounding the exponential magnifies. */
const EXPONENTS = {
  763: (u: number) => u * u / 2,
  777: (u: number) => Math.sqrt(8 / Math.PI) * (u + 0.044715 * u ** 3),
};
/** How often the exponent of each form is rounded on its way. */
const ROUNDINGS = { 763: 2, 777: 4 };

for (const arithmetic of ARITHMETICS) {
  Deno.test(`exp2 has a relative error of at most 1e-6 over [-126, 127]: ${arithmetic}`, () => {
    const x = points(-126, 127);
    const { value } = map(arithmetic, "mapExp2", x);
    assertErrors(x, (x, i) => value[i] / 2 ** x - 1);
  });

  Deno.test(`exp2 is exact for whole numbers, and takes what is below -126 for -126: ${arithmetic}`, () => {
    const whole = Float32Array.from({ length: 256 }, (_, i) => Math.max(i - 128, -126));
    assertEquals(map(arithmetic, "mapExp2", whole).value, whole.map((x) => 2 ** x));
    const below = Float32Array.of(-127, -150.5, -1e30, -Infinity);
    assertEquals(map(arithmetic, "mapExp2", below).value, new Float32Array(4).fill(2 ** -126));
  });

  Deno.test(`ln has an error of at most 2e-7 (1 + |ln x|) over all normal floats: ${arithmetic}`, () => {
    const x = points(-126, 127).map((exponent) => 2 ** exponent);
    const { value } = map(arithmetic, "mapLn", x);
    assertErrors(x, (x, i) => value[i] - Math.log(x), (x) => 2e-7 * (1 + Math.abs(Math.log(x))));
    const around1 = points(0.5, 2);
    const near = map(arithmetic, "mapLn", around1).value;
    assertErrors(around1, (x, i) => near[i] - Math.log(x), () => 2e-7);
    assertEquals(map(arithmetic, "mapLn", new Float32Array(4).fill(1)).value, new Float32Array(4));
  });

  for (const model of MODELS) {
    const { gelu: form } = variantOf(model);

    Deno.test(`GELU by ${form} has a relative error of at most 1e-6 for |u| <= 2: ${arithmetic}`, () => {
      const u = points(-2, 2);
      const { value } = map(arithmetic, "mapGelu", u, model);
      assertErrors(u, (u, i) => value[i] / GELU[form].value(u) - 1);
    });

    Deno.test(`GELU by ${form} keeps its relative error in the tails up to roundings of the exponent: ${arithmetic}`, () => {
      const u = points(-8, 8);
      const { value } = map(arithmetic, "mapGelu", u, model);
      const allowed = (u: number) => 1e-6 + ROUNDINGS[model] * FLOAT32_ROUNDING * Math.abs(EXPONENTS[model](u));
      assertErrors(u, (u, i) => value[i] / GELU[form].value(u) - 1, allowed);
    });

    Deno.test(`GELU by ${form} and its derivative equal the reference to 1e-6: ${arithmetic}`, () => {
      const u = points(-12, 12);
      const { value, second } = map(arithmetic, "mapGelu", u, model);
      const wide = Float64Array.from(u);
      const expected = gelu(wide, form);
      const derivative = geluBackward(new Float64Array(u.length).fill(1), wide, form);
      assertErrors(u, (_, i) => value[i] - expected[i], (u) => 1e-6 * Math.max(1, Math.abs(u)));
      assertErrors(u, (_, i) => second[i] - derivative[i]);
    });

    Deno.test(`GELU by ${form} is 0 at 0, 0 far below and the identity far above: ${arithmetic}`, () => {
      const { value, second } = map(arithmetic, "mapGelu", Float32Array.of(0, 0, 30, -30), model);
      assertEquals([...value.slice(0, 3), second[2]], [0, 0, 30, 1]);
      assertAlmostEquals(second[0], 0.5, 2e-7);
      // the exponential ends at 2^-72
      assert(Math.abs(value[3]) < 1e-17 && Math.abs(second[3]) < 1e-17, `${value[3]}, ${second[3]} at -30`);
    });
  }
}
