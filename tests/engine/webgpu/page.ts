/** What a page computes with WebGPU: the entry of the bundle that Chromium runs, the library's own code. */
import { createEngine } from "../../../src/engine/mod.ts";
import type { AdapterDescription, StepOptions } from "../../../src/engine/interface/types.ts";
import { adderBoardCases } from "../../../src/evaluation/adderboard.ts";
import type { ModelName } from "../../../src/model/variant.ts";
import { sha256 } from "../../../src/common/encoding.ts";
import { shippedCheckpoint } from "../../../src/weights/mod.ts";

/** One set of weights and the batches that it is asked. */
export interface Asked {
  model: ModelName;
  weights: number[];
  hyperparameters: StepOptions & { learningRate: number };
  batches: number[][];
}

/** What came of a batch. */
export interface Answer {
  loss: number;
  gradient: number[];
  logits: number[];
  tokens: number[];
  /** Losses and norms of ten steps. */
  losses: number[];
  gradientNorms: number[];
  /** Weights after the tenth. */
  parameters: number[];
}

/** What the page shows. */
export interface PageEvidence {
  adapter: AdapterDescription;
  /** By set and batch. */
  answers: Answer[][];
  /** SHA-256 of the tokens of the AdderBoard cases. */
  adderBoard: string;
}

async function answersOf({ model, weights, hyperparameters, batches }: Asked): Promise<Answer[]> {
  const engine = await createEngine({ backend: "webgpu", model });
  const answers: Answer[] = [];
  for (const batch of batches) {
    const operands = Float64Array.from(batch);
    engine.setParameters(Float32Array.from(weights));
    const { loss, gradient } = await engine.lossAndGradient(operands);
    const logits = await engine.logits(operands);
    const tokens = await engine.decode(operands);
    const steps = [];
    for (let step = 0; step < 10; step++) steps.push(await engine.trainStep(operands, hyperparameters));
    answers.push({
      ...{ loss, gradient: [...gradient], logits: [...logits], tokens: [...tokens] },
      ...{ losses: steps.map(({ loss }) => loss), gradientNorms: steps.map(({ gradientNorm }) => gradientNorm) },
      parameters: [...engine.parameters()],
    });
  }
  await engine.dispose();
  return answers;
}

/** Answers what is asked at `/asked.json`. */
export async function gpuEvidence(): Promise<PageEvidence> {
  const asked: Asked[] = await (await fetch("/asked.json")).json();
  const answers = [];
  for (const one of asked) answers.push(await answersOf(one));
  const engine = await createEngine({ backend: "webgpu" });
  engine.setParameters(shippedCheckpoint().parameters);
  const adderBoard = await sha256(new Uint8Array(await engine.decode(adderBoardCases())));
  return { adapter: engine.adapter!, answers, adderBoard };
}
