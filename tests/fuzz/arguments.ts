/**
 * Fuzzing of what people type and what programs pass.
 *
 * @module
 */
import { add, addMany } from "../../src/adder/add.ts";
import { certify } from "../../src/certify/mod.ts";
import { CheckpointError } from "../../src/checkpoint/common/error.ts";
import { encodeCheckpoint } from "../../src/checkpoint/safetensors/checkpoint.ts";
import { addCommand } from "../../src/cli/add.ts";
import { certifyCommand } from "../../src/cli/certify.ts";
import { checkCommand } from "../../src/cli/check.ts";
import { type Command, readInput } from "../../src/cli/command.ts";
import { evalCommand, verifyCommand } from "../../src/cli/eval.ts";
import { sweepCommand } from "../../src/cli/sweep.ts";
import { continueCommand, trainCommand } from "../../src/cli/train.ts";
import { UsageError } from "../../src/cli/flags.ts";
import { createEngine } from "../../src/engine/mod.ts";
import type { Engine } from "../../src/engine/interface/types.ts";
import { loadAdder } from "../../src/adder/load_adder.ts";
import { trainRecipe } from "../../src/training/recipes.ts";
import { TrainingError } from "../../src/training/error.ts";
import { continueTraining, train } from "../../src/training/train.ts";
import type { Target } from "./fuzz.ts";
import { mutateJson, mutateText } from "./mutators.ts";
import type { Random } from "./random.ts";

// deno-lint-ignore no-explicit-any
const COMMANDS: readonly Command<any>[] = [
  ...[addCommand, trainCommand, continueCommand, evalCommand, verifyCommand],
  ...[certifyCommand, checkCommand, sweepCommand],
];
const FLAG_NAMES = COMMANDS.flatMap(({ flags }) => Object.keys(flags));
const WORDS = [
  ...[
    "42",
    "7",
    "-1",
    "--",
    "-",
    "",
    "0..63",
    "1,5,9",
    "0/4",
    "fast",
    "sure",
    "763",
    "run/model.safetensors",
    "--json",
    "-h",
  ],
  ...[
    "--no-certify",
    "--no-",
    "--=",
    "---",
    "-x",
    "-42",
    "--seed=-1",
    "4294967296",
    "1e3",
    "NaN",
    "__proto__",
    "--__proto__",
  ],
];

function word(random: Random): string {
  if (random.oneIn(3)) return `--${random.of(FLAG_NAMES)}${random.oneIn(4) ? `=${random.of(WORDS)}` : ""}`;
  // no argument can hold a zero byte
  return random.oneIn(4) ? mutateText(random, WORDS).replaceAll("\0", "") : random.of(WORDS);
}

/** Command lines are read, and nothing is run. */
const commandLines: Target<{ command: Command; args: string[] }> = {
  name: "command lines",
  make: (random) => ({
    command: random.of(COMMANDS),
    args: Array.from({ length: random.below(7) }, () => word(random)),
  }),
  run: ({ command, args }) => readInput("it", command, args),
  refuses: [UsageError],
  says: /^Cannot (?:run|use) /,
};

const ODD: readonly unknown[] = [
  ...[
    undefined,
    null,
    true,
    0,
    -0,
    1,
    2,
    -1,
    0.5,
    NaN,
    Infinity,
    -Infinity,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    9999999999,
    1e10,
    1e308,
  ],
  ...[
    0n,
    1n,
    -1n,
    10n ** 10n,
    10n ** 40n,
    "",
    "7",
    "fast",
    "auto",
    "\ud800",
    Symbol("odd"),
    () => 1,
    /x/,
    new Date(NaN),
  ],
  ...[
    [],
    {},
    [1],
    [1, 2],
    [[1, 2]],
    [[1]],
    [null],
    [undefined],
    { a: 1 },
    { a: 1, b: 2 },
    [{ a: 1, b: 2n }],
    Object.create(null),
  ],
  ...[
    new Uint8Array(3),
    new Float32Array(763),
    new Float32Array(763).fill(NaN),
    new Float32Array(777),
    new Float64Array(3),
  ],
  ...[
    new Float64Array([1, 2]),
    new Float64Array([1, NaN]),
    { length: 1e9 },
    new Map(),
    Object.freeze([Object.freeze([3, 4])]),
  ],
];

/** Reasonable values by name, some of which are exchanged for odd ones. */
function options(random: Random, right: Record<string, unknown>): unknown {
  if (random.oneIn(40)) return random.of(ODD);
  const changed: Record<string, unknown> = { ...right };
  for (const name of Object.keys(changed)) {
    if (random.oneIn(4)) changed[name] = random.of(ODD);
    else if (random.oneIn(8)) delete changed[name];
  }
  return changed;
}

