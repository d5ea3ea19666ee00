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
  exports.serve(thread, 0);
  close();
});
`;

/** Whether this runtime can share memory between workers. A page must be isolated for it (COOP and COEP). */
export function hasThreads(): boolean {
  return typeof SharedArrayBuffer === "function" && typeof Worker === "function" && typeof Blob === "function";
}

/** Resolves when the worker is ready, rejects when it cannot be started. */
function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.addEventListener("message", () => resolve(), { once: true });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      reject(new Error(`Cannot start a thread as its worker failed: ${event.message}`));
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
  const url = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" }));
  const workers: Worker[] = [];
  try {
    for (let thread = 1; thread <= count; thread++) {
      const worker = new Worker(url, { type: "module", name: `tiny-adder thread ${thread}` });
      workers.push(worker);
      worker.postMessage({ module, memory, model, thread });
    }
    await Promise.all(workers.map(ready));
  } catch (error) {
    for (const worker of workers) worker.terminate();
    throw error;
  } finally {
    URL.revokeObjectURL(url);
  }
  exports.setThreads(count + 1);
}
