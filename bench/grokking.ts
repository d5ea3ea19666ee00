/**
 * Runs recipe `paper` over many seeds, and short second phases with one setting changed in each: the data of docs/grokking.md.
 *
 * ```sh
 * deno run --quiet --config bench/deno.json --allow-read --allow-write bench/grokking.ts \
 *   --seeds 1..32 --weights weights --out grokking.jsonl [--second all]
 * ```
 *
 * Appends one line of JSON per run; runs that have a line are skipped. Phase 1 keeps its weights in the folder `--weights`, from which the
 * second phases start. `--second` names a short second phase, or `all` of them, instead of the whole phase 2.
 */
import { oneOf, text } from "../src/cli/flags.ts";
import { continueTraining, train } from "../src/training/train.ts";
import { continueRecipe, type Stage, trainRecipe } from "../src/training/recipes.ts";
import type { TrainResult } from "../src/training/types.ts";
import { runBench } from "./measure.ts";

export interface GrokkingLine {
  /** Phase 1 is `train`, phase 2 is `continue`. */
  phase: 1 | 2;
  /** The second phase: {@linkcode WHOLE} ends at 99% or after 200,000 steps, the others after 10,000 steps; null in a line of phase 1. */
  second: string | null;
  seed: number;
  /** Accuracy during the run, on 10,000 held-out pairs. */
  points: [step: number, exactMatch: number][];
  /** Accuracy on 100,000 pairs at the end of phase 1, or of the best weights of phase 2. */
  after: number;
  seconds: number;
}

/** Phase 2 of recipe `paper`, as it is. */
export const WHOLE = "whole phase 2";

const [PHASE_1] = trainRecipe("paper").stages;
const [PHASE_2] = continueRecipe("paper").stages;

/** Phase 1 continued with its last learning rate, its weight decay and its batch. */
const CONTINUED: Partial<Stage> = {
  learningRate: PHASE_1.learningRate * PHASE_1.floor,
  warmupSteps: 0,
  floor: 1,
  weightDecay: PHASE_1.weightDecay,
  batch: PHASE_1.batch,
};

/** The short second phases, as changes to phase 2. */
export const SHORT_PHASES: Readonly<Record<string, Partial<Stage>>> = {
  "phase 2, unchanged": {},
  "phase 2, no warm-up": { warmupSteps: 0 },
  "phase 2, constant learning rate 0.002": { learningRate: CONTINUED.learningRate, warmupSteps: 0, floor: 1 },
  "phase 2, weight decay 0.1": { weightDecay: CONTINUED.weightDecay },
  "phase 2, batch 128": { batch: CONTINUED.batch },
  "phase 1 continued, unchanged": CONTINUED,
  "phase 1 continued, learning rate of phase 2": { weightDecay: CONTINUED.weightDecay, batch: CONTINUED.batch },
  "phase 1 continued, weight decay 0.01": { ...CONTINUED, weightDecay: PHASE_2.weightDecay },
  "phase 1 continued, batch 256": { ...CONTINUED, batch: PHASE_2.batch },
  "phase 1 continued, learning rate falls to 0": { ...CONTINUED, steps: 10_000, floor: 0 },
};

function secondPhase(seed: number, second: string, from: string): Promise<TrainResult> {
  const paper = continueRecipe("paper");
  if (second === WHOLE) return continueTraining({ recipe: paper, seed, from });
  const evaluation = { ...paper.evaluation, every: 500, stopAt: undefined };
  const recipe = { ...paper, evaluation, stages: [{ ...PHASE_2, ...SHORT_PHASES[second] }] };
  return continueTraining({ recipe, seed, from, steps: 10_000 });
}

/** A run as a text; its line is not written twice. */
const keyOf = ({ second, seed }: Pick<GrokkingLine, "second" | "seed">) => `${second}, seed ${seed}`;

if (import.meta.main) {
  await runBench({
    name: "grokking",
    flags: {
      seeds: text("A..B", "seeds"),
      out: text("FILE.jsonl", "file of the runs"),
      weights: text("DIR", "folder of the weights after phase 1"),
      second: oneOf(["all", WHOLE, ...Object.keys(SHORT_PHASES)], "second phase"),
    },
    async run({ flags: { seeds = "1..32", out = "grokking.jsonl", weights = "weights", second: chosen = WHOLE } }) {
      const [low, high] = seeds.split("..").map(Number);
      const known = await Deno.readTextFile(out).catch(() => "");
      const done = new Set(known.split("\n").slice(0, -1).map((line) => keyOf(JSON.parse(line))));
      await Deno.mkdir(weights, { recursive: true });
      for (let seed = low; seed <= high; seed++) {
        const file = `${weights}/${seed}.safetensors`;
        for (const second of [null, ...(chosen === "all" ? Object.keys(SHORT_PHASES) : [chosen])]) {
          if (done.has(keyOf({ second, seed }))) continue;
          const first = second === null;
          const { checkpoint, report } =
            await (first ? train({ recipe: "paper", seed }) : secondPhase(seed, second, file));
          const { evaluations, exactMatch: after } = report;
          const points = evaluations.map(({ step, total, correct }): [number, number] => [step, correct / total]);
          const seconds = Math.round(report.seconds);
          const line: GrokkingLine = { phase: first ? 1 : 2, second, seed, points, after, seconds };
          if (first) await Deno.writeFile(file, checkpoint);
          await Deno.writeTextFile(out, `${JSON.stringify(line)}\n`, { append: true });
          console.error(`seed ${seed}, ${second ?? "phase 1"}: ${after}, ${seconds} s`);
        }
      }
    },
  });
}
