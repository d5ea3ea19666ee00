/** Milliseconds that those who are ready wait for the others. */
const PATIENCE = 20;

/** A job and who waits for its result. */
interface Waiting<Job, Result> {
  job: Job;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/** What is done with the jobs. */
export interface Work<Job, Result> {
  /** Divides them into parts that are done at once each. */
  partsOf<Item extends { job: Job }>(waiting: Item[]): Item[][];
  /** Does a part; one result a job, in their order. */
  run(jobs: readonly Job[]): Promise<Result[]>;
}

/** Where the members of a population wait until all of them have a job, or some have waited long enough: others may be busy elsewhere. */
export class WaitingRoom<Job, Result> {
  readonly #work: Work<Job, Result>;
  #members = 0;
  #waiting: Waiting<Job, Result>[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #busy = false;

  /** Nobody is in it yet. */
  constructor(work: Work<Job, Result>) {
    this.#work = work;
  }

  /** How many there are to wait for. */
  get members(): number {
    return this.#members;
  }

  /** One more to wait for. */
  join(): void {
    this.#members++;
  }

  /** One less. */
  leave(): void {
    this.#members--;
    this.#startIfReady();
  }

  /** Has a job done together with all others that are asked for meanwhile. */
  do(job: Job): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, resolve, reject });
      this.#startIfReady();
    });
  }

  #startIfReady(): void {
    if (this.#busy || this.#waiting.length === 0) return;
    if (this.#waiting.length >= this.#members) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), PATIENCE);
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const parts = this.#work.partsOf(this.#waiting);
    this.#waiting = [];
    this.#busy = true;
    Promise.all(parts.map((part) => this.#run(part))).finally(() => {
      this.#busy = false;
      this.#startIfReady();
    });
  }

  async #run(part: Waiting<Job, Result>[]): Promise<void> {
    try {
      const results = await this.#work.run(part.map(({ job }) => job));
      part.forEach(({ resolve }, i) => resolve(results[i]));
    } catch (error) {
      for (const { reject } of part) reject(error);
    }
  }
}
