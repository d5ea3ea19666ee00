/**
 * Models of every kind for the tests of the prover, and inputs that lie in given parts.
 */
import { type Part, positionOfA, positionOfB } from "../../src/certify/groups.ts";
import type { Digits } from "../../src/certify/reach.ts";
import type { CertifyCheckpoint } from "../../src/certify/types.ts";
import { initialParameters } from "../../src/model/initialization.ts";
import { philox4x32 } from "../../src/model/philox.ts";
import { type ModelName, variantOf } from "../../src/model/variant.ts";
import { train } from "../../src/training/train.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { livelyParameters } from "../engine/lively.ts";

/** A model with a name for messages. */
export interface NamedModel extends CertifyCheckpoint {
  name: string;
}

/** Random numbers in [0, 1) from a seed. */
export function randomNumbers(seed: number): () => number {
  let counter = 0;
  let words: Uint32Array = new Uint32Array(0);
  return () => {
    const i = counter++ % 4;
    if (i === 0) words = philox4x32([counter, 0, 0, 0], [seed, 99]);
    return words[i] / 2 ** 32;
  };
}

/** Each weight changed by up to that share of itself. */
export function perturbed(parameters: Float32Array, share: number, seed: number): Float32Array {
  const random = randomNumbers(seed);
  return parameters.map((value) => value * (1 + share * (2 * random() - 1)));
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
  ];
}

/** A number's ten digits, ones first. */
export function digitsOf(value: number): number[] {
  return Array.from({ length: 10 }, (_, place) => Math.floor(value / 10 ** place) % 10);
}

/** The number of ten digits, ones first. */
export function valueOf(digits: readonly number[]): number {
  return digits.reduceRight((total, digit) => 10 * total + digit, 0);
}

/** The digits of a sum, ones first. */
export function sumDigits({ a, b }: Digits): number[] {
  const sum = [];
  let carry = 0;
  for (let place = 0; place < 10; place++) {
    const all = a[place] + b[place] + carry;
    sum.push(all % 10);
    carry = all > 9 ? 1 : 0;
  }
  return [...sum, carry];
}

/** Whether an input lies in a part, whatever its cell is: its digits do, they have the group's sums, and it is asked for the target after the token. */
export function liesIn({ group: { step, token, target, sum, before }, digits }: Part, input: Digits): boolean {
  const right = sumDigits(input);
  if (step > 0 && right[step - 1] !== token) return false;
  if (step < 11 && right[step] !== target) return false;
  if (sum !== undefined && input.a[step] + input.b[step] !== sum) return false;
  if (before !== undefined && input.a[step - 1] + input.b[step - 1] !== before) return false;
  for (let place = 0; place < 10; place++) {
    if ((digits[positionOfA(place)] >> input.a[place] & 1) === 0) return false;
    if ((digits[positionOfB(place)] >> input.b[place] & 1) === 0) return false;
    if (place < step - 1 && (digits[22 + place] >> right[place] & 1) === 0) return false;
  }
  return true;
}

/** A random input of a part without a cell; undefined where a few draws find none. */
export function randomInput(part: Part, random: () => number): Digits | undefined {
  const { step, sum, before } = part.group;
  const tied = new Map([[step, sum], [step - 1, before]]);
  for (let attempt = 0; attempt < 200; attempt++) {
    const chains = random(); // how often a place sums to 9, which carries hang on
    const draw = (position: number) => {
      const allowed = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter((digit) => part.digits[position] >> digit & 1);
      return allowed[Math.floor(random() * allowed.length)];
    };
    const a = [...Array(10).keys()].map((place) => draw(positionOfA(place)));
    const b = [...Array(10).keys()].map((place) => {
      const pair = tied.get(place);
      if (pair !== undefined) return pair - a[place];
      return random() < chains ? 9 - a[place] : draw(positionOfB(place));
    });
    if (b.every((digit) => digit >= 0 && digit <= 9) && liesIn(part, { a, b })) return { a, b };
  }
}
