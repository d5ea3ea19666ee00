/** Milliseconds that a request waits for those of the other members. */
const MAX_WAIT = 20;

interface Pending<Request, Result> {
  request: Request;
  resolve: (result: Promise<Result>) => void;
}

/** Collects requests until every member has made one, or one has waited long enough, and has them run together. */
export class RequestBatcher<Request, Result> {
  readonly #run: (requests: readonly Request[]) => Promise<Result>[];
  #members = 0;
  #pending: Pending<Request, Result>[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isBusy = false;

  /** @param run Gives a promise for each request, in their order */
  constructor(run: (requests: readonly Request[]) => Promise<Result>[]) {
    this.#run = run;
  }

  get members(): number {
    return this.#members;
  }

  join(): void {
    this.#members++;
  }

  leave(): void {
    this.#members--;
    this.#startIfReady();
  }

  submit(request: Request): Promise<Result> {
    return new Promise((resolve) => {
      this.#pending.push({ request, resolve });
      this.#startIfReady();
    });
  }

  #startIfReady(): void {
    if (this.#isBusy || this.#pending.length === 0) return;
    if (this.#pending.length >= this.#members) this.#start();
    else this.#timer ??= setTimeout(() => this.#start(), MAX_WAIT);
  }

  async #start(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pending = this.#pending;
    this.#pending = [];
    this.#isBusy = true;
    const results = this.#run(pending.map(({ request }) => request));
    pending.forEach(({ resolve }, i) => resolve(results[i]));
    await Promise.allSettled(results);
    this.#isBusy = false;
    this.#startIfReady();
  }
}
