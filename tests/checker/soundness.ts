/**
 * Looks for a part of which the checker says that all margins are larger than that of an input in it.
 */
import { Layers } from "../../src/checker/margin.ts";
import { readDecodingNumbers } from "../../src/engine/wasm/read_decoding.ts";
import { marginOf } from "./float32.ts";
import { ALL_STEPS, groupOf, partsAround, questionOf, randomNumbers, randomPair, type Weights } from "./models.ts";

/** What was compared. */
export interface Comparison {
  /** Margins that were compared with claims just above them. */
  margins: number;
  /** Parts whose margins the checker proved to be positive. */
  proved: number;
  /** What the checker proved although it is wrong. */
  unsound: string[];
}

/**
 * Asks the checker about parts that hold an input, with claims just above the margin that the module computes for it.
 *
 * @param share Of the parts, chosen at random
 */
export function attack({ name, model, parameters }: Weights, questions: number, seed: number, share = 1): Comparison {
  const comparison: Comparison = { margins: 0, proved: 0, unsound: [] };
  const numbers = readDecodingNumbers(model, parameters);
  if (numbers === null) return comparison; // then no certificate is accepted
  const layers = new Layers(numbers);
  const random = randomNumbers(seed);
  for (let i = 0; i < questions; i++) {
    const [a, b] = randomPair(random);
    const question = questionOf(a, b, ALL_STEPS[Math.floor(ALL_STEPS.length * random())]);
    const margin = marginOf(numbers, question.step, question.tokens, question.target);
    const tooMuch = margin > 0 ? margin * (1 + 2 ** -23) : 1e-37;
    const group = groupOf(numbers, question);
    for (const [kind, part] of partsAround(group, question, random).entries()) {
      if (random() >= share) continue;
      comparison.margins++;
      const isLast = random() < 0.5;
      if (layers.hold(part, tooMuch, isLast)) {
        comparison.unsound.push(`${name}: ${a} + ${b}, step ${question.step}, part ${kind}: ${tooMuch} of ${margin}`);
      }
      if (margin > 0 && layers.hold(part, 1e-37, false)) comparison.proved++;
    }
  }
  return comparison;
}
