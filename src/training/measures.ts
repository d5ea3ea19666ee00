import type { Engine } from "../engine/interface/types.ts";
import type { Operands } from "../model/problem.ts";
import { tensorView, TOKENS, variantOf } from "../model/variant.ts";
import { EOS, QUERIES, SUM_DIGITS } from "../model/vocabulary.ts";

/** Held-out problems of each measurement: less than a millisecond of work. */
export const MEASURED_PROBLEMS = 128;

/** Measures the weights by one forward pass over the right sums. One loop for all scores: a function for each takes twice as long (measured). */
export async function measure(engine: Engine, operands: Operands) {
  const logits = await engine.logits(operands); // [n, 12, 14], each of a query that sees the right digits before it
  const total = operands.length / 2;
  const positionLoss = new Float64Array(QUERIES);
  const right = new Uint32Array(QUERIES);
  let correct = 0;
  for (let i = 0, first = 0; i < total; i++) {
    let rest = operands[2 * i] + operands[2 * i + 1];
    let rightDigits = 0;
    for (let query = 0; query < QUERIES; query++, first += TOKENS, rest = Math.floor(rest / 10)) {
      const target = first + (query < SUM_DIGITS ? rest % 10 : EOS);
      let best = first;
      for (let at = first + 1; at < first + TOKENS; at++) if (logits[at] > logits[best]) best = at;
      let exponentials = 0;
      for (let at = first; at < first + TOKENS; at++) exponentials += Math.exp(logits[at] - logits[best]);
      positionLoss[query] += (Math.log(exponentials) - (logits[target] - logits[best])) / total;
      if (best !== target) continue;
      right[query]++;
      if (query < SUM_DIGITS) rightDigits++;
    }
    if (rightDigits === SUM_DIGITS) correct++; // so is what greedy decoding writes
  }
  const digitAccuracy = Array.from(right.subarray(0, SUM_DIGITS), (count) => count / total);
  const [parameters, variant] = [engine.parameters(), variantOf(engine.model)];
  const norms = variant.tensors.map(({ name }) => [name, Math.hypot(...tensorView(parameters, variant, name))]);
  return { total, correct, digitAccuracy, positionLoss: [...positionLoss], weightNorms: Object.fromEntries(norms) };
}
