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

export type CounterexampleSearch = ReturnType<typeof searchCounterexamples>;

/** Finds sums that a model gets wrong: greedily, in float32 and in float64. */
export function searchCounterexamples({ model, parameters }: CertifyCheckpoint) {
  const variant = variantOf(model);
  const tensors = tensorsOf(Float64Array.from(parameters), variant);
  const adder = new WasmAdder(model, parameters);
  const operands = [
    ...hardCases({ count: QUICK_PROBLEMS, seed: 1 }),
    ...drawOperands({ seed: 1, stream: "evaluation", count: QUICK_PROBLEMS }),
  ];
  const pairs = operands.flatMap((a, i): Input[] => i % 2 === 0 ? [{ a, b: operands[i + 1] }] : []);
  const firstWrong = ({ a, b }: Input) => firstDifference(adder.decode(Float64Array.of(a, b)), { a, b });
  /** Whether engine and reference both write a wrong token. */
  const isWrong = ({ a, b }: Input) =>
    firstWrong({ a, b }) >= 0 && firstDifference(decodeGreedily(tensors, variant, a, b), { a, b }) >= 0;
  const sums = adder.addMany(pairs);
  return {
    isWrong,
    /** Where local searches for a wrong sum start. */
    starts: pairs.slice(QUICK_PROBLEMS - STARTS, QUICK_PROBLEMS + STARTS),
    /** A wrong sum among a few thousand pairs, which most models that are not right have. */
    quick: pairs.find(({ a, b }, i) => sums[i] !== a + b && isWrong({ a, b })),
    /** A wrong sum in full. */
    describe({ a, b }: Input): NonNullable<CertifyResult["counterexample"]> {
      return { a, b, expected: a + b, got: adder.add(a, b), step: firstWrong({ a, b }) };
    },
  };
}

/** The first step at which tokens are not those of the sum and its end; -1 where they are. */
function firstDifference(tokens: ArrayLike<number>, { a, b }: Input): number {
  return targetTokens(a, b).findIndex((token, step) => token !== tokens[step]);
}
