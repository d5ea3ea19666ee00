/** The other threads of a WASM engine: workers that run instances of the same module on the same memory. */
import type { Core } from "./core.ts";
import { endWorker, LOOK_MS, nextMessage, startWorkers } from "./workers.ts";

/** Looks without progress at a worker at work: half a minute, in which every thread that lives had its turn. */
const PATIENCE = 30;

const WORKER_SOURCE = `
addEventListener("message", ({ data: { module, memory, configuration, thread } }) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  exports.configure(...configuration);
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

export interface EngineThreads {
  readonly threads: number; // at work, the caller's own included
  /** Runs the core's `train` in a worker, while its caller does something else. @throws {EngineError} If the worker dies */
  train?(): Promise<void>;
  /** Ends the workers, those that have died as well. */
  stop(): void;
}

/** Starts workers that serve jobs of the core, on shared memory, until `stop`. @throws {EngineError} If one cannot be started; none is left then */
export async function startThreads(core: Core, count: number): Promise<EngineThreads> {
  const { exports } = core;
  const workers = await startThreadWorkers(core, Array.from({ length: count }, (_, i) => i + 1));
  // the core knows of it, and says so when it is used next
  for (const worker of workers) worker.onerror = (event) => event.preventDefault();
  exports.setThreads(count + 1, mayPark());
  return {
    threads: count + 1,
    stop() {
      // a worker that waits for work ends by itself alone: Deno 2.9 does not get it out of its wait (tried)
      if (exports.stopThreads() > 0) workers.forEach(endWorker);
    },
  };
}

/** Starts a worker on a core with shared memory. @param every Milliseconds between two looks at it. @throws {EngineError} If it cannot be started */
export async function startTrainer(core: Core, every: number = LOOK_MS): Promise<EngineThreads> {
  const [worker] = await startThreadWorkers(core, [0]);
  const watch = { user: "this engine", heartbeats: () => core.exports.heartbeats(), patience: PATIENCE, every };
  return {
    threads: 1,
    async train() {
      worker.postMessage("train");
      await nextMessage(worker, watch);
    },
    stop: () => endWorker(worker),
  };
}

function startThreadWorkers({ module, memory, variant }: Core, threads: readonly number[]): Promise<Worker[]> {
  const greeting = { module, memory, configuration: [variant.width, variant.hidden, variant.finalNorm] };
  const greetings = threads.map((thread) => [`tiny-adder thread ${thread}`, { ...greeting, thread }]);
  return startWorkers(WORKER_SOURCE, "this engine", Object.fromEntries(greetings));
}
