/**
 * Random choices that a seed and a number bring back.
 *
 * @module
 */

/** A small generator: xorshift128 of Marsaglia 2003, seeded by the case's number. */
export class Random {
  #x: number;
  #y: number;
  #z = 521288629;
  #w = 88675123;

  /** The choices of case `index` under a seed. */
  constructor(seed: number, index: number) {
    this.#x = (seed ^ 123456789) >>> 0;
    this.#y = (Math.imul(index + 1, 2654435761) ^ 362436069) >>> 0;
    for (let i = 0; i < 8; i++) this.#next();
  }

  #next(): number {
    const t = this.#x ^ (this.#x << 11);
    this.#x = this.#y;
    this.#y = this.#z;
    this.#z = this.#w;
    return this.#w = (this.#w ^ (this.#w >>> 19) ^ t ^ (t >>> 8)) >>> 0;
  }

  /** A whole number in [0, n), n up to 2^32. */
  below(n: number): number {
    return Math.floor(this.#next() / 2 ** 32 * n);
  }

  /** True in one of n cases. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  /** One of some things. */
  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)];
  }
}
