/**
 * Trains models of many widths by our recipe and by the one that the 777 model was published with: the data of docs/cliff.md, its table and figure.
 *
 * ```sh
 * deno run --quiet --config bench/deno.json --allow-read=docs/data --allow-write=docs/data bench/cliff.ts [--threads N] [--seeds N] [--recipe NAME]
 * deno run --quiet --config bench/deno.json --allow-read=docs/data --allow-write=docs --allow-env bench/cliff.ts --draw
 * deno run --quiet --config bench/deno.json bench/cliff.ts --traps 5x14
 * ```
 *
 * The first appends a line for each run to docs/data/cliff.jsonl, as `sweep` does; runs that have a line are skipped. Most telling shapes come first.
 * `--seeds` limits the seeds of each shape, and `--recipe` names one of those in the plan. `--traps` trains 16 seeds up to the first gate, and says
 * which digits of the sum are then at random.
 */
import * as Plot from "@observablehq/plot";
import { range } from "d3-array";
import { modelFlag, oneOf, wholeNumber } from "../src/cli/flags.ts";
import { type ModelName, parameterCount, variantOf } from "../src/model/variant.ts";
import { readSweep } from "../src/sweep/file.ts";
import { millions, shareText, summarize } from "../src/sweep/summary.ts";
import { planRuns, sweep } from "../src/sweep/sweep.ts";
import { type Recipe, trainRecipe } from "../src/training/recipes.ts";
import { train } from "../src/training/train.ts";
import { runBench, table } from "./measure.ts";
import { COLOURS } from "../src/svg/svg.ts";
import { writePlot } from "./plot_svg.ts";

const FILE = "docs/data/cliff.jsonl";
/** Runs of 763 and 777 by recipe `sure`, with the same tests (docs/recipes.md). */
const SURVEY = "docs/data/survey.jsonl";

/** No recipe was chosen on these seeds, from this one on. */
const FIRST_SEED = 2000;

/** Recipe `jax` with the learning rate that its authors gave most models. */
const jax = trainRecipe("jax");
const JAX_SLOW: Recipe = {
  ...jax,
  name: "jax-lr-0.01",
  description: "recipe jax, learning rate 0.01",
  stages: jax.stages.map((stage) => ({ ...stage, learningRate: 0.01 })),
};

/** Shapes with 64 seeds, then all others, those that matter most first. */
const FOREMOST: readonly ModelName[] = ["6x14", "6x8", "7x5", "5x14"];
const SHAPES = [
  "5x8 5x10 5x6 5x5 5x4 6x14+norm 5x14+norm 5x8+norm 7x7+norm 4x14 4x8",
  "7x10 6x10 6x6 7x7 5x12 7x4 7x3 6x4 5x3 4x10 4x6 4x4 7x2 4x14+norm 5x2 6x2 6x3 4x3 3x14",
].join(" ").split(" ") as ModelName[];
const JAX_SHAPES: readonly ModelName[] = [
  ...[777, "6x14+norm", "7x7+norm", "5x14+norm", "7x10+norm", "6x10+norm", "6x8+norm", "5x8+norm"] as const,
  ...[763, ...FOREMOST, ...SHAPES.filter((shape) => !String(shape).endsWith("+norm"))] as const,
];

const seeds = (from: number, to: number): number[] => range(FIRST_SEED + from, FIRST_SEED + to);

/** All runs, in this order. */
const PLAN = ([
  { recipes: ["sure"], models: FOREMOST, seeds: seeds(0, 64), arithmetic: "exact" },
  { recipes: ["sure"], models: SHAPES, seeds: seeds(0, 16), arithmetic: "exact" },
  // always as many steps, so by the arithmetic that takes two thirds of the time
  { recipes: [jax, JAX_SLOW], models: JAX_SHAPES, seeds: seeds(0, 4), arithmetic: "fast" },
  { recipes: [jax, JAX_SLOW], models: JAX_SHAPES, seeds: seeds(4, 16), arithmetic: "fast" },
] as const).flatMap((part) => planRuns(part));

const HEAD = [
  ...["recipe", "model", "parameters", "seeds", ">= 99%", ">= 99.9%", ">= 99.99%", "no error in 1M"],
  ...["nor in hard pairs", "restarted", "examples, mean", "max"],
];

