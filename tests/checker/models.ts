/**
 * Weights for tests of the checker, honest and hostile, and parts of the inputs that hold a given pair.
 */
import { type DecodingNumbers, KEY_WIDTH, queryTable, ROW, rowOf } from "../../src/engine/wasm/decoding_tables.ts";
import { dot } from "../../src/checker/attention.ts";
import { groupsOf, type Pair, type Part } from "../../src/checker/groups.ts";
import { PLUS_ROW, queryOf } from "../../src/checker/query.ts";
import { initialParameters } from "../../src/model/initialization.ts";
import { philox4x32 } from "../../src/model/philox.ts";
import { type ModelName, variantOf } from "../../src/model/variant.ts";
import {
  FIRST_QUERY,
  OPERAND_DIGITS,
  positionOfA,
  positionOfB,
  promptTokens,
  QUERIES,
  targetTokens,
} from "../../src/model/vocabulary.ts";
import { shippedCheckpoint } from "../../src/weights/mod.ts";
import { livelyParameters } from "../engine/lively.ts";

export interface Weights {
  name: string;
  model: ModelName;
  parameters: Float32Array;
}

/** Random numbers in [0, 1) from a seed. */
export function randomNumbers(seed: number): () => number {
  let counter = 0;
  let words: Uint32Array = new Uint32Array(0);
  return () => {
    const i = counter++ % 4;
    if (i === 0) words = philox4x32([counter, 0, 0, 0], [seed, 77]);
    return words[i] / 2 ** 32;
  };
}

/** Where each tensor begins in the flat vector. */
const AT = { tokens: 0, places: 98, norm1: 343, qkv: 357, projection: 504, norm2: 553, w1: 567, w2: 665, normF: 763 };

function shippedAs(model: 763 | 777): Float32Array {
  const { parameters } = shippedCheckpoint();
  const values = new Float32Array(model);
  values.set(parameters);
  if (model === 777) values.fill(1, AT.normF, AT.normF + 7);
  return values;
}

/** Weights that nothing is wrong with. */
export function plainWeights(): Weights[] {
  const models = [763, 777] as const;
  const changed = (model: 763 | 777, share: number) => {
    const random = randomNumbers(model);
    return shippedAs(model).map((value) => value * (1 + share * (2 * random() - 1)));
  };
  return models.flatMap((model) => [
    { name: `shipped weights as ${model}`, model, parameters: shippedAs(model) },
    { name: `shipped weights as ${model} changed by 2%`, model, parameters: changed(model, 0.02) },
    { name: `shipped weights as ${model} changed by 30%`, model, parameters: changed(model, 0.3) },
    { name: `untrained weights of ${model}`, model, parameters: initialParameters(variantOf(model), 3) },
    { name: `lively weights of ${model}`, model, parameters: livelyParameters(model) },
  ]);
}

type Change = (parameters: Float32Array, random: () => number) => void;

/** Multiplies weights, so many from one on. */
function scale(parameters: Float32Array, from: number, count: number, factor: number) {
  for (let i = from; i < Math.min(from + count, parameters.length); i++) parameters[i] *= factor;
}

const power = (random: () => number, lowest: number, highest: number) => 10 ** (lowest + (highest - lowest) * random());

const HOSTILE: Readonly<Record<string, Change>> = {
  "a dead unit with a huge row": (p, random) => {
    const unit = Math.floor(14 * random());
    for (let i = 0; i < 7; i++) {
      p[AT.w1 + 7 * unit + i] = 2000 * (random() - 0.5);
      p[AT.w2 + 14 * i + unit] = 0;
    }
  },
  "a unit in GELU's tail with huge output weights": (p, random) => {
    const unit = Math.floor(14 * random());
    scale(p, AT.w1 + 7 * unit, 7, power(random, 0, 1.5));
    for (let i = 0; i < 7; i++) p[AT.w2 + 14 * i + unit] = 2000 * (random() - 0.5);
  },
  "two huge units that cancel": (p, random) => {
    const factor = power(random, 0, 2.5);
    for (let i = 0; i < 7; i++) {
      p[AT.w1 + 7 + i] = p[AT.w1 + i];
      p[AT.w2 + 14 * i] = factor * (random() - 0.5);
      p[AT.w2 + 14 * i + 1] = -p[AT.w2 + 14 * i];
    }
  },
  "scaled layers": (p, random) => {
    const factor = power(random, -3, 3);
    scale(p, AT.norm2, 14, factor);
    scale(p, AT.w1, 98, 1 / factor);
    scale(p, AT.w2, 98, power(random, -1, 1));
  },
  "denormal weights": (p, random) => {
    const [from, factor] = [Math.floor(763 * random()), power(random, -45, -30)];
    scale(p, from, Math.floor(100 * random()), factor);
  },
  "huge keys": (p, random) => {
    scale(p, AT.qkv, 98, power(random, 0, 1.2));
    scale(p, AT.norm1, 14, power(random, 0, 1));
  },
  "tiny embeddings": (p, random) => scale(p, AT.tokens, 343, power(random, -8, 0)),
  "huge embeddings": (p, random) => scale(p, AT.tokens, 343, power(random, 0, 2.3)),
  "a projection that drowns the residual": (p, random) => scale(p, AT.projection, 49, power(random, -4, 3)),
  "weights of all sizes": (p, random) => {
    for (let i = 0; i < p.length; i++) p[i] *= power(random, -1, 1);
  },
  "weights changed a little": (p, random) => {
    const share = power(random, -4, -0.3);
    for (let i = 0; i < p.length; i++) p[i] *= 1 + share * (2 * random() - 1);
  },
  "random weights up to 1000": (p, random) => {
    const largest = power(random, -3, 3);
    for (let i = 0; i < p.length; i++) p[i] = largest * (2 * random() - 1);
  },
};

