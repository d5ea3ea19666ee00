/**
 * The proof of all steps, on a crew.
 *
 * @module
 */
import { WasmAdder } from "../adder.ts";
import { decodeGreedily } from "../engine/reference/decode.ts";
import { tensorsOf } from "../engine/reference/model.ts";
import { hardCases } from "../evaluation/hard.ts";
import { drawOperands } from "../model/sampler.ts";
import { variantOf } from "../model/variant.ts";
import { QUERIES, targetTokens } from "../model/vocabulary.ts";
import type { Crew } from "./crew.ts";
import { proveStep, type StepOutcome } from "./prove_step.ts";
import type { CertifyCheckpoint, CertifyResult, Input } from "./types.ts";

/** Random pairs, and as many with long carries, that are added before anything is proved. */
const GLARING_PROBLEMS = 2000;

/** Tells which sums a model gets wrong: greedily, in float32 and in float64. */
export class Judge {
  readonly #adder: WasmAdder;
  readonly #reference: (input: Input) => ArrayLike<number>;

  /** Takes the weights. */
  constructor({ model, parameters }: CertifyCheckpoint) {
    const variant = variantOf(model);
    const tensors = tensorsOf(Float64Array.from(parameters), variant);
    this.#adder = new WasmAdder(model, parameters);
    this.#reference = ({ a, b }) => decodeGreedily(tensors, variant, a, b);
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

  /** A pair that a look at a few thousand finds to be added wrongly: most models that are not right need no proof of it. */
  glaringFailure(): Input | undefined {
    const operands = [
      ...hardCases({ count: GLARING_PROBLEMS, seed: 1 }),
      ...drawOperands({ seed: 1, stream: "evaluation", count: GLARING_PROBLEMS }),
    ];
    const pairs = Array.from(
      { length: operands.length / 2 },
      (_, i) => ({ a: operands[2 * i], b: operands[2 * i + 1] }),
    );
    const sums = this.#adder.addMany(pairs);
    return pairs.find(({ a, b }, i) => sums[i] !== a + b && this.isWrong({ a, b }));
  }
}

/** The first step at which tokens are not those of the sum and its end; -1 where they are. */
function firstDifference(tokens: ArrayLike<number>, { a, b }: Input): number {
  return targetTokens(a, b).findIndex((token, step) => token !== tokens[step]);
}

/** What a proof of all steps is told. */
export interface ProveOptions {
  /** The least margin that will do. */
  demanded: number;
  judge: Judge;
  /** Gives up a step after that many cuts. */
  mostCuts: number;
  /** Whether to go on with the other steps where one is found to be wrong. */
  exhaustive?: boolean;
  expired: () => boolean;
  /** Is told which share of all regions is settled. */
  onProgress: (proved: number) => void;
}

/**
 * Proves all steps at once, the last the most urgent: it is the one that most often cannot be. What comes out does not depend on which step
 * is done first: a wrong sum counts once all later steps are done.
 *
 * @returns What came of each step; without those before the one that is found to be wrong, unless the search is exhaustive
 */
export async function proveAllSteps(crew: Crew, options: ProveOptions): Promise<StepOutcome[]> {
  const { demanded, judge, mostCuts, exhaustive = false, expired, onProgress } = options;
  const shares = new Float64Array(QUERIES);
  const steps = Array.from({ length: QUERIES }, (_, step) => QUERIES - 1 - step);
  const running = steps.map((step) =>
    proveStep(step, {
      ...{ crew, demanded, mostCuts, expired },
      isWrong: (input) => judge.isWrong(input),
      onProgress: (share) => {
        shares[step] = Math.max(shares[step], share);
        onProgress(shares.reduce((sum, value) => sum + value, 0) / QUERIES);
      },
    })
  );
  for (const proof of running) proof.catch(() => {}); // looked at when its turn comes
  const outcomes: StepOutcome[] = [];
  for (const proof of running) {
    const outcome = await proof;
    outcomes.push(outcome);
    if (!exhaustive && "counterexample" in outcome) {
      crew.giveUp(new Error("Cannot go on with a proof as it is refuted"));
      break;
    }
  }
  return outcomes;
}
