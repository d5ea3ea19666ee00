import type { Engine } from "../engine/interface/types.ts";
import { crossEntropy } from "../engine/reference/softmax.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import type { Operands } from "../model/problem.ts";
import { tensorView, TOKENS, variantOf } from "../model/variant.ts";
import { QUERIES, targetTokens } from "../model/vocabulary.ts";
import type { ProgressEvent } from "./types.ts";

/** Held-out problems of each measurement: about a millisecond of work. */
export const MEASURED_PROBLEMS = 128;

type Measures = Omit<Extract<ProgressEvent, { type: "measures" }>, "type" | "step">;

/** Measures the weights of an engine on held-out problems. They stay as they are. */
export async function measure(engine: Engine, operands: Operands): Promise<Measures> {
  const { total, correct, digitAccuracy } = await evaluate(engine, operands, { maxErrors: 0 });
  const [parameters, variant] = [engine.parameters(), variantOf(engine.model)];
  return {
    ...{ total, correct, digitAccuracy, positionLoss: positionLoss(await engine.logits(operands), operands) },
    weightNorms: Object.fromEntries(
      variant.tensors.map(({ name }) => [name, Math.hypot(...tensorView(parameters, variant, name))]),
    ),
  };
}

/** The mean loss at each of the 12 query positions, in nats. @param logits [n, 12, 14] */
function positionLoss(logits: Float32Array, operands: Operands): number[] {
  const count = operands.length / 2;
  const losses = new Array<number>(QUERIES).fill(0);
  for (let i = 0; i < count; i++) {
    targetTokens(operands[2 * i], operands[2 * i + 1]).forEach((target, query) => {
      const first = (i * QUERIES + query) * TOKENS;
      losses[query] += crossEntropy(logits.subarray(first, first + TOKENS), target) / count;
    });
  }
  return losses;
}
