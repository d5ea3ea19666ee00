/** Problems by number: the two operands of example e of step s. The WASM module draws the same ones, and so do the shaders. */
import { check, checkOneOf, checkWhole } from "../common/checks.ts";
import { checkWord, philox4x32 } from "./philox.ts";
import type { Operands } from "./problem.ts";
import { numberOf, OPERAND_DIGITS } from "./vocabulary.ts";

/** A stream of random problems. Training never draws from the evaluation stream. */
export type SampleStream = "training" | "evaluation";

/** Which problems to draw. The same request gives the same problems. */
export interface SampleRequest {
  /** A whole number in [0, 2^32). */
  seed: number;
  /** Problems of different streams are independent. */
  stream: SampleStream;
  /** Number of restarts before, as in a run of training. @default {0} */
  attempt?: number;
  /** The number of the batch, a whole number in [0, 2^32). @default {0} */
  sample?: number;
  /** The number of the first problem within its sample, 0 to 2^27. @default {0} */
  first?: number;
  /** Number of problems, 0 to 2^27. */
  count: number;
  /** Fewest digits of an operand, 1 to 10. @default {10} */
  minDigits?: number;
  /** Most digits of an operand, 1 to 10. @default {10} */
  maxDigits?: number;
}

/** The second word of the generator's key: no two uses of a seed share a stream. */
export const DOMAINS = { training: 0, initialization: 1, evaluation: 2, hard: 3 } as const;

/** Digits and lengths are read from fractions of 28 bits: in the other engines ten times one still fits in 32. */
const FRACTION = 2 ** 28;
/** Problems that are drawn in one go: 2 GiB of operands, about the most that every runtime allocates. */
const MOST_PROBLEMS = 2 ** 27;

/**
 * Three decimal digits of one random word: those of its upper 28 bits, read as a fraction in [0, 1). The 2^28 fractions do not divide evenly into
 * 1,000: a triple is up to 3.8e-6 more or less likely than 1/1000, relatively.
 */
function digitsOf(word: number): number[] {
  const triple = Math.floor(1000 * (word >>> 4) / FRACTION);
  return [100, 10, 1].map((unit) => Math.floor(triple / unit) % 10);
}

/** @throws {RangeError} Unless both are whole numbers and 1 <= minDigits <= maxDigits <= 10 */
export function checkDigitRange(asked: string, minDigits: number, maxDigits: number): void {
  checkWhole(asked, "minDigits", minDigits, 1, OPERAND_DIGITS);
  checkWhole(asked, "maxDigits", maxDigits, 1, OPERAND_DIGITS);
  check(minDigits <= maxDigits, asked, "minDigits", `at most maxDigits, which is ${maxDigits}`, minDigits);
}

/** Checks a request and fills in the defaults. @throws {RangeError} If a number is out of its range, or there is no such stream */
export function checkSampleRequest(request: SampleRequest): Required<SampleRequest> {
  const { seed, stream, attempt = 0, sample = 0, first = 0, count } = request;
  const { minDigits = OPERAND_DIGITS, maxDigits = OPERAND_DIGITS } = request;
  const asked = "draw problems";
  for (const [name, word] of Object.entries({ seed, attempt, sample })) checkWord(asked, name, word);
  checkWhole(asked, "first", first, 0, MOST_PROBLEMS);
  checkWhole(asked, "count", count, 0, MOST_PROBLEMS);
  checkDigitRange(asked, minDigits, maxDigits);
  checkOneOf(asked, "stream", stream, ["training", "evaluation"]);
  return { seed, stream, attempt, sample, first, count, minDigits, maxDigits };
}

/**
 * Draws problems a0 b0 a1 b1 …: a length n in [minDigits, maxDigits], then a and b in [0, 10^n), all uniformly and each example on its own.
 *
 * Example e of sample s in attempt t takes the words w0 … w7 of the counters (e, s, t, 0) and (e, s, t, 1) under the key
 * (seed, domain). w0 … w6 give 21 digits, three each: ten of a and ten of b, from the ones up, and one that is not used; w7
 * gives n, and digits from the n-th on become 0. The bias of 28-bit fractions is below 4e-8 of the probability of a length.
 *
 * @throws {RangeError} If a number of the request is out of its range
 */
export function drawOperands(request: SampleRequest): Operands {
  const { seed, stream, attempt, sample, first, count, minDigits, maxDigits } = checkSampleRequest(request);
  const key = [seed, DOMAINS[stream]] as const;
  const operands = new Float64Array(2 * count);
  for (let example = 0; example < count; example++) {
    const words = [
      ...philox4x32([first + example, sample, attempt, 0], key),
      ...philox4x32([first + example, sample, attempt, 1], key),
    ];
    const digits = words.slice(0, 7).flatMap(digitsOf);
    const length = minDigits + Math.floor((words[7] >>> 4) * (maxDigits - minDigits + 1) / FRACTION);
    operands[2 * example] = numberOf(digits.slice(0, length));
    operands[2 * example + 1] = numberOf(digits.slice(OPERAND_DIGITS, OPERAND_DIGITS + length));
  }
  return operands;
}
