/**
 * The other threads of a WASM engine: workers that run instances of the same module on the same memory.
 *
 * @module
 */
import { EngineError } from "../interface/error.ts";
import type { Core } from "./core.ts";

/** Between two looks at a worker that is waited for lie that many milliseconds. */
const LOOK_MS = 1000;
/** So many looks without progress are waited for a worker at work: half a minute, in which every thread that lives had its turn. */
const PATIENCE = 30;
/** And so many for one that starts, maybe with 63 others on a machine that is busy. */
const PATIENCE_AT_START = 120;

/**
 * What a worker runs. It is a string, from which a Blob is made: a worker from a file would need permission to read it, and would have to be
 * found again by every bundler.
 */
const WORKER_SOURCE = `
addEventListener("message", ({ data: { module, memory, model, thread } }) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  exports.configure(model);
  postMessage("ready");
  if (thread > 0) {
    try {
      exports.serve(thread);
    } catch (error) {
      Atomics.store(new Int32Array(memory.buffer), exports.failedAt.value / 4, 1); // thread 0 must not wait for us
      throw error;
    }
    close();
  } else {
    addEventListener("message", () => {
      exports.train();
      postMessage("done");
    });
  }
}, { once: true });
`;

/** Whether this runtime can share memory between workers. A page must be isolated for it (COOP and COEP). */
export function hasThreads(): boolean {
  return typeof SharedArrayBuffer === "function" && typeof Worker === "function" && typeof Blob === "function";
}

/** Whether this thread may block: the main thread of a page may not. Asks for a value that is not there, which returns at once where it may. */
function mayPark(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
    return true;
  } catch {
    return false;
  }
}

/** How long to wait for a worker. */
interface Watch {
  /** A number that changes where the worker gets on. */
  heartbeats: () => number;
  /** Looks without a change after which it counts as dead. */
  patience: number;
  /** Milliseconds between two looks. */
  every: number;
}

/**
 * Resolves at the worker's next message.
 *
 * Not by the clock: a process that was stopped for an hour has looked once.
 *
 * @throws {EngineError} If it fails, or gets no further: a worker that the system took away tells nobody
 */
function nextMessage(worker: Worker, { heartbeats, patience, every }: Watch): Promise<void> {
  return new Promise((resolve, reject) => {
    const waiting = new AbortController();
    const settle = (error?: EngineError) => {
      waiting.abort();
      clearInterval(timer);
      if (error === undefined) resolve();
      else reject(error);
    };
    const dead = (reason: string) =>
      new EngineError(`Cannot go on with this engine as its workers must live: ${reason}. Create another one`);
    worker.addEventListener("message", () => settle(), { signal: waiting.signal });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      // a script that could not be loaded has no message
      settle(event.message === undefined ? forbidden() : dead(`one failed (${event.message})`));
    }, { signal: waiting.signal });
    let [seen, looks] = [heartbeats(), 0];
    const timer = setInterval(() => {
      const now = heartbeats();
      looks = now === seen ? looks + 1 : 0;
      seen = now;
      if (looks >= patience) settle(dead("one has done nothing for too long"));
    }, every);
  });
}

/** The error of a page that lets no worker start from a Blob. */
function forbidden(cause?: unknown): EngineError {
  const reason = cause instanceof Error ? ` (${cause.message})` : "";
  return new EngineError(
    `Cannot start threads as workers from blob: URLs must be allowed: they are forbidden${reason}. ` +
      "Add worker-src blob: to the page's Content-Security-Policy, or use threads: 1",
    { cause },
  );
}

/** The other threads of an engine. */
export interface ThreadPool {
  /** Ends them, those that have died as well. */
  stop(): void;
}

/**
 * Starts `count` workers that serve jobs of the core, which must have shared memory. They live until `stop`, and keep the process alive until then.
 *
 * @throws {EngineError} If a worker cannot be started; none is left then
 */
export async function startThreads(
  { module, memory, exports }: Core,
  model: number,
  count: number,
): Promise<ThreadPool> {
  const workers = await startWorkers({ module, memory }, model, Array.from({ length: count }, (_, i) => i + 1));
  // the core knows of it, and says so when it is used next
  for (const worker of workers) worker.onerror = (event) => event.preventDefault();
  exports.setThreads(count + 1, mayPark());
  return {
    stop() {
      // a worker that waits for work ends by itself alone: Deno 2.9 does not get it out of its wait (tried)
      if (exports.stopThreads() > 0) { for (const worker of workers) worker.terminate(); }
    },
  };
}

/** A worker that trains on the core's memory while its caller does something else. */
export interface BackgroundTrainer {
  /** Runs the core's `train`, in the worker. @throws {EngineError} If the worker dies */
  train(): Promise<void>;
  /** Ends the worker. */
  stop(): void;
}

/**
 * Starts a worker that trains in the background, on a core that must have shared memory.
 *
 * @param look Milliseconds between two looks whether the worker lives
 * @throws {EngineError} If it cannot be started
 */
export async function startTrainer(core: Core, model: number, look: number = LOOK_MS): Promise<BackgroundTrainer> {
  const [worker] = await startWorkers(core, model, [0]);
  const watch = { heartbeats: () => core.exports.heartbeats(), patience: PATIENCE, every: look };
  return {
    async train() {
      worker.postMessage("train");
      await nextMessage(worker, watch);
    },
    stop: () => worker.terminate(),
  };
}

/** Starts workers on the memory of a core, and waits until all are ready. */
async function startWorkers(
  { module, memory }: Pick<Core, "module" | "memory">,
  model: number,
  threads: readonly number[],
): Promise<Worker[]> {
  const url = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" }));
  const workers: Worker[] = [];
  try {
    for (const thread of threads) {
      const worker = new Worker(url, { type: "module", name: `tiny-adder thread ${thread}` });
      workers.push(worker);
      worker.postMessage({ module, memory, model, thread });
    }
    const watch = { heartbeats: () => 0, patience: PATIENCE_AT_START, every: LOOK_MS };
    await Promise.all(workers.map((worker) => nextMessage(worker, watch)));
    return workers;
  } catch (error) {
    for (const worker of workers) worker.terminate();
    throw error instanceof EngineError ? error : forbidden(error);
  } finally {
    URL.revokeObjectURL(url);
  }
}