/** The i-th of the hostile weights: shipped ones changed in one or two ways, none above 1000. */
export function hostileWeights(i: number): Weights {
  const random = randomNumbers(1000 + i);
  const model = i % 3 === 2 ? 777 : 763;
  const parameters = i % 5 === 4 ? livelyParameters(model) : shippedAs(model);
  const names = Object.keys(HOSTILE);
  const chosen = [names[i % names.length], ...(random() < 0.3 ? [names[Math.floor(names.length * random())]] : [])];
  for (const name of chosen) HOSTILE[name](parameters, random);
  return {
    name: `${chosen.join(", ")} (${i})`,
    model,
    parameters: parameters.map((value) => Math.min(1000, Math.max(-1000, value))),
  };
}

/** A pair of operands, often with long carries. */
export function randomPair(random: () => number): [a: number, b: number] {
  const nines = random();
  let [a, b] = [0, 0];
  for (let place = 0; place < OPERAND_DIGITS; place++) {
    const digit = Math.floor(10 * random());
    a = 10 * a + digit;
    b = 10 * b + (random() < nines ? 9 - digit : Math.floor(10 * random()));
  }
  return [a, b];
}

/** One question that the model is asked: the tokens up to it, and the right answer. */
export interface Question {
  step: number;
  tokens: number[];
  target: number;
}

export function questionOf(a: number, b: number, step: number): Question {
  const answer = targetTokens(a, b);
  return { step, tokens: [...promptTokens(a, b), ...answer.slice(0, step)], target: answer[step] };
}

/** The digits of a question's operands at a place. */
function pairAt({ tokens }: Question, place: number): Pair {
  return { a: tokens[positionOfA(place)], b: tokens[positionOfB(place)] };
}

/** Whether a part holds a question that asks its query. */
export function isIn({ pairs }: Part, question: Question): boolean {
  return pairs.every((own, place) => {
    const { a, b } = pairAt(question, place);
    return own.some((pair) => pair.a === a && pair.b === b);
  });
}

/** The group that a question lies in. */
export function groupOf(numbers: DecodingNumbers, question: Question): Part {
  const { step, tokens } = question;
  const token = tokens[FIRST_QUERY + step];
  const group = groupsOf(queryOf(step, token, queryTable(numbers, step, token))).find((part) => isIn(part, question));
  if (group === undefined) throw new Error(`No group holds the question of step ${step}`);
  return group;
}

/** The rows that a question's attention adds up. */
export function rowsOf({ tokens }: Question): number[] {
  const rows = tokens.map((token, position) => rowOf(position, token));
  return [PLUS_ROW, ...rows.filter((_, position) => position !== OPERAND_DIGITS && position !== FIRST_QUERY)];
}

/** Parts of a group that hold the question: itself alone, with some digits free, and cells around its attention. */
export function partsAround(group: Part, question: Question, random: () => number): Part[] {
  const { rows } = group.query;
  const keep = (share: number) => ({
    pairs: group.pairs.map((own, place) => {
      const right = pairAt(question, place);
      return own.filter(({ a, b }) => random() < share || a === right.a && b === right.b);
    }),
  });
  const single = { ...group, ...keep(0) };
  const output = new Array<number>(KEY_WIDTH + 1).fill(0);
  for (const row of rowsOf(question)) for (let l = 0; l <= KEY_WIDTH; l++) output[l] += rows[row * ROW + l];
  const o = output.slice(0, KEY_WIDTH).map((sum) => sum / output[KEY_WIDTH]);
  const axes: number[][] = [];
  while (axes.length < KEY_WIDTH) {
    const rest = axes.reduce((rest, axis) => {
      const share = dot(rest, axis);
      return rest.map((value, l) => value - share * axis[l]);
    }, Array.from({ length: KEY_WIDTH }, () => random() - 0.5));
    axes.push(rest.map((value) => value / Math.sqrt(dot(rest, rest))));
  }
  const cell = (width: number): Part => ({
    ...group,
    axes,
    box: axes.map((axis) => [dot(axis, o) - width * random() - 1e-9, dot(axis, o) + width * random() + 1e-9]),
  });
  return [
    single,
    { ...group, ...keep(0.1) },
    { ...group, ...keep(0.5) },
    group,
    cell(0),
    cell(0.1),
    cell(0.01),
    { ...cell(0.01), ...keep(0) },
  ];
}

export const ALL_STEPS = Array.from({ length: QUERIES }, (_, step) => step);
