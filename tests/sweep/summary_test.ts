import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { SweepFileError } from "../../src/sweep/line.ts";
import { toSvg } from "../../src/sweep/plot.ts";
import { summarize, toMarkdown, wilson } from "../../src/sweep/summary.ts";
import { lineOf } from "./lines.ts";

Deno.test("wilson() equals published intervals", () => {
  // Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3
  for (
    const [count, of, low, high] of [[81, 263, 0.2553, 0.3662], [15, 148, 0.0624, 0.1605], [0, 20, 0, 0.1611], [
      1,
      29,
      0.0061,
      0.1718,
    ]]
  ) {
    const interval = wilson(count, of);
    assertAlmostEquals(interval.low, low, 5e-5);
    assertAlmostEquals(interval.high, high, 5e-5);
  }
  assertEquals(wilson(20, 20).high, 1);
});

Deno.test("summarize() counts seeds by the share of sums that are right", () => {
  const errors = [0, 0, 100, 101, 1000, 1001, 10_000, 10_001];
  const lines = errors.map((errors, seed) =>
    lineOf({
      seed,
      errors,
      hardErrors: seed === 1 ? 1 : 0,
      attempts: seed === 2 ? 3 : 1,
      examples: 1000 * (seed + 1),
      seconds: seed,
    })
  );
  const [summary] = summarize(lines);
  assertEquals(summary.seeds, 8);
  assertEquals(summary.noError.count, 2);
  assertEquals(summary.noErrorNorHard.count, 1);
  assertEquals(summary.atLeast9999.count, 3);
  assertEquals(summary.atLeast999.count, 5);
  assertEquals(summary.atLeast99.count, 7);
  assertEquals(summary.restarted, 1);
  assertEquals([summary.medianExamples, summary.meanExamples, summary.maxExamples], [4500, 4500, 8000]);
  assertEquals(summary.medianSeconds, 3.5);
});

Deno.test("summarize() keeps recipes, models and recipes of one name apart", () => {
  const lines = [
    lineOf(),
    lineOf({ model: 777 }),
    lineOf({ recipe: "sure" }),
    lineOf({ recipeHash: "fedcba9876543210" }),
    lineOf({ pairs: 1000 }),
    lineOf({ arithmetic: "fast" }),
    lineOf({ certify: true, certified: true }),
  ];
  assertEquals(summarize(lines).map(({ seeds }) => seeds), [1, 1, 1, 1, 1, 1, 1]);
});

Deno.test("a table and a plot depend on the set of lines alone, not on their order or files", () => {
  const lines = Array.from(
    { length: 12 },
    (_, seed) => lineOf({ seed, model: seed % 2 ? 777 : 763, errors: seed * seed }),
  );
  const shuffled = [...lines.slice(5), ...lines.slice(0, 5), lines[3]];
  assertEquals(toMarkdown(summarize(shuffled)), toMarkdown(summarize(lines)));
  assertEquals(toSvg(shuffled), toSvg(lines));
});

Deno.test("summarize() refuses two results of one run", () => {
  summarize([lineOf({ seconds: 1 }), lineOf({ seconds: 2 })]);
  const error = assertThrows(() => summarize([lineOf(), lineOf({ errors: 3 })]), SweepFileError);
  assertEquals(
    error.message,
    "Cannot summarize as a run must have one result: seed 0 of recipe fast, model 763, has two",
  );
});

Deno.test("toSvg() draws a curve and a label for each recipe and model, and escapes their names", () => {
  const svg = toSvg([lineOf(), lineOf({ model: 777, errors: 20 }), lineOf({ recipe: "a<b&c" })]);
  assertEquals(svg.match(/<path d="M60 350H/g)?.length, 3 + 1); // three curves and the lowest line of the grid
  assert(svg.includes("a&lt;b&amp;c, 763: 1 seeds"));
  assert(!/NaN|undefined/.test(svg));
});

Deno.test("summarize() counts proofs where they were asked for", () => {
  const proved = (seed: number, certified: boolean | null, hardeningRounds: number | null) =>
    lineOf({ seed, certify: true, certified, hardeningRounds });
  const [summary] = summarize([proved(0, true, 0), proved(1, true, 2), proved(2, false, 12), proved(3, null, null)]);
  assertEquals([summary.certified?.count, summary.certified?.of, summary.hardened], [2, 4, 2]);
  assertEquals(summarize([lineOf()])[0].certified, null);
});

Deno.test("toSvg() draws the seconds until a proof where all runs end with one, and runs without it never rise", () => {
  const run = (seed: number, seconds: number, certified = true) =>
    lineOf({ seed, seconds, certify: true, certified, hardeningRounds: 0 });
  const svg = toSvg([run(0, 10), run(1, 1), run(2, 100), run(3, 5, false)]);
  // a decade is a third of the 500 pixels, a run a quarter of the 310
  assert(svg.includes('<path d="M60 350H60V272.5H226.7V195H393.3V117.5H560"'), svg);
  assert(svg.includes("proved within this time"));
});
