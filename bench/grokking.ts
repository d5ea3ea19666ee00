/**
 * The original's story over many seeds: recipe `paper`, phase 1 and phase 2, with the accuracy on the way; and what explains the jump between them, by
 * changing one thing at a time. One line of JSON a run; a run that has one is not done again. docs/grokking.md tells what came of it.
 *
 * ```sh
 * deno run --allow-read --allow-write bench/grokking.ts --seeds 1..32 --weights weights --out grokking.jsonl               # phase 1 and phase 2
 * deno run … bench/grokking.ts --seeds 1..32 --weights weights --out grokking.jsonl --second all    # short second phases, each with one change
 * deno run … bench/grokking.ts --seeds 1..16 --weights weights --out grokking.jsonl --first "floor 0.01"    # both phases, one change to the first
 * ```
 *
 * `--shard I/N` does a part, in a file of its own. Phase 1 leaves its weights in the folder `--weights`, where the second phases find them.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { continueTraining, train } from "../src/training/train.ts";
import { continueRecipe, type Recipe, type Stage, trainRecipe } from "../src/training/recipes.ts";
import type { EvaluationReport, TrainResult } from "../src/training/types.ts";

/** One run of one phase. */
export interface GrokkingLine {
  /** Phase 1 is `train`, phase 2 is `continue`. */
  phase: 1 | 2;
  /** What was changed in phase 1, or `as it is`. */
  first: string;
  /** What was changed in phase 2: `as it is` runs until 99% or 200,000 steps, all others for 10,000 steps; null in a line of phase 1. */
  second: string | null;
  /** The seed. */
  seed: number;
  /** Accuracy on the way: steps, and the share of 10,000 held-out pairs that was right. */
  points: [step: number, exactMatch: number][];
  /** Accuracy at the end, on 100,000 pairs: for phase 2 that of the best checkpoint. */
  after: number;
  /** Seconds. */
  seconds: number;
}

/** Nothing changed. */
const AS_IT_IS = "as it is";

/** One change to phase 1 each. */
const FIRST: Readonly<Record<string, Partial<Stage>>> = {
  [AS_IT_IS]: {},
  "floor 0.01": { floor: 0.01 },
  "weight decay 0.01": { weightDecay: 0.01 },
  "batch 256": { batch: 256 },
};

const [PHASE_1] = trainRecipe("paper").stages;

/** Phase 1 goes on as it ended: its last learning rate, its weight decay, its batch. */
const GOES_ON: Partial<Stage> = {
  learningRate: PHASE_1.learningRate * PHASE_1.floor,
  warmupSteps: 0,
  floor: 1,
  weightDecay: PHASE_1.weightDecay,
  batch: PHASE_1.batch,
};

/** Steps of a second phase with a change, and between two evaluations of it. */
const SHORT = { steps: 10_000, every: 500 };

/** One change to phase 2 each, and one change each to a phase 1 that goes on. */
const SECOND: Readonly<Record<string, Partial<Stage>>> = {
  "first 10,000 steps": {},
  "no warm-up": { warmupSteps: 0 },
  "learning rate as phase 1 ended": { learningRate: GOES_ON.learningRate, warmupSteps: 0, floor: 1 },
  "weight decay as phase 1": { weightDecay: GOES_ON.weightDecay },
  "batch as phase 1": { batch: GOES_ON.batch },
  "phase 1 goes on": GOES_ON,
  "phase 1 goes on, learning rate of phase 2": { weightDecay: GOES_ON.weightDecay, batch: GOES_ON.batch },
  "phase 1 goes on, weight decay of phase 2": {
    ...GOES_ON,
    weightDecay: continueRecipe("paper").stages[0].weightDecay,
  },
  "phase 1 goes on, batch of phase 2": { ...GOES_ON, batch: continueRecipe("paper").stages[0].batch },
  "phase 1 goes on, learning rate to 0": { ...GOES_ON, steps: SHORT.steps, floor: 0 },
};

function points(evaluations: readonly EvaluationReport[]): [number, number][] {
  return evaluations.map(({ step, total, correct }) => [step, correct / total]);
}

function withChange(recipe: Recipe, change: Partial<Stage>): Recipe {
  return { ...recipe, stages: [{ ...recipe.stages[0], ...change }] };
}

/** Training, and the line of it. */
async function lineOf(run: Promise<TrainResult>, of: Pick<GrokkingLine, "phase" | "first" | "second" | "seed">) {
  const { checkpoint, report } = await run;
  const line: GrokkingLine = {
    ...{ ...of, points: points(report.evaluations) },
    ...{ after: report.exactMatch, seconds: Math.round(report.seconds) },
  };
  return { checkpoint, line };
}

function secondPhase(seed: number, second: string, from: Uint8Array): Promise<TrainResult> {
  const paper = continueRecipe("paper");
  if (second === AS_IT_IS) return continueTraining({ recipe: paper, seed, from });
  const recipe = withChange(paper, SECOND[second]);
  const evaluation = { every: SHORT.every, problems: paper.evaluation.problems };
  return continueTraining({ recipe: { ...recipe, evaluation }, seed, from, steps: SHORT.steps });
}

function insistOn(name: string, known: Readonly<Record<string, unknown>>, flag: string): void {
  if (Object.hasOwn(known, name)) return;
  console.error(`Cannot run as --${flag} must be one of ${Object.keys(known).join("; ")}: current value is ${name}`);
  Deno.exit(2);
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    string: ["seeds", "shard", "out", "weights", "first", "second"],
    default: {
      seeds: "1..32",
      shard: "0/1",
      out: "grokking.jsonl",
      weights: "weights",
      first: AS_IT_IS,
      second: AS_IT_IS,
    },
  });
  const { first, out, weights } = flags;
  insistOn(first, FIRST, "first");
  insistOn(flags.second, { [AS_IT_IS]: {}, all: {}, ...SECOND }, "second");
  const seconds = flags.second === "all" ? Object.keys(SECOND) : [flags.second];
  const [low, high] = flags.seeds.split("..").map(Number);
  const [index, count] = flags.shard.split("/").map(Number);
  const text = await Deno.readTextFile(out).catch(() => "");
  const keyOf = ({ phase, first, second, seed }: Omit<GrokkingLine, "points" | "after" | "seconds">) =>
    JSON.stringify([phase, first, second, seed]);
  const known = new Set(text.split("\n").slice(0, -1).map((line) => keyOf(JSON.parse(line))));
  const run = async (of: Parameters<typeof lineOf>[1], begin: () => Promise<TrainResult>, keepAs?: string) => {
    if (known.has(keyOf(of))) return;
    const { checkpoint, line } = await lineOf(begin(), of);
    if (keepAs !== undefined) await Deno.writeFile(keepAs, checkpoint);
    await Deno.writeTextFile(out, `${JSON.stringify(line)}\n`, { append: true });
    console.error(`seed ${of.seed}, phase ${of.phase}, ${of.second ?? first}: ${line.after}, ${line.seconds} s`);
  };
  await Deno.mkdir(weights, { recursive: true });
  for (let seed = low + index; seed <= high; seed += count) {
    const file = `${weights}/${first.replaceAll(" ", "-")}.${seed}.safetensors`;
    const recipe = withChange(trainRecipe("paper"), FIRST[first]);
    await run({ phase: 1, first, second: null, seed }, () => train({ recipe, seed }), file);
    for (const second of seconds) {
      await run({ phase: 2, first, second, seed }, async () => secondPhase(seed, second, await Deno.readFile(file)));
    }
  }
}
