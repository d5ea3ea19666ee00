/** The derivatives of GELU against differences, and their bounds by interval arithmetic over the whole line. */
import { assert, assertAlmostEquals } from "@std/assert";
import { geluForm } from "../../src/certify/gelu_derivatives.ts";
import { gelu, geluBackward } from "../../src/engine/reference/gelu.ts";
import { randomNumbers } from "./models.ts";

Deno.test("GELU is that of the reference engine", () => {
  for (const form of ["erf", "tanh"] as const) {
    for (let x = -12; x <= 12; x += 0.00917) {
      assertAlmostEquals(geluForm(form).value(x), gelu(Float64Array.of(x), form)[0], 2e-14);
      assertAlmostEquals(geluForm(form).slope(x), geluBackward(Float64Array.of(1), Float64Array.of(x), form)[0], 2e-14);
    }
  }
});

for (const form of ["erf", "tanh"] as const) {
  const own = geluForm(form);

  Deno.test(`the derivatives of GELU with ${form} are those of its values`, () => {
    for (let x = -12; x <= 12; x += 0.0371) {
      const step = 1e-4;
      assertAlmostEquals(own.slope(x), (own.value(x + step) - own.value(x - step)) / (2 * step), 1e-7);
      assertAlmostEquals(own.bend(x), (own.slope(x + step) - own.slope(x - step)) / (2 * step), 1e-7);
    }
  });

  Deno.test(`no derivative of GELU with ${form} leaves its range over an interval`, () => {
    const range = new Float64Array(4);
    const random = randomNumbers(1);
    for (let i = 0; i < 2000; i++) {
      const lo = 20 * (random() - 0.5);
      const hi = lo + 10 ** (2 * random() - 1.5);
      own.range(lo, hi, range);
      for (let j = 0; j <= 50; j++) {
        const x = lo + (hi - lo) * j / 50;
        assert(range[0] - 1e-12 <= own.slope(x) && own.slope(x) <= range[1] + 1e-12, `g' at ${lo} … ${hi}`);
        assert(range[2] - 1e-12 <= own.bend(x) && own.bend(x) <= range[3] + 1e-12, `g'' at ${lo} … ${hi}`);
      }
    }
  });
}

/** Nothing, in float64, for what rounding pays. */
const TINY = 1e-12;

/**
 * g' - 1/2, g'' and g''' of the tanh form are odd, even and odd, so that x >= 0 is enough. On a cell the derivatives of u are polynomials with
 * positive coefficients, so monotone; t rises from 0 to 1 and 1 - t^2 falls. g''' = 3 t''/2 + x t'''/2 with
 * t' = (1 - t^2) u', t'' = (1 - t^2)(u'' - 2 t u'^2), t''' = (1 - t^2)(u''' - 6 t u' u'' + (6 t^2 - 2) u'^3).
 */
Deno.test("the constants that bound GELU with tanh hold on the whole line, and it turns where the checker says", () => {
  const [scale, cubic] = [Math.sqrt(2 / Math.PI), 0.044715];
  const u = (x: number) => scale * (x + cubic * x ** 3);
  const u1 = (x: number) => scale * (1 + 3 * cubic * x * x);
  const u2 = (x: number) => scale * 6 * cubic * x;
  const u3 = scale * 6 * cubic;
  const width = 1 / 4096;
  let [leastSecond, mostSecond, mostThird] = [0, 0, 0];
  for (let x = 0; x < 8; x += width) {
    const end = x + width;
    const [tLo, tHi] = [Math.tanh(u(x)), Math.tanh(u(end))];
    const [sLo, sHi] = [1 - tHi * tHi, 1 - tLo * tLo]; // 1 - t^2
    const product = (lo: number, hi: number) => [Math.min(sLo * lo, sHi * lo), Math.max(sLo * hi, sHi * hi)];
    const second = product(u2(x) - 2 * tHi * u1(end) ** 2, u2(end) - 2 * tLo * u1(x) ** 2);
    const cube = [6 * tLo * tLo - 2, 6 * tHi * tHi - 2].map((factor) => factor * u1(factor < 0 ? end : x) ** 3);
    const cubeHi = (6 * tHi * tHi - 2) * u1(6 * tHi * tHi - 2 < 0 ? x : end) ** 3;
    const third = product(u3 - 6 * tHi * u1(end) * u2(end) + cube[0], u3 - 6 * tLo * u1(x) * u2(x) + cubeHi);
    const scaledBy = ([lo, hi]: number[]) => [Math.min(x * lo, end * lo) / 2, Math.max(x * hi, end * hi) / 2];
    const g2 = [sLo * u1(x) + scaledBy(second)[0], sHi * u1(end) + scaledBy(second)[1]];
    const g3 = [1.5 * second[0] + scaledBy(third)[0], 1.5 * second[1] + scaledBy(third)[1]];
    leastSecond = Math.min(leastSecond, g2[0]);
    mostSecond = Math.max(mostSecond, g2[1]);
    mostThird = Math.max(mostThird, -g3[0], g3[1]);
    if (end <= 1.41) assert(g2[0] > 0, `g' may fall at ${x}`);
    if (x >= 1.43) assert(g2[1] < TINY, `g' may rise at ${x}`);
    if (x > 1.4 && end < 1.44) assert(Math.max(-g2[0], g2[1]) < 0.02, `g' is steep at ${x}`);
  }
  // from x = 8 on 1 - t^2 <= 4 exp(-2u) and u >= 24: all of it is below 1e-15
  assert(leastSecond > -0.13, `g'' reaches ${leastSecond}`);
  assert(mostSecond < 0.81, `g'' reaches ${mostSecond}`);
  assert(mostThird < 0.88, `g''' reaches ${mostThird}`);
});

Deno.test("where GELU turns neither form goes beyond what the checker says", () => {
  const spacing = 1e-6;
  for (const form of ["erf", "tanh"] as const) {
    const { slope } = geluForm(form);
    // g' moves by less than 0.02 times half the spacing between two points, as the test above shows for tanh; for erf the extremes are at
    // the square root of 2
    const extremes = (from: number, to: number) => {
      const values = Array.from({ length: Math.round((to - from) / spacing) + 1 }, (_, i) => slope(from + i * spacing));
      return [
        values.reduce((x, y) => Math.min(x, y)) - 0.01 * spacing,
        values.reduce((x, y) => Math.max(x, y)) + 0.01 * spacing,
      ];
    };
    assert(extremes(1.41, 1.43)[1] < 1.1289932);
    assert(extremes(-1.43, -1.41)[0] > -0.1289932);
  }
});
