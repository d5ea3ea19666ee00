/**
 * Trains models of many widths by our recipe and by the one that the 777 model was published with: the data of docs/cliff.md, its table and figure.
 *
 * ```sh
 * deno run --quiet --config bench/deno.json --allow-read=docs/data --allow-write=docs/data bench/cliff.ts [--threads N] [--seeds N] [--recipe NAME]
 * deno run --quiet --config bench/deno.json --allow-read=docs/data --allow-write=docs --allow-env bench/cliff.ts --draw
 * deno run --quiet --config bench/deno.json bench/cliff.ts --traps 5x14
 * ```
 *
 * The first appends a line for each run to docs/data/cliff.jsonl, as `sweep` does, then for each run with a proof to docs/data/cliff_proved.jsonl; runs
 * that have a line are skipped. Most telling shapes come first.
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
/** Runs by recipe `sure` that end with hardening and proof, as `train` does on the command line; the second has those of 763 and 777. */
const PROVED = ["docs/data/cliff_proved.jsonl", "docs/data/proved.jsonl"];

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

/** Shapes with 64 seeds, those with 16, and the narrowest, of which few learn; within each those that matter most first. */
const FOREMOST: readonly ModelName[] = ["6x14", "6x8", "7x5", "5x14"];
const NARROW = [
  "5x8 5x10 5x6 5x5 5x4 6x14+norm 5x14+norm 5x8+norm 7x7+norm 4x14 4x8",
  "7x10+norm 6x10+norm 6x8+norm 7x10 6x10 6x6 7x7 5x12 7x4 7x3 6x4 5x3",
].join(" ").split(" ") as ModelName[];
const NARROWEST = "4x10 4x6 4x4 7x2 4x14+norm 5x2 6x2 6x3 4x3 3x14".split(" ") as ModelName[];
const ALL = [777, 763, ...FOREMOST, ...NARROW] as const;

const seeds = (from: number, to: number): number[] => range(FIRST_SEED + from, FIRST_SEED + to);

/** All runs without a proof, in this order. */
const PLAN = ([
  { recipes: ["sure"], models: [...FOREMOST, 777, 763], seeds: seeds(0, 64), arithmetic: "exact" },
  { recipes: ["sure"], models: [...NARROW, ...NARROWEST], seeds: seeds(0, 16), arithmetic: "exact" },
  // always as many steps, so nearly all by the faster arithmetic
  { recipes: [jax], models: ALL, seeds: seeds(0, 1), arithmetic: "exact" },
  { recipes: [jax], models: ALL, seeds: seeds(1, 16), arithmetic: "fast" },
  { recipes: [JAX_SLOW], models: ALL, seeds: seeds(0, 16), arithmetic: "fast" },
] as const).flatMap((part) => planRuns(part));

/** All runs with a proof. */
const PROOFS = ([
  { recipes: ["sure"], models: ["6x8"], seeds: seeds(0, 64), arithmetic: "exact" },
  { recipes: ["sure"], models: [...FOREMOST, ...NARROW], seeds: seeds(0, 16), arithmetic: "exact" },
  { recipes: ["sure"], models: ["4x6", "4x4", "4x3", "4x2", "3x14"], seeds: seeds(0, 4), arithmetic: "exact" },
] as const).flatMap((part) => planRuns(part));

/** Summaries of the runs of more than one seed, those with most parameters first; of runs in both arithmetics the later line counts. */
async function summaries(files: readonly string[]) {
  const runs = (await Promise.all(files.map(readSweep))).flat();
  const latest = new Map(runs.map((run) => [`${run.recipe} ${run.model} ${run.seed}`, run]));
  return summarize([...latest.values()].map((run) => ({ ...run, arithmetic: "exact" as const })))
    .filter(({ seeds }) => seeds > 1)
    .map((one) => ({ ...one, parameters: parameterCount(variantOf(one.model)) }))
    .toSorted((a, b) => b.parameters - a.parameters);
}

