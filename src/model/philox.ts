/**
 * The generator Philox 4x32-10. A draw is a function of its counter and key alone: the seed, the step and the number of an example give the example, so a
 * resumed run, a thread or another machine needs no stored state.
 */
import { checkWhole } from "../common/checks.ts";

const WORD = 2 ** 32;
const HALF_WORD = 2 ** 16;

// The constants of Random123, philox.h: two odd multipliers, and the Weyl sequence of the key.
const MULTIPLIER_0 = 0xD2511F53;
const MULTIPLIER_1 = 0xCD9E8D57;
const KEY_STEP_0 = 0x9E3779B9;
const KEY_STEP_1 = 0xBB67AE85;
const ROUNDS = 10;

/** The upper 32 bits of the product of two unsigned 32-bit words; the lower ones are `Math.imul`. */
function multiplyHigh(x: number, y: number): number {
  // x * y has 64 bits, too many for a double; with x in halves no term has more than 49.
  const low = (x % HALF_WORD) * y;
  const high = Math.floor(x / HALF_WORD) * y;
  return Math.floor((high + Math.floor(low / HALF_WORD)) / HALF_WORD);
}

/**
 * Four random 32-bit words. Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3; equal to Random123's published vectors.
 *
 * @param counter Four words, whole numbers in [0, 2^32): which draw
 * @param key Two such words: which stream
 */
export function philox4x32(
  [c0, c1, c2, c3]: readonly [number, number, number, number],
  [k0, k1]: readonly [number, number],
): Uint32Array {
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + KEY_STEP_0) % WORD;
    k1 = (k1 + KEY_STEP_1) % WORD;
  }
  return Uint32Array.of(c0, c1, c2, c3);
}

/** Checks a number that becomes one word of a counter or a key. @throws {RangeError} If it is not a whole number in [0, 2^32) */
export function checkWord(asked: string, name: string, value: number): void {
  checkWhole(asked, name, value, 0, WORD - 1);
}
