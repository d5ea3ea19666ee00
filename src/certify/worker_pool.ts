/**
 * A worker pool for proofs.
 */
import { EngineError } from "../engine/interface/error.ts";
import type { DecodingNumbers } from "../engine/wasm/decoding_tables.ts";
import { eventLoopTurn } from "../common/event_loop.ts";
import { Prover } from "./prover.ts";
import { type Results, runTask, type Task } from "./task.ts";
import { WORKER_SOURCE } from "./worker_source.ts";

/** A message to a worker: the model to prove, or a task. */
export type WorkerMessage = { readonly numbers: DecodingNumbers } | { readonly task: Task };

/** A task that waits for a thread. */
interface Job {
  readonly task: Task;
  readonly priority: number;
  readonly resolve: (result: never) => void;
  readonly reject: (reason: unknown) => void;
  /** How often the watchdog has found it unfinished. */
  looks: number;
}

/** Milliseconds between two looks of the watchdog. */
const LOOK_MS = 1000;
/** A worker that has no result after so many looks counts as dead. */
const PATIENCE = 60;

/** Between two turns of the event loop lie at most about this many milliseconds where the caller's own thread does the work. */
const TURN_MS = 50;

/** Runs tasks on its threads. Which thread runs a task, and when, does not change its result. */
export interface WorkerPool {
  /** Threads at work. */
  readonly threads: number;
  /** Sets the model. No task may be waiting. */
  load(numbers: DecodingNumbers): void;
  /** Runs a task. The task with the highest priority is next, among equals the oldest. */
  submit<T extends Task>(task: T, priority: number): Promise<Results[T["kind"]]>;
  /** Cancels all tasks that wait: their promises reject with the reason. Threads finish what they have. */
  cancel(reason: unknown): void;
  /** Ends the threads. */
  terminate(): void;
}

/** The tasks that wait. */
class Queue {
  #waiting: Job[] = [];

  put<T extends Task>(task: T, priority: number): Promise<Results[T["kind"]]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, priority, resolve: resolve as (result: never) => void, reject, looks: 0 });
    });
  }

  take(): Job | undefined {
    let best = 0;
    for (let i = 1; i < this.#waiting.length; i++) {
      if (this.#waiting[i].priority > this.#waiting[best].priority) best = i;
    }
    return this.#waiting.splice(best, 1).at(0);
  }

  cancel(reason: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }
}

/** One thread, the caller's own. */
class OwnThread implements WorkerPool {
  readonly threads = 1;
  readonly #queue = new Queue();
  #prover: Prover | undefined;
  #isWorking = false;

  load(numbers: DecodingNumbers): void {
    this.#prover = new Prover(numbers);
  }

  submit<T extends Task>(task: T, priority: number): Promise<Results[T["kind"]]> {
    const result = this.#queue.put(task, priority);
    if (!this.#isWorking) void this.#work();
    return result;
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    let turned = performance.now();
    await Promise.resolve(); // all tasks that are submitted together are there before the first is run
    for (let job = this.#queue.take(); job !== undefined; job = this.#queue.take()) {
      try {
        job.resolve(runTask(this.#prover!, job.task) as never);
      } catch (error) {
        job.reject(error);
      }
      if (performance.now() - turned < TURN_MS) {
        await Promise.resolve();
        continue;
      }
      await eventLoopTurn();
      turned = performance.now();
    }
    this.#isWorking = false;
  }

  cancel(reason: unknown): void {
    this.#queue.cancel(reason);
  }

  terminate(): void {
    this.cancel(new Error("Cannot run a task as the worker pool is terminated"));
  }
}

/** Workers. */
class Workers implements WorkerPool {
  readonly #workers: readonly Worker[];
  readonly #queue = new Queue();
  readonly #idle: Worker[];
  readonly #atWork = new Map<Worker, Job>();
  readonly #timer: ReturnType<typeof setInterval>;
  /** Why nothing is answered any more. */
  #failure: EngineError | undefined;

  constructor(workers: readonly Worker[], look: number) {
    this.#workers = workers;
    this.#idle = [...workers];
    this.#timer = setInterval(() => this.#watch(), look);
    for (const worker of workers) {
      worker.onmessage = ({ data: { result, error } }) => {
        const job = this.#atWork.get(worker);
        if (job === undefined) return; // it was cancelled
        const { resolve, reject } = job;
        this.#atWork.delete(worker);
        this.#idle.push(worker);
        if (error === undefined) resolve(result as never);
        else reject(new Error(error));
        this.#assign();
      };
      worker.onerror = (event) => {
        event.preventDefault();
        this.#fail(`one failed (${event.message})`);
      };
    }
  }

  /** A worker that the system took away tells nobody. */
  #watch(): void {
    for (const job of this.#atWork.values()) {
      if (++job.looks > PATIENCE) return this.#fail("one gave no result for too long");
    }
  }

  #fail(reason: string): void {
    this.#failure ??= new EngineError(`Cannot go on with a proof as its workers must live: ${reason}`);
    this.#cancelAll(this.#failure);
  }

  #cancelAll(error: unknown): void {
    this.cancel(error);
    for (const { reject } of this.#atWork.values()) reject(error);
    this.#atWork.clear();
  }

  get threads(): number {
    return this.#workers.length;
  }

  load(numbers: DecodingNumbers): void {
    for (const worker of this.#workers) worker.postMessage({ numbers } satisfies WorkerMessage);
  }

  submit<T extends Task>(task: T, priority: number): Promise<Results[T["kind"]]> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const result = this.#queue.put(task, priority);
    this.#assign();
    return result;
  }

  #assign(): void {
    while (this.#idle.length > 0) {
      const job = this.#queue.take();
      if (job === undefined) return;
      const worker = this.#idle.pop()!;
      this.#atWork.set(worker, job);
      worker.postMessage({ task: job.task } satisfies WorkerMessage);
    }
  }

  cancel(reason: unknown): void {
    this.#queue.cancel(reason);
  }

  terminate(): void {
    clearInterval(this.#timer);
    this.#cancelAll(new Error("Cannot run a task as the worker pool is terminated"));
    for (const worker of this.#workers) worker.terminate();
  }
}

/**
 * Creates a worker pool. Its workers run a source that is part of this package, from a Blob: a worker from a file would need permission to read it,
 * and every bundler would have to find it. Where there are no workers the pool is the caller's own thread, and says so in `threads`.
 *
 * @param look Milliseconds between two looks of the watchdog
 */
export async function createWorkerPool(threads: number, look: number = LOOK_MS): Promise<WorkerPool> {
  if (threads === 1 || typeof Worker !== "function" || typeof Blob !== "function") return new OwnThread();
  const url = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" }));
  const workers: Worker[] = [];
  try {
    for (let i = 0; i < threads; i++) workers.push(new Worker(url, { type: "module", name: `prover ${i + 1}` }));
    await Promise.all(workers.map((worker) => ready(worker)));
    return new Workers(workers, look);
  } catch {
    for (const worker of workers) worker.terminate();
    return new OwnThread(); // a page may forbid workers from a Blob
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Resolves at the worker's first message. */
async function ready(worker: Worker): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.onmessage = () => resolve();
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  const limit = setTimeout(() => reject(new Error("it does not start")), PATIENCE * LOOK_MS);
  try {
    await promise;
  } finally {
    clearTimeout(limit);
  }
}
