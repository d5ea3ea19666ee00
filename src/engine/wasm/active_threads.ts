/** How many threads take part: where other processes keep cores busy fewer are faster, because a job waits for the thread that lost its core. */

const WINDOW = 40; // milliseconds of work that a speed is measured over: several of the turns that a system gives to processes
const PIECE = 10; // milliseconds of work that are measured at once
/** Milliseconds of work before another number is tried; each trial that fails doubles them, up to the second number. */
const [FIRST_REST, LONGEST_REST] = [100, 4000];
const GAIN = 1.05; // another number of threads must be that many times as fast,
const DROP = 0.8; // and is tried early where the speed falls to this share

/** Follows the speed of work, and chooses how many threads take part in the next piece of it. Results do not depend on them. */
export class ActiveThreads {
  readonly #most: number;
  #best: number; // the best number so far,
  #speed = 0; // and its speed in units per millisecond; 0 where it is not known
  count: number; // how many are to take part
  #kind = "";
  #units = 0;
  #milliseconds = 0;
  #rest = FIRST_REST;
  #sinceTrial = 0;
  #downwards = true;

  constructor(most: number) {
    this.#most = this.#best = this.count = most;
  }

  /** How many units make a piece: few enough for a measurement to be soon. @param atFirst Where the speed is not known */
  pieceOf(kind: string, atFirst: number): number {
    if (this.#most === 1) return Infinity;
    return kind === this.#kind && this.#speed > 0 ? Math.ceil(this.#speed * PIECE) : atFirst;
  }

  /** Takes in that `units` of some kind of work took so long. Speeds of different kinds are not compared. */
  measure(kind: string, units: number, milliseconds: number): void {
    if (this.#most === 1) return;
    if (kind !== this.#kind) {
      this.#kind = kind;
      this.#speed = 0;
      this.#start(this.#best);
    }
    this.#units += units;
    this.#milliseconds += milliseconds;
    this.#sinceTrial += milliseconds;
    if (this.#milliseconds < WINDOW) return;
    const speed = this.#units / this.#milliseconds;
    const [best, now] = [this.#best, this.count];
    if (now !== best) { // a trial is over
      const isFaster = speed > GAIN * this.#speed;
      this.#rest = isFaster ? FIRST_REST : Math.min(2 * this.#rest, LONGEST_REST);
      this.#sinceTrial = 0;
      if (isFaster) [this.#best, this.#speed] = [now, speed];
      else this.#downwards = !this.#downwards;
      return this.#start(this.#best);
    }
    const isSlower = speed < DROP * this.#speed;
    this.#speed = this.#speed === 0 || isSlower ? speed : (this.#speed + speed) / 2;
    this.#start(this.#sinceTrial >= (isSlower ? FIRST_REST : this.#rest) ? this.#other() : best);
  }

  #start(count: number): void {
    [this.count, this.#units, this.#milliseconds] = [count, 0, 0];
  }

  /** The number to try next: half as many or twice as many. */
  #other(): number {
    if (this.#best === 1) this.#downwards = false;
    if (this.#best === this.#most) this.#downwards = true;
    return this.#downwards ? Math.floor(this.#best / 2) : Math.min(2 * this.#best, this.#most);
  }
}
