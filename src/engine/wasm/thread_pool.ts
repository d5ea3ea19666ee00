/**
 * The other threads of a WASM engine: workers that run instances of the same module on the same memory.
 *
 * @module
 */
import type { Core } from "./core.ts";

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
    exports.serve(thread);
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

/** Resolves at the worker's next message, rejects when it fails. */
function nextMessage(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.addEventListener("message", () => resolve(), { once: true });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      reject(new Error(`Cannot go on with this engine as one of its workers failed: ${event.message}`));
    }, { once: true });
  });
}

/**
 * Starts `count` workers that serve jobs of the core, which must have shared memory.
 *
 * They live until the core's `stopThreads` is called, and keep the process alive until then.
 *
 * @throws {Error} If a worker cannot be started; none is left then
 */
export async function startThreads({ module, memory, exports }: Core, model: number, count: number): Promise<void> {
  await startWorkers({ module, memory }, model, Array.from({ length: count }, (_, i) => i + 1));
  exports.setThreads(count + 1, mayPark());
}

/** A worker that trains on the core's memory while its caller does something else. */
export interface BackgroundTrainer {
  /** Runs the core's `train`, in the worker. */
  train(): Promise<void>;
  /** Ends the worker. */
  stop(): void;
}

/**
 * Starts a worker that trains in the background, on a core that must have shared memory.
 *
 * @throws {Error} If it cannot be started
 */
export async function startTrainer(core: Core, model: number): Promise<BackgroundTrainer> {
  const [worker] = await startWorkers(core, model, [0]);
  return {
    async train() {
      worker.postMessage("train");
      await nextMessage(worker);
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
    await Promise.all(workers.map(nextMessage));
    return workers;
  } catch (error) {
    for (const worker of workers) worker.terminate();
    throw error;
  } finally {
    URL.revokeObjectURL(url);
  }
}