/** Prints the tables, and plots parameters against shares of seeds, with Wilson intervals. */
async function draw(): Promise<void> {
  const [all, proofs] = [await summaries([FILE]), await summaries(PROVED)];
  const [sure, published, slow] = ["sure", jax.name, JAX_SLOW.name].map((name) =>
    all.filter((one) => one.recipe === name)
  );
  const shares = ({ seeds, ...one }: typeof all[number]) => {
    return [seeds, ...[one.atLeast99, one.atLeast999, one.atLeast9999, one.noError].map(shareText)];
  };
  const columns = ["seeds", ">= 99%", ">= 99.9%", ">= 99.99%", "no error in 1M"];
  const proofOf = new Map(proofs.map(({ model, certified }) => [model, certified!]));
  console.log(table(
    [
      ...["model", "parameters", ...columns, "nor in hard pairs", "proved right", "of"],
      ...["restarted", "examples, mean", "max"],
    ],
    sure.map((one) => {
      const proof = proofOf.get(one.model);
      return [
        ...[one.model, one.parameters, ...shares(one), shareText(one.noErrorNorHard), proof ? shareText(proof) : ""],
        ...[proof?.of ?? "", one.restarted, ...[one.meanExamples, one.maxExamples].map(millions)],
      ];
    }),
  ));
  const slowOf = new Map(slow.map((one) => [one.model, shares(one)]));
  console.log();
  console.log(table(
    ["model", "parameters", ...[0.02, 0.01].flatMap((rate) => [`rate ${rate}: seeds`, ...columns.slice(1)])],
    published.map((one) => [one.model, one.parameters, ...shares(one), ...slowOf.get(one.model) ?? []]),
  ));
  const series = [
    { name: "sure: at least 99%", points: sure },
    { name: "sure: proved right", points: proofs.map((one) => ({ ...one, atLeast99: one.certified! })) },
    { name: "jax, learning rate 0.02: at least 99%", points: published },
    { name: "jax, learning rate 0.01: at least 99%", points: slow },
  ];
  const points = series.flatMap(({ name, points }, i) =>
    points.map(({ model, parameters, atLeast99: { count, of, low, high } }) => ({
      ...{ name, model, low, high, share: count / of, label: i === 0 ? model : "" },
      parameters: parameters + 1.5 * i, // side by side where they trained the same shape
    }))
  );
  const [x, y, stroke] = ["parameters", "share", "name"];
  await writePlot("docs/cliff.svg", {
    ...{ width: 900, height: 460, marginTop: 60, marginLeft: 50, marginRight: 50, marginBottom: 45 },
    x: { label: "parameters" },
    y: { label: "% of seeds", percent: true, domain: [0, 100], grid: true },
    color: { domain: series.map(({ name }) => name), range: [...COLOURS] },
    marks: [
      Plot.ruleX(points, { x, y1: "low", y2: "high", stroke, strokeOpacity: 0.4 }),
      Plot.dot(points, { x, y, fill: stroke, r: 3.5 }),
      Plot.text(points, { ...{ x, y, text: "label", dx: 6, dy: -6, textAnchor: "start", fontSize: 9, rotate: -45 } }),
      ...series.map(({ name }, i) =>
        Plot.text([name], { ...{ frameAnchor: "middle", dx: 250, dy: 18 * i - 62 }, fill: COLOURS[i], fontSize: 12 })
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
    for (const [plan, out] of [[PLAN, FILE], [PROOFS, PROVED[0]]] as const) {
      const chosen = plan.filter(({ recipe: { name }, seed }) => seed < FIRST_SEED + most && (only ?? name) === name);
      await sweep(chosen, {
        ...{ out, threads, pairs: 1_000_000, hard: 100_000, certify: plan === PROOFS },
        onRun: ({ recipe, model, seed, errors, attempts, seconds }) =>
          console.error(`${recipe}, ${model}, seed ${seed}: ${errors} errors, attempts: ${attempts}, ${seconds} s`),
      });
    }
  },
});