/** Prints the table, and plots parameters against the share of seeds that add at least 99%, with Wilson intervals. */
async function draw(): Promise<void> {
  const survey = (await readSweep(SURVEY)).filter(({ recipe }) => recipe === "sure");
  // of both arithmetics; the later line of a seed counts
  const runs = (await readSweep(FILE)).map((run) => ({ ...run, arithmetic: "exact" as const }));
  const latest = new Map(runs.map((run) => [`${run.recipe} ${run.model} ${run.seed}`, run]));
  const summaries = summarize([...survey, ...latest.values()])
    .map((one) => ({ ...one, parameters: parameterCount(variantOf(one.model)) }))
    .toSorted((a, b) => b.parameters - a.parameters);
  const rows = summaries.map((one) => [
    ...[`\`${one.recipe}\``, one.model, one.parameters, one.seeds],
    ...[one.atLeast99, one.atLeast999, one.atLeast9999, one.noError, one.noErrorNorHard].map(shareText),
    ...[one.restarted, ...[one.meanExamples, one.maxExamples].map(millions)],
  ]);
  console.log(table(HEAD, rows));
  const recipes = [...new Set(summaries.map(({ recipe }) => recipe))];
  const points = summaries.map((one) => ({
    ...{ ...one, ...one.atLeast99, share: one.atLeast99.count / one.seeds },
    parameters: one.parameters + 1.5 * recipes.indexOf(one.recipe), // side by side where they trained the same shape
  }));
  const [x, y] = ["parameters", "share"];
  await writePlot("docs/cliff.svg", {
    ...{ width: 800, height: 420, marginTop: 45, marginLeft: 50, marginRight: 50, marginBottom: 45 },
    x: { label: "parameters" },
    y: { label: "% of seeds that add at least 99% of pairs correctly", percent: true, domain: [0, 100], grid: true },
    color: { domain: recipes, range: [...COLOURS] },
    marks: [
      Plot.ruleX(points, { x, y1: "low", y2: "high", stroke: "recipe", strokeOpacity: 0.5 }),
      Plot.dot(points, { x, y, fill: "recipe", r: 4 }),
      Plot.text(points, {
        ...{ x, y, text: "model", fill: "recipe", dx: 6, textAnchor: "start", fontSize: 9, rotate: -35 },
      }),
      ...recipes.map((recipe, i) =>
        Plot.text([`recipe ${recipe}`], { frameAnchor: "middle", dy: 16 * i, fill: COLOURS[i], fontSize: 12 })
      ),
    ],
  });
}

/** Prints the loss before the first gate, and the digits of the sum that are right in less than 20% of the pairs, 0 for the ones. */
async function printTraps(model: ModelName): Promise<void> {
  const recipe = { ...trainRecipe("sure", { model }), maxAttempts: 1 };
  const { gate } = recipe.stages[0];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + 16; seed++) {
    let [loss, digits]: [number, number[]] = [NaN, []];
    await train({
      ...{ recipe, model, seed, steps: recipe.stages[0].steps, finalProblems: 10_000 },
      onProgress(event) {
        if (event.type === "step") ({ loss } = event);
        if (event.type === "evaluation") digits = event.digitAccuracy.flatMap((share, i) => share < 0.2 ? [i] : []);
      },
    });
    const verdict = `loss ${loss.toFixed(3)}, ${loss <= (gate?.loss ?? Infinity) ? "passes" : "trapped"}`;
    console.log(`${model}, seed ${seed}: ${verdict}; digits at random: ${digits.join(", ") || "none"}`);
  }
}

await runBench({
  name: "cliff",
  flags: {
    draw: { help: "draw the figure and print the table of the runs in the file" },
    threads: wholeNumber("N", "runs at a time (default: 2)", [1, 64]),
    seeds: wholeNumber("N", "at most this many seeds of each shape", [1, 64]),
    recipe: oneOf(["sure", "jax", JAX_SLOW.name], "the runs of one recipe alone"),
    traps: modelFlag("where 16 seeds of this model are trapped"),
  },
  async run({ flags: { draw: draws, threads = 2, seeds: most = 64, recipe: only, traps } }) {
    if (traps !== undefined) return await printTraps(traps);
    if (draws) return await draw();
    const chosen = PLAN.filter(({ recipe, seed }) => seed < FIRST_SEED + most && (only ?? recipe.name) === recipe.name);
    await sweep(chosen, {
      ...{ out: FILE, threads, pairs: 1_000_000, hard: 100_000 },
      onRun: ({ recipe, model, seed, errors, attempts, seconds }) =>
        console.error(`${recipe}, ${model}, seed ${seed}: ${errors} errors, attempts: ${attempts}, ${seconds} s`),
    });
  },
});
