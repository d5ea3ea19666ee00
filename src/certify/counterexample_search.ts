import { WasmAdder } from "../adder/adder.ts";
import { decodeGreedily, tensorsOf } from "../engine/reference/model.ts";
import { hardCases } from "../evaluation/hard.ts";
import { drawOperands } from "../model/sampler.ts";
import { variantOf } from "../model/variant.ts";
import { targetTokens } from "../model/vocabulary.ts";
import type { CertifyCheckpoint, CertifyResult, Input } from "./types.ts";

/** Random pairs, and as many with long carries, that are added before anything is proved. */
const QUICK_PROBLEMS = 2000;
/** So many of each kind are starts of local searches. */
const STARTS = 256;

/** Finds sums that a model gets wrong: greedily, in float32 and in float64. */
export class CounterexampleSearch {
  readonly #adder: WasmAdder;
  readonly #reference: (input: Input) => ArrayLike<number>;
  readonly #pairs: readonly Input[];
  /** Where local searches for a wrong sum start. */
  readonly starts: readonly Input[];

  constructor({ model, parameters }: CertifyCheckpoint) {
    const variant = variantOf(model);
    const tensors = tensorsOf(Float64Array.from(parameters), variant);
    this.#adder = new WasmAdder(model, parameters);
    this.#reference = ({ a, b }) => decodeGreedily(tensors, variant, a, b);
    const operands = [
      ...hardCases({ count: QUICK_PROBLEMS, seed: 1 }),
      ...drawOperands({ seed: 1, stream: "evaluation", count: QUICK_PROBLEMS }),
    ];
    this.#pairs = Array.from(
      { length: 2 * QUICK_PROBLEMS },
      (_, i) => ({ a: operands[2 * i], b: operands[2 * i + 1] }),
    );
    this.starts = this.#pairs.slice(QUICK_PROBLEMS - STARTS, QUICK_PROBLEMS + STARTS);
  }

  /** Whether engine and reference both write a wrong token. */
  isWrong(input: Input): boolean {
    return this.#firstWrong(input) >= 0 && firstDifference(this.#reference(input), input) >= 0;
  }

  #firstWrong({ a, b }: Input): number {
    return firstDifference(this.#adder.decode(Float64Array.of(a, b)), { a, b });
  }

  /** A wrong sum in full. */
  describe({ a, b }: Input): NonNullable<CertifyResult["counterexample"]> {
    return { a, b, expected: a + b, got: this.#adder.add(a, b), step: this.#firstWrong({ a, b }) };
  }

  /** A wrong sum among a few thousand pairs, which most models that are not right have. */
  quick(): Input | undefined {
    const sums = this.#adder.addMany(this.#pairs);
    return this.#pairs.find(({ a, b }, i) => sums[i] !== a + b && this.isWrong({ a, b }));
  }
}

/** The first step at which tokens are not those of the sum and its end; -1 where they are. */
function firstDifference(tokens: ArrayLike<number>, { a, b }: Input): number {
  return targetTokens(a, b).findIndex((token, step) => token !== tokens[step]);
}
