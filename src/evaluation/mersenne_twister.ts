const STATE_WORDS = 624;
const MIDDLE_WORD = 397;
const UPPER_BIT = 0x80000000;
const TWIST = 0x9908b0df;

/**
 * MT19937 as CPython seeds and reads it: Matsumoto and Nishimura 1998, "Mersenne Twister", and their mt19937ar.c; `random.getrandbits` and
 * `random._randbelow`.
 */
export class MersenneTwister {
  readonly #state = new Uint32Array(STATE_WORDS);
  #next = STATE_WORDS;

  /** Seeds by `init_by_array`, as `random.Random(seed)` does. @param key The 32-bit words of a seed, the lowest first */
  constructor(key: readonly number[]) {
    const state = this.#state;
    state[0] = 19650218;
    for (let i = 1; i < STATE_WORDS; i++) state[i] = Math.imul(1812433253, mixed(state[i - 1])) + i;

    let i = 1;
    const mix = (multiplier: number, added: number) => {
      state[i] = (state[i] ^ Math.imul(mixed(state[i - 1]), multiplier)) + added;
      if (++i < STATE_WORDS) return;
      state[0] = state[STATE_WORDS - 1];
      i = 1;
    };
    const rounds = Math.max(STATE_WORDS, key.length);
    for (let k = 0; k < rounds; k++) mix(1664525, key[k % key.length] + k % key.length);
    for (let k = 1; k < STATE_WORDS; k++) mix(1566083941, -i);
    state[0] = UPPER_BIT;
  }

  /** The next word, a whole number in [0, 2^32). */
  word(): number {
    const state = this.#state;
    if (this.#next === STATE_WORDS) {
      for (let i = 0; i < STATE_WORDS; i++) {
        const y = (state[i] & UPPER_BIT) | (state[(i + 1) % STATE_WORDS] & ~UPPER_BIT);
        state[i] = state[(i + MIDDLE_WORD) % STATE_WORDS] ^ (y >>> 1) ^ (y & 1 ? TWIST : 0);
      }
      this.#next = 0;
    }
    let y = state[this.#next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** `random.getrandbits(count)` for count in [1, 53]: whole words from the lowest on, the last one's upper bits. */
  bits(count: number): number {
    if (count <= 32) return this.word() >>> (32 - count);
    const low = this.word();
    return (this.word() >>> (64 - count)) * 2 ** 32 + low;
  }

  /** `random.randrange(limit)` for limit in [1, 2^53): draws as many bits as `limit` has until they are less. */
  below(limit: number): number {
    const count = limit.toString(2).length;
    let value: number;
    do value = this.bits(count); while (value >= limit);
    return value;
  }
}

/** A word with its upper two bits folded into the lowest, as all of the seeding uses it. */
function mixed(word: number): number {
  return word ^ (word >>> 30);
}
