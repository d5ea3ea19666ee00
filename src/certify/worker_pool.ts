import { eventLoopTurn } from "../common/event_loop.ts";
import { EngineError } from "../engine/interface/error.ts";
import type { DecodingNumbers } from "../engine/wasm/decoding_tables.ts";
import { endWorker, LOOK_MS, nextMessage, startWorkers } from "../engine/wasm/workers.ts";
import { type Method, Prover, type Task } from "./prover.ts";
import { WORKER_SOURCE } from "./worker_source.ts";

/** A message to a worker: the model to prove, or a task. */
export type WorkerMessage = DecodingNumbers | Task;

/** A worker that has no result after so many looks counts as dead: a task takes seconds, on a busy machine minutes. */
const PATIENCE = 300;
/** Between two turns of the event loop lie at most about this many milliseconds where the caller's own thread does the work. */
const TURN_MS = 50;
const MOST_THREADS = 64;
/** What cannot go on without the workers. */
const USER = "this proof";

/** A worker, or the caller's own thread. */
interface Thread {
  load(numbers: DecodingNumbers): void;
  run(task: Task): Promise<unknown>;
  terminate(): void;
}

/** A task that waits for a thread, or is at work. */
interface Job {
  readonly task: Task;
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** Runs tasks on its threads. Which thread runs a task, and when, does not change its result. */
export class WorkerPool {
  readonly threads: number;
  readonly #idle: Thread[];
  readonly #waiting: Job[] = [];
  readonly #atWork = new Set<Job>();
  readonly #end = new AbortController();

  constructor(private readonly all: readonly Thread[]) {
    this.threads = all.length;
    this.#idle = [...all];
  }

  /** Sets the model; nothing that waits for a thread is answered any more. */
  load(numbers: DecodingNumbers): void {
    this.#waiting.length = 0;
    for (const thread of this.all) thread.load(numbers);
  }

  /** Has a method of the prover run. A task of the last step, the first argument, is next, among equals the oldest. */
  submit<M extends Method>(method: M, ...args: Parameters<Prover[M]>): Promise<ReturnType<Prover[M]>> {
    return new Promise<unknown>((resolve, reject) => {
      this.#end.signal.throwIfAborted();
      this.#waiting.push({ task: { method, args }, resolve, reject });
      queueMicrotask(() => this.#assign()); // when all that are submitted together are there
    }) as Promise<ReturnType<Prover[M]>>;
  }

  #assign(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const next = this.#waiting.reduce(
        (best, { task }, i, all) => task.args[0] > all[best].task.args[0] ? i : best,
        0,
      );
      void this.#run(this.#idle.pop()!, this.#waiting.splice(next, 1)[0]);
    }
  }

  async #run(thread: Thread, job: Job): Promise<void> {
    this.#atWork.add(job);
    try {
      job.resolve(await thread.run(job.task));
    } catch (error) {
      if (error instanceof EngineError) return this.end(error);
      job.reject(error);
    }
    this.#atWork.delete(job);
    this.#idle.push(thread);
    this.#assign();
  }

  /** Ends the threads. All tasks, also those that are submitted later, reject with the reason. */
  end(reason: unknown = new Error("Cannot run a task as the worker pool is terminated")): void {
    this.#end.abort(reason);
    for (const { reject } of [...this.#waiting.splice(0), ...this.#atWork]) reject(this.#end.signal.reason);
    for (const thread of this.all) thread.terminate();
  }
}

function ownThread(): Thread {
  let prover: Prover;
  let turned = performance.now();
  return {
    load: (numbers) => void (prover = new Prover(numbers)),
    async run(task) {
      const own = prover; // another model may be set meanwhile
      if (performance.now() - turned > TURN_MS) {
        await eventLoopTurn();
        turned = performance.now();
      }
      return own.run(task);
    },
    terminate() {},
  };
}

function workerThread(worker: Worker, every: number): Thread {
  return {
    load: (numbers) => worker.postMessage(numbers),
    async run(task) {
      worker.postMessage(task);
      const watch = { user: USER, patience: PATIENCE, every };
      const { result, error } = await nextMessage<{ result?: unknown; error?: unknown }>(worker, watch);
      if (error !== undefined) throw error;
      return result;
    },
    terminate: () => endWorker(worker),
  };
}

/**
 * Creates a worker pool. Where there are no workers, or a page forbids them, it is the caller's own thread.
 *
 * @param threads As many as there are cores unless it is given
 * @param look Milliseconds between two looks whether a worker lives
 */
export async function createWorkerPool(
  threads: number = Math.min(MOST_THREADS, globalThis.navigator?.hardwareConcurrency ?? 1),
  look: number = LOOK_MS,
): Promise<WorkerPool> {
  const isAlone = threads === 1 || typeof Worker !== "function" || typeof Blob !== "function";
  const greetings = Array.from({ length: isAlone ? 0 : threads }, (_, i) => [`prover ${i + 1}`, null]);
  const workers = await startWorkers(WORKER_SOURCE, USER, Object.fromEntries(greetings)).catch(() => []);
  return new WorkerPool(workers.length === 0 ? [ownThread()] : workers.map((worker) => workerThread(worker, look)));
}
