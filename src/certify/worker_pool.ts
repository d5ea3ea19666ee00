import { eventLoopTurn } from "../common/event_loop.ts";
import { EngineError } from "../engine/interface/error.ts";
import type { DecodingNumbers } from "../engine/wasm/decoding_tables.ts";
import { LOOK_MS, nextMessage, startWorkers } from "../engine/wasm/workers.ts";
import { type Method, Prover, type Task } from "./prover.ts";
import { WORKER_SOURCE } from "./worker_source.ts";

/** A message to a worker: the model to prove, or a task. */
export type WorkerMessage = DecodingNumbers | Task;

/** A worker that has no result after so many looks counts as dead: a task takes seconds, on a busy machine minutes. */
const PATIENCE = 300;
/** Between two turns of the event loop lie at most about this many milliseconds where the caller's own thread does the work. */
const TURN_MS = 50;
const MOST_THREADS = 64;

interface Thread {
  load(numbers: DecodingNumbers): void;
  run(task: Task): Promise<unknown>;
  terminate(): void;
}

/** A task that waits for a thread, or is at work. */
interface Job {
  readonly task: Task;
  readonly priority: number;
  readonly resolve: (result: never) => void;
  readonly reject: (reason: unknown) => void;
}

/** Runs tasks on its threads. Which thread runs a task, and when, does not change its result. */
export class WorkerPool {
  readonly #threads: readonly Thread[];
  readonly #idle: Thread[];
  readonly #waiting: Job[] = [];
  readonly #atWork = new Set<Job>();
  /** Why nothing is answered any more. */
  #end: { readonly reason: unknown } | undefined;

  constructor(threads: readonly Thread[]) {
    this.#threads = threads;
    this.#idle = [...threads];
  }

  get threads(): number {
    return this.#threads.length;
  }

  /** Sets the model; nothing that waits for a thread is answered any more. */
  load(numbers: DecodingNumbers): void {
    this.#waiting.length = 0;
    for (const thread of this.#threads) thread.load(numbers);
  }

  /** Has a method of the prover run. The task with the highest priority is next, among equals the oldest. */
  submit<M extends Method>(
    priority: number,
    method: M,
    ...args: Parameters<Prover[M]>
  ): Promise<ReturnType<Prover[M]>> {
    if (this.#end !== undefined) return Promise.reject(this.#end.reason);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task: { method, args }, priority, resolve: resolve as (result: never) => void, reject });
      queueMicrotask(() => this.#assign()); // when all that are submitted together are there
    });
  }

  #assign(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const next = this.#waiting.reduce((best, job, i, jobs) => job.priority > jobs[best].priority ? i : best, 0);
      void this.#run(this.#idle.pop()!, this.#waiting.splice(next, 1)[0]);
    }
  }

  async #run(thread: Thread, job: Job): Promise<void> {
    this.#atWork.add(job);
    try {
      job.resolve(await thread.run(job.task) as never);
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
    this.#end ??= { reason };
    for (const { reject } of [...this.#waiting.splice(0), ...this.#atWork]) reject(this.#end.reason);
    for (const thread of this.#threads) thread.terminate();
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
      const watch = { user: "this proof", patience: PATIENCE, every };
      const { result, error } = await nextMessage<{ result?: unknown; error?: unknown }>(worker, watch);
      if (error !== undefined) throw error;
      return result;
    },
    terminate: () => worker.terminate(),
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
  const names = Array.from({ length: threads }, (_, i) => [`prover ${i + 1}`, null]);
  const start = () => startWorkers(WORKER_SOURCE, "this proof", Object.fromEntries(names));
  const workers = isAlone ? [] : await start().catch(() => []);
  const own = workers.map((worker) => workerThread(worker, look));
  return new WorkerPool(own.length === 0 ? [ownThread()] : own);
}
