/** What a runtime shows of itself. This is the entry of the bundle that Node and the browser run: the library's own code, no more. */
import { add, addMany, train } from "../../mod.ts";
import { certify } from "../../src/certify/mod.ts";
import { createEngine } from "../../src/engine/mod.ts";
import { lengthsAt } from "../../src/training/run.ts";
import { trainRecipe } from "../../src/training/recipes.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";

/** Plain values, so that a page can send them. */
export interface Evidence {
  /** SHA-256 of the weights after training, in hexadecimal digits. */
  sha256: string;
  /** Loss of these weights on a batch that all threads share. */
  loss: number;
  /** How many threads an engine really has. */
  threads: number;
  /** What the shipped weights say of 42 + 7, and of 1 + 2 and 9999999999 + 1. */
  sums: number[];
}

/** Trains by recipe `fast` from seed 1 with so many threads, and adds. */
export async function evidence(steps: number, threads: number): Promise<Evidence> {
  const { parameters } = await train({ recipe: "fast", seed: 1, steps, threads, finalProblems: 100 });
  return await evidenceOf(parameters, threads);
}

async function evidenceOf(parameters: Float32Array, threads: number): Promise<Evidence> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Float32Array(parameters)));
  const engine = await createEngine({ threads });
  try {
    engine.setParameters(parameters);
    const { loss } = await engine.lossAndGradient(engine.sample({ seed: 1, stream: "evaluation", count: 1024 }));
    return {
      // Node 20 has no Uint8Array.prototype.toHex
      sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""),
      loss,
      threads: engine.threads,
      sums: [add(42, 7), ...addMany([[1, 2], [9999999999, 1]])],
    };
  } finally {
    await engine.dispose();
  }
}

/** The same weights, trained half by one engine and half by another that takes over its state. */
export async function evidenceInPieces(steps: number, threads: number): Promise<Evidence> {
  const [stage] = trainRecipe("fast").stages;
  const engines = await Promise.all([createEngine({ threads }), createEngine({ threads })]);
  engines[0].initialize(1);
  const ends = [...stage.curriculum.map(({ fromStep }) => fromStep), Math.floor(steps / 2), steps];
  let done = 0;
  for (const end of ends.filter((end) => end <= steps).sort((a, b) => a - b)) {
    const engine = engines[done < Math.floor(steps / 2) ? 0 : 1];
    const start = { seed: 1, attempt: 0, firstSample: done, firstStep: done, steps: end - done };
    await engine.trainRun({ ...start, stage, ...lengthsAt(stage, done) });
    done = end;
    if (end !== Math.floor(steps / 2)) continue;
    const state = engine.optimizerState();
    engines[1].setParameters(engine.parameters());
    engines[1].setOptimizerState(state);
  }
  const parameters = engines[1].parameters();
  for (const engine of engines) await engine.dispose();
  return await evidenceOf(parameters, threads);
}

/** What a proof of the shipped weights says. */
export interface Proof {
  certified: boolean;
  worstMargin: number | null;
  /** How many threads it really had. */
  threads: number;
}

/** Proves the shipped weights right on all inputs. */
export async function proof(threads: number): Promise<Proof> {
  const { certified, worstMargin, threads: real } = await certify(shippedCheckpoint(), { seconds: 100, threads });
  return { certified, worstMargin, threads: real };
}
