/**
 * The values that PyTorch computed: what every engine has to agree with. The files are in `tests/golden/`; the `note` in each
 * says how it was made.
 *
 * @module
 */
import { assert } from "@std/assert";
import type { Operands } from "../src/model/problem.ts";
import { type ModelName, parameterCount, tensorView, TOKENS, type Variant, variantOf } from "../src/model/variant.ts";
import { QUERIES } from "../src/model/vocabulary.ts";

const FOLDER = new URL("./golden/", import.meta.url);

/** What PyTorch got for one batch, in one precision. */
export interface GoldenValues {
  /** The mean loss. */
  loss: number;
  /** [n, 12, 14] for the first n examples of the batch; missing in the float32 values of large batches. */
  logits?: Float64Array;
  /** The gradient before clipping, a flat vector. */
  gradient: Float64Array;
  /** Gradient norms before clipping of steps 1 … 10. */
  gradientNorms: number[];
  /** Losses before each of steps 1 … 10. */
  lossSteps: number[];
  /** The flat parameter vector after that many steps. */
  parametersAfter: ReadonlyMap<number, Float64Array>;
}

/** One batch and all that PyTorch got for it. */
export interface GoldenBatch {
  /** Its number of problems. */
  size: number;
  /** The problems. */
  operands: Operands;
  /** In double precision. */
  float64: GoldenValues;
  /** In single precision. */
  float32: GoldenValues;
  /** Greedily decoded tokens [n, 12], where they were recorded. */
  greedy?: {
    tokens: Uint8Array;
    /** For each problem the smallest distance of the best logit from the second best on the way. */
    minMargin: number[];
  };
}

/** One set of weights and its batches. */
export interface GoldenSet {
  /** The name of its file, such as `w0`. */
  name: string;
  /** The variant of the model. */
  model: ModelName;
  /** Whether the weights are those of an untrained model, from which ten steps of Adam are ill-conditioned. */
  untrained: boolean;
  /** The flat parameter vector; every value is exact. */
  weights: Float32Array;
  /** The hyperparameters of the ten steps. */
  hyperparameters: {
    learningRate: number;
    weightDecay: number;
    clipNorm: number;
    beta1: number;
    beta2: number;
    epsilon: number;
  };
  /** The batches. */
  batches: GoldenBatch[];
  /** URL of the same weights as PyTorch wrote them. */
  files: { safetensors: URL; pt: URL };
}

type TensorValues = Record<string, number[]>;

interface ValuesJson {
  loss: number;
  logits_pos21_32?: number[];
  grads: TensorValues;
  grad_norm_before_clip_steps_1_10: number[];
  loss_steps_1_10: number[];
  weights_after: Record<string, TensorValues>;
}

interface SetJson {
  model: ModelName;
  init: string;
  hyper: { lr: number; weight_decay: number; betas: [number, number]; eps: number; clip: number; clip_eps: number };
  weights: TensorValues;
  batches: {
    batch: number;
    operands: [string, string][];
    float64: ValuesJson;
    float32: ValuesJson;
    greedy12_float64?: number[][];
    greedy12_min_margin?: number[];
  }[];
}

function flatten(values: TensorValues, variant: Variant): Float64Array {
  const flat = new Float64Array(parameterCount(variant));
  for (const { name, offset, size } of variant.tensors) {
    assert(values[name].length === size, `the golden ${name} has ${values[name].length} elements instead of ${size}`);
    flat.set(values[name], offset);
  }
  return flat;
}

function readValues(json: ValuesJson, variant: Variant): GoldenValues {
  const after = Object.entries(json.weights_after);
  return {
    loss: json.loss,
    logits: json.logits_pos21_32 && Float64Array.from(json.logits_pos21_32),
    gradient: flatten(json.grads, variant),
    gradientNorms: json.grad_norm_before_clip_steps_1_10,
    lossSteps: json.loss_steps_1_10,
    parametersAfter: new Map(after.map(([steps, tensors]) => [Number(steps), flatten(tensors, variant)])),
  };
}

function readSet(name: string, { model, init, hyper, weights, batches }: SetJson): GoldenSet {
  const variant = variantOf(model);
  return {
    name,
    model,
    untrained: init === "spec_init",
    weights: Float32Array.from(flatten(weights, variant)),
    hyperparameters: {
      learningRate: hyper.lr,
      weightDecay: hyper.weight_decay,
      clipNorm: hyper.clip,
      beta1: hyper.betas[0],
      beta2: hyper.betas[1],
      epsilon: hyper.eps,
    },
    batches: batches.map((json) => ({
      size: json.batch,
      operands: Float64Array.from(json.operands.flat(), Number),
      float64: readValues(json.float64, variant),
      float32: readValues(json.float32, variant),
      greedy: json.greedy12_float64 && {
        tokens: Uint8Array.from(json.greedy12_float64.flat()),
        minMargin: json.greedy12_min_margin!,
      },
    })),
    files: { safetensors: new URL(`${name}.safetensors`, FOLDER), pt: new URL(`${name}.pt`, FOLDER) },
  };
}

