/**
 * The original's story over many seeds: recipe `paper`, both phases, with the accuracy on the way. One line of JSON a seed; a seed that has one is not
 * done again. About four minutes a seed on one thread.
 *
 * ```sh
 * deno run --allow-read=grokking.jsonl --allow-write=grokking.jsonl bench/grokking.ts --seeds 1..32 --out grokking.jsonl
 * deno run … bench/grokking.ts --seeds 1..32 --shard 0/2 --out grokking.0.jsonl      # one of two processes
 * deno run … bench/grokking.ts --seeds 1..32 --change floor=0.01 --out floor.jsonl   # one change to phase 1
 * ```
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { continueTraining, train } from "../src/training/train.ts";
import { type Recipe, trainRecipe } from "../src/training/recipes.ts";
import type { EvaluationReport } from "../src/training/types.ts";

/** Accuracy at a step: [step, share of 10,000 held-out pairs]. */
type Point = readonly [step: number, exactMatch: number];

/** What one seed did. */
export interface GrokkingLine {
  /** The seed. */
  seed: number;
  /** What was changed in phase 1, or an empty text. */
  change: string;
  /** Phase 1: accuracy every 20,000 steps. */
  phase1: Point[];
  /** After phase 1, on 100,000 pairs. */
  after1: number;
  /** Phase 2: accuracy every 1,000 steps, until 99% or 200,000 steps. */
  phase2: Point[];
  /** After phase 2, on 100,000 pairs. */
  after2: number;
  /** Seconds of both. */
  seconds: number;
}

function points(evaluations: readonly EvaluationReport[]): Point[] {
  return evaluations.map(({ step, total, correct }) => [step, correct / total]);
}

/** Phase 1 with one hyperparameter changed: `floor=0.01`, `weightDecay=0.01`, `batch=256`. */
function changed(change: string): Recipe {
  const recipe = trainRecipe("paper");
  if (change === "") return recipe;
  const [name, value] = change.split("=");
  const [stage] = recipe.stages;
  if (!(name in stage) || !(Number(value) >= 0)) {
    console.error(
      `Cannot run as --change must be NAME=NUMBER of the stage's hyperparameters: current value is ${change}`,
    );
    Deno.exit(2);
  }
  return { ...recipe, name: `paper, ${change}`, stages: [{ ...stage, [name]: Number(value) }] };
}

async function bothPhases(seed: number, change: string): Promise<GrokkingLine> {
  const begin = performance.now();
  const first = await train({ recipe: changed(change), seed });
  const second = await continueTraining({ recipe: "paper", seed, from: first.checkpoint });
  return {
    ...{ seed, change, phase1: points(first.report.evaluations), after1: first.report.exactMatch },
    ...{ phase2: points(second.report.evaluations), after2: second.report.exactMatch },
    seconds: Math.round((performance.now() - begin) / 1000),
  };
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    string: ["seeds", "shard", "out", "change"],
    default: { seeds: "1..32", shard: "0/1", out: "grokking.jsonl", change: "" },
  });
  const [first, last] = flags.seeds.split("..").map(Number);
  const [index, count] = flags.shard.split("/").map(Number);
  const text = await Deno.readTextFile(flags.out).catch(() => "");
  const known = new Set(text.split("\n").slice(0, -1).map((line) => (JSON.parse(line) as GrokkingLine).seed));
  for (let seed = first + index; seed <= last; seed += count) {
    if (known.has(seed)) continue;
    const line = await bothPhases(seed, flags.change);
    await Deno.writeTextFile(flags.out, `${JSON.stringify(line)}\n`, { append: true });
    console.error(
      `seed ${seed}: ${line.after1}, ${line.after2} after ${line.phase2.length},000 steps, ${line.seconds} s`,
    );
  }
}
