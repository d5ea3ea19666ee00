/**
 * Models of every kind for the tests of the prover, and inputs that lie in given regions.
 *
 * @module
 */
import { tensorsOf } from "../../src/engine/reference/model.ts";
import { Bounder } from "../../src/certify/bound.ts";
import type { Digits } from "../../src/certify/extremes.ts";
import { Head } from "../../src/certify/head.ts";
import { positionOfA, positionOfB } from "../../src/certify/places.ts";
import { Query } from "../../src/certify/query.ts";
import type { Region } from "../../src/certify/region.ts";
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

/** What the prover works with. */
export function toolsOf({ model, parameters }: CertifyCheckpoint) {
  const variant = variantOf(model);
  const tensors = tensorsOf(Float64Array.from(parameters), variant);
  const head = new Head(tensors, variant);
  const makeQuery = (step: number, token: number) => new Query(tensors, variant, step, token);
  return { variant, tensors, head, bounder: new Bounder(head), makeQuery };
}

/** A number's ten digits, ones first. */
export function digitsOf(value: number): number[] {
  return Array.from({ length: 10 }, (_, place) => Math.floor(value / 10 ** place) % 10);
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

/** Whether an input lies in a region: its digits do, and it is asked for `wanted` after `token`. */
export function liesIn({ step, token, wanted, digits }: Region, input: Digits): boolean {
  const sum = sumDigits(input);
  if (step > 0 && sum[step - 1] !== token) return false;
  if (step < 11 && sum[step] !== wanted) return false;
  for (let place = 0; place < 10; place++) {
    if ((digits[positionOfA(place)] >> input.a[place] & 1) === 0) return false;
    if ((digits[positionOfB(place)] >> input.b[place] & 1) === 0) return false;
    if (place < step - 1 && (digits[22 + place] >> sum[place] & 1) === 0) return false;
  }
  return true;
}

/** A random input of a region of {@linkcode regionsOf}; undefined where a few draws find none. */
export function randomInput(region: Region, random: () => number): Digits | undefined {
  for (let attempt = 0; attempt < 200; attempt++) {
    const chains = random(); // how often a place sums to 9, which carries hang on
    const draw = (position: number) => {
      const allowed = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter((digit) => region.digits[position] >> digit & 1);
      return allowed[Math.floor(random() * allowed.length)];
    };
    const a = [...Array(10).keys()].map((place) => draw(positionOfA(place)));
    const b = [...Array(10).keys()].map((place) => {
      const nine = 9 - a[place];
      return random() < chains && region.digits[positionOfB(place)] >> nine & 1 ? nine : draw(positionOfB(place));
    });
    if (liesIn(region, { a, b })) return { a, b };
  }
}