async function readJson<T>(name: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(new URL(`${name}.json`, FOLDER)));
}

const FULL_WIDTH = ["w0", "w1", "w2", "w3", "x0", "x1"];
const NARROW = ["n0", "n1", "n2", "n3"];
const sets = new Map<string, Promise<GoldenSet>>();

/** The golden sets of 763 and 777, and of narrow models. */
export function goldenSets({ narrow = true } = {}): Promise<GoldenSet[]> {
  return Promise.all([...FULL_WIDTH, ...(narrow ? NARROW : [])].map(goldenSet));
}

/** The golden set of that name; read once. */
export function goldenSet(name: string): Promise<GoldenSet> {
  if (!sets.has(name)) sets.set(name, readJson<SetJson>(name).then((json) => readSet(name, json)));
  return sets.get(name)!;
}

/** A schedule and the learning rates that PyTorch's `LambdaLR` gave. */
export interface GoldenSchedule {
  /** Steps of the whole schedule. */
  steps: number;
  /** Peak learning rate. */
  learningRate: number;
  /** Steps of the warm-up. */
  warmupSteps: number;
  /** The share of the peak at which the cosine ends. */
  floor: number;
  /** Pairs of a step, from 0, and the learning rate in force for it. */
  rates: [step: number, rate: number][];
}

/** The two schedules of the paper recipe. */
export async function goldenSchedules(): Promise<Record<"phase1_train" | "phase2_continue", GoldenSchedule>> {
  type ScheduleJson = {
    total_steps: number;
    peak: number;
    warmup_steps: number;
    floor_ratio: number;
    lr: [number, number][];
  };
  const json = await readJson<Record<"phase1_train" | "phase2_continue", { main: ScheduleJson }>>("schedules");
  const schedule = ({ main }: { main: ScheduleJson }): GoldenSchedule => ({
    steps: main.total_steps,
    learningRate: main.peak,
    warmupSteps: main.warmup_steps,
    floor: main.floor_ratio,
    rates: main.lr,
  });
  return { phase1_train: schedule(json.phase1_train), phase2_continue: schedule(json.phase2_continue) };
}

/** The cases of the public AdderBoard verifier with their sums. */
export async function adderBoardCases(): Promise<{ a: number; b: number; sum: number }[]> {
  const text = await Deno.readTextFile(new URL("adderboard_2025.csv", FOLDER));
  return text.trim().split("\n").slice(1).map((line) => {
    const [a, b, sum] = line.split(",").map(Number);
    return { a, b, sum };
  });
}

/** What mpmath got at one argument: exp2 where a float32 can hold it, and each form of GELU with its derivative. */
export interface GoldenElementary {
  x: number;
  exp2: number | null;
  erf: [value: number, derivative: number];
  tanh: [value: number, derivative: number];
}

/** Values of the elementary functions, each right to the last bit. */
export async function goldenElementary(): Promise<GoldenElementary[]> {
  return (await readJson<{ rows: GoldenElementary[] }>("elementary")).rows;
}

/** How far two numbers may be apart. */
export interface Closeness {
  /** At most this, absolutely. @default {0} */
  absolute?: number;
  /** At most this share of the largest expected value, plus `absolute`. @default {0} */
  relative?: number;
  /** What is compared, for the message. */
  of: string;
}

/** Asserts that two vectors agree in length and, element by element, in value; the message says where and how far they do not. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute = 0, relative = 0, of }: Closeness,
): void {
  assert(actual.length === expected.length, `${of}: ${actual.length} elements instead of ${expected.length}`);
  let largest = 0;
  let worst = { index: 0, distance: 0 };
  for (let i = 0; i < expected.length; i++) {
    largest = Math.max(largest, Math.abs(expected[i]));
    const distance = Math.abs(actual[i] - expected[i]);
    if (!(distance <= worst.distance)) worst = { index: i, distance };
    if (Number.isNaN(distance)) break;
  }
  const allowed = absolute + relative * largest;
  assert(
    worst.distance <= allowed,
    `${of}[${worst.index}] is ${actual[worst.index]} instead of ${expected[worst.index]}: ` +
      `${worst.distance.toExponential(1)} apart, at most ${allowed.toExponential(1)} allowed`,
  );
}

/** {@linkcode assertClose} for each tensor of two flat vectors; `relative` is then relative to the tensor's largest element. */
export function assertTensorsClose(
  actual: Float32Array | Float64Array,
  expected: Float64Array,
  variant: Variant,
  { of, ...closeness }: Closeness,
): void {
  assertClose([actual.length], [expected.length], { of: `length of ${of}` });
  for (const { name } of variant.tensors) {
    assertClose(tensorView(actual, variant, name), tensorView(expected, variant, name), {
      ...closeness,
      of: `${of} of ${name}`,
    });
  }
}

/** Numbers in the logits of one problem. */
export const LOGITS_PER_PROBLEM: number = QUERIES * TOKENS;
