/**
 * Random inputs of a part of the prover's, many at a time.
 */
import type { Part } from "../../src/checker/groups.ts";
import { OPERAND_DIGITS } from "../../src/model/vocabulary.ts";

/** The digits of a and of b of one input, ones first. */
export const DIGITS_OF_INPUT = 2 * OPERAND_DIGITS;
/** A neighbour keeps a place with this probability. */
const KEPT = 0.85;

/**
 * Draws inputs of a part, whatever its cell is.
 *
 * Places sum to 9 more or less often, since long carries hang on that. An input whose low digits do not make the carry that the group needs becomes
 * their complement, 9 - d for each digit d, which makes the other one.
 *
 * @param near Inputs of the part [n, 20]; of two that are drawn one is a neighbour of one of these
 * @returns Digits [m, 20]; m may be less than `count`
 */
export function drawInputs(
  { query: { step, token }, pairs }: Part,
  { count, random, near = new Uint8Array(0) }: { count: number; random: () => number; near?: Uint8Array },
): Uint8Array {
  const inputs = new Uint8Array(count * DIGITS_OF_INPUT);
  const allowed = pairs.map((all) => ({
    tied: all.length < 100 ? all[0].a + all[0].b : undefined,
    own: [...new Set(all.map(({ a }) => a))],
  }));
  const low = step > OPERAND_DIGITS ? OPERAND_DIGITS : Math.max(0, step - 1);
  const before = allowed[step - 1]?.tied;
  const carryNeeded = before === undefined ? token : Number(before % 10 !== token);
  let to = 0;
  for (let i = 0; i < count; i++) {
    const [a, b] = [to, to + OPERAND_DIGITS];
    const from = i % 2 === 0 || near.length === 0
      ? -1
      : Math.floor(random() * near.length / DIGITS_OF_INPUT) * DIGITS_OF_INPUT;
    const nines = random();
    for (let place = 0; place < OPERAND_DIGITS; place++) {
      if (from >= 0 && random() < KEPT) {
        inputs[a + place] = near[from + place];
        inputs[b + place] = near[from + OPERAND_DIGITS + place];
        continue;
      }
      const { tied, own } = allowed[place];
      const digit = own[Math.floor(random() * own.length)];
      inputs[a + place] = digit;
      if (tied !== undefined) inputs[b + place] = tied - digit;
      else inputs[b + place] = random() < nines ? 9 - digit : Math.floor(10 * random());
    }
    if (low > 0 && carryOutOf(inputs, a, low) !== carryNeeded) {
      for (let place = 0; place < low; place++) {
        inputs[a + place] = 9 - inputs[a + place];
        inputs[b + place] = 9 - inputs[b + place];
      }
      if (carryOutOf(inputs, a, low) !== carryNeeded) continue; // all places sum to 9
    }
    to += DIGITS_OF_INPUT;
  }
  return inputs.subarray(0, to);
}

/** The carry out of the lowest places of the input that starts there. */
function carryOutOf(inputs: Uint8Array, at: number, places: number): number {
  let carry = 0;
  for (let place = at; place < at + places; place++) {
    carry = Number(inputs[place] + inputs[place + OPERAND_DIGITS] + carry > 9);
  }
  return carry;
}

/** The operands of inputs, a0 b0 a1 b1 … */
export function operandsOf(inputs: Uint8Array): Float64Array {
  const operands = new Float64Array(inputs.length / OPERAND_DIGITS);
  for (let i = 0; i < operands.length; i++) {
    for (let place = OPERAND_DIGITS - 1; place >= 0; place--) {
      operands[i] = 10 * operands[i] + inputs[i * OPERAND_DIGITS + place];
    }
  }
  return operands;
}