const CHECKPOINT = { model: 763, parameters: new Float32Array(763).fill(0.1), metadata: {} } as const;
const BYTES = encodeCheckpoint(CHECKPOINT);
const RECIPE = trainRecipe("fast");
const STAGE = RECIPE.stages[0];
const STEP = { learningRate: 0.01, weightDecay: 0, clipNorm: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

/** An engine of its own for each target, made at its first call. */
let shared: Promise<Engine> | undefined;
const engine = () => shared ??= createEngine();

type Call = (random: Random) => () => unknown;
// deno-lint-ignore no-explicit-any
type Loose = any;

/** The calls of the public face, with arguments of which some are odd. */
const CALLS: Readonly<Record<string, Call>> = {
  add: (random) => {
    const [a, b] = [random.of(ODD), random.of(ODD)] as Loose[];
    return () => add(a, b);
  },
  addMany: (random) => {
    const pairs = random.oneIn(3) ? random.of(ODD) : [[1, 2], random.of(ODD), [random.of(ODD), random.of(ODD)]];
    return () => addMany(pairs as Loose);
  },
  loadAdder: (random) => {
    // no text: it would be the path of a file
    const checkpoint = options(random, { ...CHECKPOINT });
    return () => loadAdder(typeof checkpoint === "string" ? BYTES : checkpoint as Loose).add(42, 7);
  },
  createEngine: (random) => {
    const given = options(random, { backend: "wasm", model: 763, threads: 1, arithmetic: "exact" });
    return async () => await (await createEngine(given as Loose)).dispose();
  },
  setParameters: (random) => {
    const values = random.of(ODD);
    return async () => (await engine()).setParameters(values as Loose);
  },
  setOptimizerState: (random) => {
    const vector = new Float32Array(763);
    const state = options(random, { step: 1, firstMoment: vector, secondMoment: vector });
    return async () => (await engine()).setOptimizerState(state as Loose);
  },
  initialize: (random) => {
    const [seed, attempt] = [random.of(ODD), random.of(ODD)] as Loose[];
    return async () => (await engine()).initialize(seed, attempt);
  },
  problems: (random) => {
    const method = random.of(["lossAndGradient", "logits", "decode", "predict"] as const);
    const problems = random.oneIn(3) ? random.of(ODD) : [{ a: 1, b: 2 }, random.of(ODD)];
    return async () => await (await engine())[method](problems as Loose);
  },
  trainStep: (random) => {
    const given = options(random, STEP);
    const problems = random.oneIn(4) ? random.of(ODD) : [{ a: 1, b: 2 }];
    return async () => {
      const one = await engine();
      one.initialize(1); // an odd step before must not be what this one is refused for
      await one.trainStep(problems as Loose, given as Loose);
    };
  },
  trainRun: (random) => {
    const start = { seed: 1, attempt: 0, firstSample: 0, firstStep: 0, steps: 1, minDigits: 1, maxDigits: 10 };
    const stage = options(random, { ...STAGE, batch: 4 });
    const run = options(random, { ...start, stage });
    return async () => {
      const one = await engine();
      one.initialize(1);
      await one.trainRun(bounded(run) as Loose);
    };
  },
  sample: (random) => {
    const request = options(random, {
      seed: 1,
      stream: "evaluation",
      attempt: 0,
      sample: 0,
      count: 3,
      minDigits: 1,
      maxDigits: 4,
    });
    return async () => (await engine()).sample(request as Loose);
  },
  certify: (random) => {
    const checkpoint = options(random, { model: 763, parameters: new Float32Array(763).fill(0.1) });
    const given = options(random, { seconds: 0.001, cuts: 1, threads: 1 });
    return () => certify(checkpoint as Loose, given as Loose);
  },
  train: (random) => {
    const recipe = random.oneIn(2)
      ? mutateJson(random, { ...RECIPE, stages: [{ ...STAGE, batch: 4, steps: 500 }] })
      : "fast";
    const right = {
      recipe,
      model: 763,
      seed: 1,
      steps: 1,
      backend: "wasm",
      threads: 1,
      arithmetic: "exact",
      evalEvery: 0,
    };
    const given = { ...options(random, { ...right, finalProblems: 4, saveEvery: 1 }) as object, out: undefined };
    return () => train(bounded(given) as Loose);
  },
  continueTraining: (random) => {
    const right = { from: BYTES, recipe: "fast", seed: 1, steps: 1, backend: "wasm", threads: 1, finalProblems: 4 };
    const given = { ...options(random, right) as { from?: unknown }, out: undefined };
    if (typeof given.from === "string") given.from = BYTES;
    return () => continueTraining(bounded(given) as Loose);
  },
};

/** What is right, but would take a day, is made small: work is no fault. */
function bounded(given: unknown): unknown {
  if (typeof given !== "object" || given === null) return given;
  const { steps, stage, recipe, finalProblems, ...rest } = given as Record<string, Loose>;
  const small = (value: unknown, most: number) => typeof value === "number" && value > most ? most : value;
  const smallStage = (one: Loose) =>
    typeof one === "object" && one !== null && typeof one.batch === "number" && one.batch > 4096
      ? { ...one, batch: 4 }
      : one;
  return {
    ...rest,
    steps: steps === undefined && !("stage" in given) ? 1 : small(steps, 3),
    finalProblems: small(finalProblems ?? 4, 100),
    ...(stage !== undefined && { stage: smallStage(stage) }),
    recipe: typeof recipe === "object" && recipe !== null && Array.isArray(recipe.stages)
      ? { ...recipe, stages: recipe.stages.map(smallStage) }
      : recipe,
  };
}

/** The public face, called by programs that know no types. */
const calls: Target<() => unknown> = {
  name: "API arguments",
  make: (random) => CALLS[random.of(Object.keys(CALLS))](random),
  run: (call) => call(),
  refuses: [TypeError, RangeError, Error, CheckpointError, TrainingError],
  says: /^Cannot .+ as .+/,
};

/** All that takes arguments. */
// deno-lint-ignore no-explicit-any
export const ARGUMENT_TARGETS: readonly Target<any>[] = [commandLines, calls];
