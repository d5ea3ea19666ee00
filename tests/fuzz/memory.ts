/**
 * Fuzzing of the WASM module by itself: whatever the weights, it writes where it should and nowhere else.
 *
 * @module
 */
import { Buffer } from "node:buffer"; // compares at the speed of memory
import { type Core, hasRelaxedSimd, instantiate, PAGES, writeRun } from "../../src/engine/wasm/core.ts";
import { WASM as EXACT } from "../../src/engine/wasm/exact_module.ts";
import { WASM as FAST } from "../../src/engine/wasm/fast_module.ts";
import { QUERIES } from "../../src/model/vocabulary.ts";
import { MODELS, TOKENS, type Variant, variantOf } from "../../src/model/variant.ts";
import type { Target } from "./fuzz.ts";
import type { Random } from "./random.ts";

/** Where the first of our own data lies: PARAMETERS of assembly/layout.ts. Below it are the compiler's tables. */
const PARAMETERS = 16384;
/** What the memory behind the results is filled with. */
const GUARD = 0xa5;
/** So much of it is looked at each time; all of it now and then. */
const WINDOW = 4096;

/** As large as all of the memory. */
const UNTOUCHED = new Uint8Array(65536 * PAGES).fill(GUARD);

interface Case {
  random: Random;
  variant: Variant;
  count: number;
  all: boolean;
}

const ODD_FLOATS = [
  0,
  -0,
  1,
  -1,
  NaN,
  Infinity,
  -Infinity,
  1e-45,
  -1e-40,
  3e38,
  -3e38,
  1e20,
  1e10,
  88,
  -104,
  127.5,
  0.5,
];

function fillParameters(values: Float32Array, random: Random): void {
  const size = random.of([0.02, 0.3, 3, 100, 1e6, 1e20, 1e38]);
  for (let i = 0; i < values.length; i++) values[i] = (random.below(2 ** 16) / 2 ** 15 - 1) * size;
  for (let left = random.of([0, 0, 1, 5, 300]); left > 0; left--) {
    values[random.below(values.length)] = random.of(ODD_FLOATS);
  }
}

/** A core in a memory of which every byte that it must not touch is known. */
class Guarded {
  readonly #core: Core;
  readonly #bytes: Uint8Array;
  readonly #tables: Uint8Array;
  readonly #base: number;

  constructor(base64: string) {
    this.#core = instantiate(base64, variantOf(763));
    const { memory, exports } = this.#core;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#base = exports.problemsBase(1);
    this.#tables = this.#bytes.slice(0, PARAMETERS);
    this.#bytes.fill(GUARD, this.#base);
  }

  run({ random, variant, count, all }: Case): void {
    const { exports } = this.#core;
    const { buffer } = this.#bytes;
    exports.configure(variant.width, variant.hidden, variant.finalNorm);
    const parameters = new Float32Array(buffer, exports.parametersAt.value, variant.finalNorm ? 777 : 763);
    fillParameters(parameters, random);
    const before = parameters.slice();
    const problems = new Float64Array(buffer, this.#base, 2 * count);
    const results = this.#base + problems.byteLength;
    for (let i = 0; i < problems.length; i++) {
      problems[i] = random.oneIn(4) ? random.of([0, 9999999999]) : random.below(1e10);
    }

    exports.lossAndGradient(this.#base, count);
    this.#check(results, all, "lossAndGradient");
    exports.logits(this.#base, count, results);
    this.#check(results + count * QUERIES * TOKENS * 4, all, "logits");
    this.#bytes.fill(GUARD, results, results + count * QUERIES * TOKENS * 4);
    exports.prepareDecoding();
    exports.decode(this.#base, count, results);
    const tokens = this.#bytes.slice(results, results + count * QUERIES);
    if (tokens.some((token) => token >= TOKENS)) throw new Error(`it wrote tokens that there are not: ${tokens}`);
    this.#bytes.fill(GUARD, results, results + tokens.length);
    this.#check(results, all, "decode");
    if (parameters.some((value, i) => !Object.is(value, before[i]))) throw new Error("reading changed the weights");

    const step = () => random.of([0, 0.01, 1, 1e30, 1e300]);
    const adamW = { clipNorm: 1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8 };
    writeRun(this.#core, { ...adamW, weightDecay: step(), clipNorm: random.of([0, 1, Infinity]) });
    exports.optimizerStep(step());
    const stage = { stageSteps: 1000, learningRate: 0.01, warmupSteps: 10, floor: 0.1, weightDecay: 0.1 };
    const draws = { seed: random.below(2 ** 32), attempt: 0, firstSample: random.below(2 ** 32) };
    const counts = { firstStep: random.below(900), steps: random.below(4), batch: 4 * (1 + random.below(12)) };
    writeRun(this.#core, { ...stage, ...adamW, ...draws, ...counts, minDigits: 1, maxDigits: 10 });
    exports.train();
    this.#check(results, all, "train");
    writeRun(this.#core, { ...draws, minDigits: 1 + random.below(5), maxDigits: 5 + random.below(6) });
    exports.sample(2, 0, count, this.#base);
    if (problems.some((value) => !(value >= 0 && value <= 9999999999))) throw new Error("it drew what is no operand");
    this.#bytes.fill(GUARD, results, results + 4 * 16); // it draws four at a time
    this.#check(results, all, "sample");
    if (exports.prepareDecoding()) {
      exports.decodeDrawn(2, random.below(2 ** 20), count, results);
      this.#bytes.fill(GUARD, results, results + tokens.length);
      this.#check(results, all, "decodeDrawn");
    }
    exports.setOptimizerSteps(0);
    this.#bytes.fill(0, exports.firstMomentAt.value, exports.secondMomentAt.value + 4 * 777);
    this.#bytes.fill(GUARD, this.#base, results);
  }

  /** Nothing changed below our data, nor from `end` on. */
  #check(end: number, all: boolean, who: string): void {
    if (Buffer.compare(this.#tables, this.#bytes.subarray(0, PARAMETERS)) !== 0) {
      throw new Error(`${who} wrote into the compiler's tables`);
    }
    const guard = this.#bytes.subarray(end, all ? undefined : end + WINDOW);
    if (Buffer.compare(guard, UNTOUCHED.subarray(0, guard.length)) === 0) return;
    throw new Error(`${who} wrote ${guard.findIndex((byte) => byte !== GUARD)} bytes behind its results`);
  }
}

function memoryTarget(name: string, base64: string): Target<Case> {
  let guarded: Guarded | undefined;
  return {
    name,
    make(random) {
      const shape = `${2 + random.below(6)}x${1 + random.below(14)}${random.of(["", "+norm"])}`;
      const variant = variantOf(random.oneIn(2) ? random.of(MODELS) : shape);
      return { random, variant, count: 1 + random.below(9), all: random.oneIn(500) };
    },
    run: (one) => (guarded ??= new Guarded(base64)).run(one),
    refuses: [],
  };
}

/** The modules with all kinds of weights. */
export const MEMORY_TARGETS: readonly Target<Case>[] = [
  memoryTarget("WASM memory, exact", EXACT),
  ...(hasRelaxedSimd() ? [memoryTarget("WASM memory, fast", FAST)] : []),
];
