/**
 * Models of every kind for the tests of the prover, and whether an input lies in a part.
 */
import type { Part } from "../../src/checker/groups.ts";
import type { Digits } from "../../src/certify/reach.ts";
import type { CertifyCheckpoint } from "../../src/certify/types.ts";
import { initialParameters } from "../../src/model/initialization.ts";
import { type ModelName, tensorView, variantOf } from "../../src/model/variant.ts";
import { train } from "../../src/training/train.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { livelyParameters } from "../engine/lively.ts";

/** A model with a name for messages. */
export interface NamedModel extends CertifyCheckpoint {
  name: string;
}

/** Random numbers in [0, 1) from a seed, fast: xorshift32, Marsaglia 2003, "Xorshift RNGs". */
export function randomNumbers(seed: number): () => number {
  let x = Math.imul(seed + 1, 0x9E3779B1) || 1;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

/** Each weight changed by up to that share of itself. */
export function perturbed(parameters: Float32Array, share: number, seed: number): Float32Array {
  const random = randomNumbers(seed);
  return parameters.map((value) => value * (1 + share * (2 * random() - 1)));
}

/** The same function by other numbers: the second norm scaled, and what follows it scaled back. */
export function rescaled(model: ModelName, parameters: Float32Array, factor: number): Float32Array {
  const values = parameters.slice();
  for (const [name, by] of [["ln2.weight", factor], ["ln2.bias", factor], ["ffn.w1.weight", 1 / factor]] as const) {
    const view = tensorView(values, variantOf(model), `blocks.0.${name}`);
    view.forEach((value, i) => view[i] = value * by);
  }
  return values;
}

/** Weights of a recipe's first steps. */
export async function trained(steps: number, seed: number, model: ModelName): Promise<NamedModel> {
  const { parameters } = await train({ recipe: "fast", steps, seed, model, evalEvery: 0, finalProblems: 1 });
  return { name: `${model} after ${steps} steps from seed ${seed}`, model, parameters };
}

/** Shipped, perturbed, untrained and lively weights: nothing that takes time to make. */
export function quickModels(): NamedModel[] {
  const { model, parameters } = shippedCheckpoint();
  return [
    { name: "the shipped weights", model, parameters },
    { name: "shipped weights changed by 2%", model, parameters: perturbed(parameters, 0.02, 1) },
    { name: "shipped weights changed by 30%", model, parameters: perturbed(parameters, 0.3, 2) },
    { name: "untrained weights", model, parameters: initialParameters(variantOf(model), 3) },
    { name: "lively weights", model, parameters: livelyParameters(763) },
    { name: "lively weights of 777", model: 777, parameters: livelyParameters(777) },
    { name: "lively weights of 5x10", model: "5x10", parameters: livelyParameters("5x10") },
  ];
}

/** The digits of a sum, ones first. */
function sumDigits({ a, b }: Digits): number[] {
  const sum = [];
  let carry = 0;
  for (let place = 0; place < 10; place++) {
    const all = a[place] + b[place] + carry;
    sum.push(all % 10);
    carry = all > 9 ? 1 : 0;
  }
  return [...sum, carry];
}

/** Whether an input lies in a part, whatever its cell is: it has one of the part's pairs at each place, and is asked for the target after the token. */
export function liesIn({ query: { step, token }, target, pairs }: Part, input: Digits): boolean {
  const right = sumDigits(input);
  if (step > 0 && right[step - 1] !== token) return false;
  if (step < 11 && right[step] !== target) return false;
  return pairs.every((own, place) => own.some(({ a, b }) => a === input.a[place] && b === input.b[place]));
}
