/**
 * How surely a recipe works: trains one model for each of a range of seeds and asks each for sums that no training step saw.
 *
 * ```sh
 * deno run bench/seeds.ts --recipe fast --seeds 1..20
 * ```
 *
 * One JSON line a seed on stdout, a summary at the end.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { createEngine } from "../src/engine/mod.ts";
import { evaluate } from "../src/evaluation/evaluate.ts";
import { hardCases } from "../src/evaluation/hard.ts";
import { type ModelName, MODELS } from "../src/model/variant.ts";
import { train } from "../src/training/train.ts";

/** The seed of the hard cases, and of the uniform ones: no training run uses the evaluation stream. */
const HELD_OUT_SEED = 4_000_000_000;

/** What came of one seed. */
interface Result {
  seed: number;
  /** Held-out uniform pairs asked. */
  total: number;
  /** Of these, added rightly. */
  correct: number;
  /** Wrong sums among 100,000 hard pairs. */
  hardErrors: number;
  examples: number;
  seconds: number;
  restarts: number;
}

/** The value in the middle. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

if (import.meta.main) {
  const args = parseArgs(Deno.args, {
    string: ["recipe", "seeds", "model", "pairs"],
    default: { recipe: "fast", seeds: "1..20", model: "763", pairs: "100000" },
  });
  const [first, last] = args.seeds.split("..").map(Number);
  const model = Number(args.model) as ModelName;
  if (!(first <= last) || !MODELS.includes(model)) {
    console.error(
      `Cannot run as --seeds must be FIRST..LAST and --model one of ${
        MODELS.join(", ")
      }: current values are ${args.seeds}, ${args.model}`,
    );
    Deno.exit(2);
  }
  const engine = await createEngine({ model });
  const results: Result[] = [];
  for (let seed = first; seed <= last; seed++) {
    const { parameters, report } = await train({ recipe: args.recipe, model, seed, finalProblems: 1 });
    engine.setParameters(parameters);
    const uniform = engine.sample({ seed: HELD_OUT_SEED + seed, stream: "evaluation", count: Number(args.pairs) });
    const { total, correct } = await evaluate(engine, uniform);
    const hard = await evaluate(engine, hardCases({ count: 100_000, seed: HELD_OUT_SEED + seed }));
    const { examples, seconds, restarts } = report;
    const result = {
      seed,
      total,
      correct,
      hardErrors: hard.total - hard.correct,
      examples,
      seconds,
      restarts: restarts.length,
    };
    results.push(result);
    console.log(JSON.stringify(result));
  }
  const share = (least: number) => results.filter(({ total, correct }) => correct >= least * total).length;
  console.log(JSON.stringify({
    recipe: args.recipe,
    model,
    seeds: results.length,
    atLeast999: share(0.999),
    atLeast9999: share(0.9999),
    noError: results.filter(({ total, correct, hardErrors }) => total === correct && hardErrors === 0).length,
    medianSeconds: median(results.map(({ seconds }) => seconds)),
    meanExamples: results.reduce((sum, { examples }) => sum + examples, 0) / results.length,
  }));
}
