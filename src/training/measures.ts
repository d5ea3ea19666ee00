import type { Engine } from "../engine/interface/types.ts";
import { evaluate } from "../evaluation/evaluate.ts";
import type { Operands } from "../model/problem.ts";
import { tensorView, TOKENS, variantOf } from "../model/variant.ts";
import { EOS, QUERIES, SUM_DIGITS } from "../model/vocabulary.ts";
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

/** The mean cross-entropy at each of the 12 query positions, in nats. @param logits [n, 12, 14] */
function positionLoss(logits: Float32Array, operands: Operands): number[] {
  const count = operands.length / 2;
  const losses = new Array<number>(QUERIES).fill(0);
  for (let i = 0; i < count; i++) {
    let rest = operands[2 * i] + operands[2 * i + 1];
    for (let query = 0; query < QUERIES; query++) {
      const target = query === SUM_DIGITS ? EOS : rest % 10;
      rest = Math.floor(rest / 10);
      const first = (i * QUERIES + query) * TOKENS;
      let largest = -Infinity;
      for (let token = 0; token < TOKENS; token++) largest = Math.max(largest, logits[first + token]);
      let total = 0;
      for (let token = 0; token < TOKENS; token++) total += Math.exp(logits[first + token] - largest);
      losses[query] += (Math.log(total) - (logits[first + target] - largest)) / count;
    }
  }
  return losses;
}
